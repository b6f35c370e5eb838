"""Sequences that a task has drawn, as a learner takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

__all__ = ["Drawn", "Ended", "at_ends", "random_spans", "steps"]


@dataclass(frozen=True)
class Drawn:
    """Sequences as a learner takes them: the steps of all, one after the other.

    Attributes:
        inputs: ``[steps, inputs]``, or ``[steps]`` numbers of the one input unit that is 1.
        targets: ``[steps, outputs]``, NaN where there is no target, or ``[steps]`` numbers of the one output unit that
            should be 1, -1 where there is none.
        spans: ``[sequences, 2]``, where in the steps each sequence begins and ends; sequences can share steps.
    """

    inputs: np.ndarray
    targets: np.ndarray
    spans: np.ndarray

    @property
    def answers(self) -> np.ndarray:
        """Each sequence's last target, ``[sequences]`` or ``[sequences, outputs]``, with its noise if it has any."""
        return self.targets[self.spans[:, 1] - 1]

    def part(self, first: int, last: int) -> Self:
        """The sequences from ``first`` to before ``last``, which have no gaps; nothing is copied but the spans."""
        spans = self.spans[first:last]
        begin, end = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
        steps = slice(begin, end)
        more = self._parts(slice(first, last), steps)
        return replace(self, inputs=self.inputs[steps], targets=self.targets[steps], spans=spans - begin, **more)

    def _parts(self, sequences: slice, steps: slice) -> dict[str, Any]:
        """What else these sequences and steps have."""
        return {}


@dataclass(frozen=True)
class Ended(Drawn):
    """Sequences that have targets at their ends alone, one after the other without gaps.

    Attributes:
        goals: ``[sequences, outputs]``, what the outputs should be in the end, free of any noise.
    """

    goals: np.ndarray

    def _parts(self, sequences: slice, steps: slice) -> dict[str, Any]:
        return {"goals": self.goals[sequences]}


def random_spans(rng: np.random.Generator, sequences: int, shortest: int, longest: int) -> np.ndarray:
    """Spans of sequences whose lengths are uniform from ``shortest`` to ``longest``, both included.

    Raises:
        ValueError: there are no such lengths.
    """
    if not 1 <= shortest <= longest:
        raise ValueError(f"sequences must have a step, and be no longer than the longest; got {shortest} to {longest}")
    lengths = rng.integers(shortest, longest + 1, sequences)
    ends = np.cumsum(lengths)
    return np.stack([ends - lengths, ends], 1)


def steps(spans: np.ndarray) -> int:
    """The number of steps of all sequences."""
    return int(spans[-1, 1]) if len(spans) else 0


def at_ends(spans: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Targets ``[steps, outputs]`` in float32 that are ``values`` ``[sequences, outputs]`` at the ends, else NaN."""
    targets = np.full((steps(spans), values.shape[1]), np.nan, np.float32)
    targets[spans[:, 1] - 1] = values
    return targets
