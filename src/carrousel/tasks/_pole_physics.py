"""The motion of a cart with one or two poles, many worlds at a time, compiled."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from carrousel._jit import entry, jit

__all__ = ["accelerations", "push", "rates_of"]


@jit
def rates_of(state, force, about, rates, turns):
    """Computes the time derivatives of a world's state: x, its velocity, and each pole's angle and velocity.

    ``about``: gravity, the cart's mass and friction, the hinges' friction, then each pole's half length and mass.
    ``turns`` is room for the sines and cosines, which cost most.
    """
    gravity, cart, friction, hinge = about[0], about[1], about[2], about[3]
    velocity = state[1]
    total, mass = force, cart
    if velocity > 0:
        total -= friction
    elif velocity < 0:
        total += friction
    for pole in range((len(state) - 2) // 2):
        angle, turning = state[2 + 2 * pole], state[3 + 2 * pole]
        half, weight = about[4 + 2 * pole], about[5 + 2 * pole]
        s, c = sin(angle), cos(angle)
        turns[2 * pole], turns[2 * pole + 1] = s, c
        rubbed = hinge * turning / (weight * half)
        total += weight * half * turning * turning * s + 0.75 * weight * c * (rubbed - gravity * s)
        mass += weight * (1.0 - 0.75 * c * c)
    acceleration = total / mass
    rates[0], rates[1] = velocity, acceleration
    for pole in range((len(state) - 2) // 2):
        turning, s, c = state[3 + 2 * pole], turns[2 * pole], turns[2 * pole + 1]
        half, weight = about[4 + 2 * pole], about[5 + 2 * pole]
        rubbed = hinge * turning / (weight * half)
        rates[2 + 2 * pole] = turning
        rates[3 + 2 * pole] = -0.75 / half * (acceleration * c - gravity * s + rubbed)


@entry
def accelerations(states, forces, about):
    """Returns the time derivatives of all worlds' states, ``[worlds, numbers]``."""
    rates, turns = np.zeros_like(states), np.zeros(4)
    for world in range(len(states)):
        rates_of(states[world], forces[world], about, rates[world], turns)
    return rates


@entry
def push(states, forces, about, step, times, over):
    """Takes all worlds that are not over some steps of Runge and Kutta's fourth order on, under constant forces."""
    n = states.shape[1]
    rates, total, moved, turns = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(4)
    for world in range(len(states)):
        if over[world]:
            continue
        state = states[world]
        for _ in range(times):
            total[:] = 0.0
            moved[:] = state
            for stage in range(4):
                rates_of(moved, forces[world], about, rates, turns)
                weight = 1.0 if stage == 0 or stage == 3 else 2.0
                ahead = step if stage == 2 else 0.5 * step
                for k in range(n):
                    total[k] += weight * rates[k]
                    moved[k] = state[k] + ahead * rates[k]
            for k in range(n):
                state[k] += step / 6.0 * total[k]
