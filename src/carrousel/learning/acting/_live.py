"""Advantage(lambda) learning, compiled: world, agent and update in one loop."""

from __future__ import annotations

from math import exp, isfinite
from typing import Any, NamedTuple

from carrousel._jit import entry, jit, logistic
from carrousel._world import act, begin, uniform
from carrousel.learning.acting._networks import CELL, ELMAN, NETWORK, Functions

__all__ = [
    "ACTION",
    "AGENT_END",
    "CUT",
    "ENDLESS",
    "FRESH",
    "GOING",
    "GREEDY",
    "LEARNS",
    "LIVES",
    "NOT_A_NUMBER",
    "OVER",
    "PHASE",
    "REGISTERS",
    "RETURN",
    "REWARD",
    "SETTINGS",
    "STEPS",
    "TEMPERATURE",
    "UNSTABLE",
    "Agent",
]

(RATE, DISCOUNT, DECAY, KAPPA, BETA, LEARNING_RATE, PER_VALUE, COLDEST, HOTTEST, EXPLORES) = range(10)
SETTINGS = 10
"""Places among the settings: the rate alpha; gamma; lambda; kappa; beta and the rate of the exploration net; the
temperature for each unit of its output, the least and the greatest; whether there is such a net."""

(PHASE, VALUE, ADVANTAGE, ACTION, REWARD, RETURN, STEPS, PREDICTED, TEMPERATURE) = range(9)
REGISTERS = 9
"""Places among what goes on from step to step: the phase; the last step's greatest advantage, which is the state's
value, and that of the action taken; that action; what it has earned, and all since the episode began; its steps; the
exploration net's last output; the temperature."""

FRESH, GOING, OVER, CUT = range(4)
"""Phases: an episode begins; an action has been taken; and has ended the episode; and a limit has ended it."""

LEARNS, GREEDY = 1, 2
"""Ways to live, added up."""

NOT_A_NUMBER, UNSTABLE, ENDLESS = range(1, 4)
"""Why a life broke off: the world, the agent's weights, the length of an episode."""


class Agent(NamedTuple):
    """An agent's arrays, in the order in which compiled functions take them.

    Attributes:
        settings, registers: see above. draws: the state of its random numbers.
        seen: the last observation. values: the advantages of all actions, in the weights' dtype.
        weights: the learner's. trace: their eligibility. slope: the derivatives of the chosen action's advantage.
        factors: [2], in the weights' dtype.
        inward, outward: the exploration net's weights ``[hidden, inputs + 1]`` and ``[hidden + 1]``, biases last.
        hidden, shown: its hidden activations, and what it saw, of this step in row 0, of the step before in row 1.
    """

    settings: Any
    registers: Any
    draws: Any
    seen: Any
    values: Any
    weights: Any
    trace: Any
    slope: Any
    factors: Any
    inward: Any
    outward: Any
    hidden: Any
    shown: Any


AGENT_END = len(Agent._fields)
WORLD_END = AGENT_END + 7


@jit
def _explore(seen, inward, outward, hidden, shown):
    """Runs the exploration net on what is seen; returns its output."""
    inputs, units = len(seen), len(outward) - 1
    output = outward[units]
    for k in range(inputs):
        shown[0, k] = seen[k]
    for j in range(units):
        total = inward[j, inputs]
        for k in range(inputs):
            total += inward[j, k] * seen[k]
        hidden[0, j] = logistic(total)
        output += outward[j] * hidden[0, j]
    return output


@jit
def _teach(error, rate, inward, outward, hidden, shown):
    """Changes the exploration net by the error of its output a step ago, by back-propagation."""
    inputs, units = shown.shape[1], len(outward) - 1
    for j in range(units):
        h = hidden[1, j]
        delta = error * outward[j] * h * (1.0 - h)
        outward[j] += rate * error * h
        for k in range(inputs):
            inward[j, k] += rate * delta * shown[1, k]
        inward[j, inputs] += rate * delta
    outward[units] += rate * error


@jit
def _choose(values, temperature, is_greedy, draws):
    """Returns the action with the greatest value, or one drawn with the probabilities of Boltzmann."""
    best = 0
    for k in range(1, len(values)):
        if values[k] > values[best]:
            best = k
    if is_greedy:
        return best
    total = 0.0
    for k in range(len(values)):
        total += exp((values[k] - values[best]) / temperature)
    rest = uniform(draws) * total
    for k in range(len(values)):
        rest -= exp((values[k] - values[best]) / temperature)
        if rest < 0:
            return k
    return best


@jit
def _change(weights, trace, factors):
    """Adds the first factor times the trace to the weights."""
    for k in range(len(weights)):
        weights[k] += factors[0] * trace[k]


