"""How long networks keep poles upright: network and cart step by step in one compiled call."""

from __future__ import annotations

import numpy as np

from carrousel._jit import entry
from carrousel.learning.guessing import go_forward
from carrousel.tasks._pole_physics import push

__all__ = ["stand"]


@entry
def stand(
    sources, starts, n_inputs, is_tanh, population, states, about, places, limits, scale, force, most, past, stood
):  # fmt: skip
    """Counts for every network the steps until a pole falls or the cart leaves the track, ``stood [members]``.

    The worlds begin at ``states [members, numbers]``, which change; a network sees what ``places`` name, divided by
    ``scale``. ``past [members, window]`` receives how restless each of the last steps was.
    """
    members, window = past.shape
    inputs, forces, over = np.zeros((1, n_inputs)), np.zeros(1), np.zeros(1, np.bool_)
    values = np.zeros(n_inputs + 2 * len(starts))
    strongest, first = force.item(), n_inputs + len(starts) - 1
    for member in range(members):
        values[:] = 0.0
        values[n_inputs] = 1.0
        state = states[member : member + 1]
        t = 0
        while t < most:
            for k in range(n_inputs):
                inputs[0, k] = np.float32(state[0, places[k]] / scale[k])  # as the world shows it
            go_forward(sources, starts, n_inputs, is_tanh, population[member], inputs, 0, values)
            forces[0] = strongest * min(max(values[first], -1.0), 1.0)
            push(state, forces, about, 0.01, 2, over)
            past[member, t % window] = abs(state[0, 0]) + abs(state[0, 1]) + abs(state[0, 2]) + abs(state[0, 3])
            t += 1
            fallen = False
            for k in range(len(places)):
                fallen |= abs(state[0, places[k]]) > limits[k]
            if fallen:
                break
        stood[member] = t
