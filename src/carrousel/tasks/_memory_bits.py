"""A world with bits of memory in it, for agents that have none of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from carrousel._jit import entry, jit
from carrousel._world import CompiledWorld, act, begin
from carrousel.learning._steps import check_counts
from carrousel.tasks._mazes import TMaze
from carrousel.tasks._spaces import Box, Discrete

__all__ = ["MemoryBits"]

# numbers: bits, boxes, inputs of the world inside, its actions; then the lower ends and the widths of its inputs, then
# its own numbers. The state: the bits, then its own.
_BITS, _BOXES, _INPUTS, _ACTIONS, _HEAD = range(5)


@jit
def _coded(numbers, state, seen):
    """Makes of the observation, which stands where ``seen`` begins, the unit of its boxes and of the bits."""
    bits, boxes, inputs = int(numbers[_BITS]), int(numbers[_BOXES]), int(numbers[_INPUTS])
    code = 0
    for k in range(inputs):
        box = int((seen[k] - numbers[_HEAD + k]) / numbers[_HEAD + inputs + k] * boxes)
        code = code * boxes + min(max(box, 0), boxes - 1)
    for k in range(bits):
        code = 2 * code + int(state[k])
    seen[:] = 0.0
    seen[code] = 1.0


@entry
def _begin_bits(links, numbers, state, draws, seen):
    bits, inner = int(numbers[_BITS]), _HEAD + 2 * int(numbers[_INPUTS])
    state[:bits] = 0.0
    begin(links[2:], numbers[inner:], state[bits:], draws, seen[: int(numbers[_INPUTS])])
    _coded(numbers, state, seen)


@entry
def _act_bits(links, numbers, state, action, draws, seen):
    bits, inputs, actions = int(numbers[_BITS]), int(numbers[_INPUTS]), int(numbers[_ACTIONS])
    choice = int(action[0])
    if choice >= actions:  # a bit is switched, and nothing else happens; what was seen is seen again
        bit = choice - actions
        code = 0
        for k in range(len(seen)):
            if seen[k] == 1.0:
                code = k
        seen[code] = 0.0
        weight = 1 << (bits - 1 - bit)
        seen[code + (-weight if state[bit] == 1.0 else weight)] = 1.0
        state[bit] = 1.0 - state[bit]
        return 0.0, False
    reward, ended = act(links[2:], numbers[_HEAD + 2 * inputs :], state[bits:], action, draws, seen[:inputs])
    _coded(numbers, state, seen)
    return reward, ended


@dataclass(frozen=True)
class MemoryBits(CompiledWorld):
    """A world whose agent sees bits and can switch them: memory outside, for an agent that is a table.

    Actions are those of the world inside, and after them one for each bit, which switches it and takes a step. The
    range of each input is cut into boxes of equal size; an observation is one-hot over all combinations of boxes and
    bits.

    L. Peshkin, N. Meuleau, L. P. Kaelbling: Learning policies with external memory, 1999; beside LSTM in Bakker 2002.

    Args:
        world: the world inside, with a range for its inputs and discrete actions; its own limit does not count.
        bits: how many bits there are, 0 at the beginning.
        boxes: parts of an input's range.
        limit: steps after which an episode is truncated, 0 for none.

    Raises:
        ValueError: the world is not such a world, or the table would be too large.

    >>> world = MemoryBits(TMaze(5), bits=1, boxes=2)
    >>> [int(seen.argmax()) for seen in (world.reset(seed=0)[0], world.step(4)[0])]
    [6, 7]
    """

    world: CompiledWorld = field(default_factory=TMaze)
    bits: int = 1
    boxes: int = 3
    limit: int = 0

    _begin, _act = _begin_bits, _act_bits

    def __post_init__(self) -> None:
        if not isinstance(self.world, CompiledWorld):
            raise ValueError(f"the world inside must be compiled, as the house's are; got {self.world!r}")
        inside = self.world.observation_space
        if not isinstance(self.world.action_space, Discrete) or len(inside.shape) != 1:
            raise ValueError(f"the world inside must have discrete actions and a row of inputs, got {self.world}")
        if not (np.isfinite(inside.low) and np.isfinite(inside.high)):
            raise ValueError("the inputs of the world inside have no range that could be cut into boxes")
        check_counts(bits=self.bits, boxes=self.boxes)
        check_counts(0, limit=self.limit)
        if inside.shape[0] * np.log2(self.boxes) + self.bits > 20:
            raise ValueError(f"{self.boxes} boxes of {inside.shape[0]} inputs and {self.bits} bits make too many cases")

    @property
    def observation_space(self) -> Box:  # type: ignore[override]
        """What an observation can be."""
        inputs = self.world.observation_space.shape[0]
        return Box((max(self.boxes**inputs * 2**self.bits, inputs),), 0.0, 1.0)

    @property
    def action_space(self) -> Discrete:  # type: ignore[override]
        """What an action can be."""
        return Discrete(self.world.action_space.n + self.bits)

    @property
    def state_size(self) -> int:
        """The bits, and what goes on inside."""
        return self.bits + self.world.state_size

    @property
    def links(self) -> np.ndarray:
        """The addresses of its compiled functions, and of those of the world inside."""
        return np.concatenate([super().links, self.world.links])

    @property
    def numbers(self) -> np.ndarray:
        """The bits, the boxes, and the numbers of the world inside."""
        space = self.world.observation_space
        inputs = space.shape[0]
        head = [self.bits, self.boxes, inputs, self.world.action_space.n]
        ranges = [space.low] * inputs + [space.high - space.low] * inputs
        return np.concatenate([np.array([*head, *ranges], np.float64), self.world.numbers])