@jit
def _renew_trace(trace, slope, factors):
    """Lets the trace decay by the second factor and adds the slope, which is zero then."""
    for k in range(len(trace)):
        trace[k] = factors[1] * trace[k] + slope[k]
        slope[k] = 0


def _lives(kind: Functions) -> Any:
    """Returns the compiled loop of agents over one kind of learner."""
    opening, restart, observe, sense, renew = kind

    @entry
    def live(*flat):
        """Lives in a world for some steps.

        The arguments are those of :class:`Agent`, and then: a compiled world's links, numbers, state, draws, and an
        array for an action; ``how [steps, way, limit, longest]``; ``record [episodes, 3]``, which receives each
        episode's return, steps and last reward; and the learner's arrays. Without links it takes what the last action
        has earned from the registers, and returns when it has chosen the next.

        Returns ``(steps made, episodes ended, why it broke off)``.
        """
        agent = Agent(*flat[:AGENT_END])
        links, numbers, state, world_draws, action, how, record = flat[AGENT_END:WORLD_END]
        own = opening(flat[WORLD_END:])
        settings, registers, values, seen = agent.settings, agent.registers, agent.values, agent.seen
        most, learns, is_greedy = how[0], how[1] & 1 != 0, how[1] & 2 != 0
        limit, longest, has_world = how[2], how[3], len(links) > 0
        explores, discount, kappa = settings[EXPLORES] != 0, settings[DISCOUNT], settings[KAPPA]
        agent.factors[1] = discount * settings[DECAY]
        made, episodes = 0, 0
        while True:
            phase = int(registers[PHASE])
            ends = phase in (OVER, CUT)
            if made >= most and not ends:
                return made, episodes, 0
            if phase == FRESH:
                restart(own)
                agent.trace[:] = 0
                registers[RETURN], registers[STEPS] = 0.0, 0.0
            following, predicted = 0.0, 0.0
            if phase != OVER:
                for k in range(len(seen)):
                    if not isfinite(seen[k]):
                        return made, episodes, NOT_A_NUMBER
                observe(own, seen, values)
                following = values[0] * 1.0
                for k in range(1, len(values)):
                    following = max(following, values[k] * 1.0)
                if explores:
                    predicted = _explore(seen, agent.inward, agent.outward, agent.hidden, agent.shown)
            if phase != FRESH and learns:
                gain = registers[REWARD] + discount * following - registers[VALUE]
                error = registers[VALUE] + gain / kappa - registers[ADVANTAGE]
                if not isfinite(error):
                    return made, episodes, UNSTABLE if isfinite(registers[REWARD]) else NOT_A_NUMBER
                if explores:
                    surprise = abs(error) + settings[BETA] * predicted - registers[PREDICTED]
                    rate = settings[LEARNING_RATE]
                    _teach(surprise, rate, agent.inward, agent.outward, agent.hidden, agent.shown)
                agent.factors[0] = settings[RATE] * error
            chosen = 0
            if not ends:
                if explores:
                    heat = settings[PER_VALUE] * predicted
                    registers[TEMPERATURE] = min(max(heat, settings[COLDEST]), settings[HOTTEST])
                    agent.hidden[1] = agent.hidden[0]
                    agent.shown[1] = agent.shown[0]
                    registers[PREDICTED] = predicted
                chosen = _choose(values, registers[TEMPERATURE], is_greedy, agent.draws)
                if learns:  # before weights change: the derivatives are those of this step
                    sense(own, chosen, agent.slope)
            if learns and phase != FRESH:
                _change(agent.weights, agent.trace, agent.factors)
                renew(own)
            if ends:
                if episodes < len(record):
                    record[episodes, 0], record[episodes, 1] = registers[RETURN], registers[STEPS]
                    record[episodes, 2] = registers[REWARD]
                episodes += 1
                registers[PHASE] = FRESH
                if not has_world:
                    return made, episodes, 0
                begin(links, numbers, state, world_draws, seen)
                if episodes == len(record):
                    return made, episodes, 0
                continue
            if learns:
                _renew_trace(agent.trace, agent.slope, agent.factors)
            registers[VALUE], registers[ADVANTAGE], registers[ACTION] = following, values[chosen], chosen
            registers[PHASE] = GOING
            registers[STEPS] += 1
            made += 1
            if registers[STEPS] > longest:
                return made, episodes, ENDLESS
            if not has_world:
                return made, episodes, 0
            action[0] = chosen
            reward, ended = act(links, numbers, state, action, world_draws, seen)
            if not isfinite(reward):
                return made, episodes, NOT_A_NUMBER
            registers[REWARD] = reward
            registers[RETURN] += reward
            if ended:
                registers[PHASE] = OVER
            elif registers[STEPS] == limit:
                registers[PHASE] = CUT

    return live


LIVES = {"network": _lives(NETWORK), "cell": _lives(CELL), "elman": _lives(ELMAN)}
"""The loops by kind of learner."""
