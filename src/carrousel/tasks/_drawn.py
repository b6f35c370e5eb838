"""Sequences that a task has drawn, as a learner takes them and as the task judges them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

__all__ = ["AtEnds", "Drawn", "WithGoals", "ends_only", "near", "random_spans", "steps"]


class _Speaks(Protocol):
    """A learner that can be asked for its outputs."""

    def answers(self, inputs: Any, spans: Any, /) -> np.ndarray: ...

    def sequence_outputs(self, inputs: Any, spans: Any, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Drawn:
    """Sequences as a learner takes them: the steps of all, one after the other.

    A task judges all steps of these; of an :class:`AtEnds` only each sequence's last.

    Attributes:
        inputs: ``[steps, inputs]``, or ``[steps]`` numbers of the one input unit that is 1.
        targets: ``[steps, outputs]``, NaN where there is no target, or ``[steps]`` numbers of the one output unit that
            should be 1, -1 where there is none.
        spans: ``[sequences, 2]``, where in the steps each sequence begins and ends; sequences can share steps.
    """

    inputs: np.ndarray
    targets: np.ndarray
    spans: np.ndarray

    at_ends: ClassVar[bool] = False

    @property
    def answers(self) -> np.ndarray:
        """Each sequence's last target, ``[sequences]`` or ``[sequences, outputs]``, with its noise if it has any."""
        return self.targets[self.spans[:, 1] - 1]

    @property
    def judged(self) -> np.ndarray:
        """The numbers of the steps that the task judges, sequence after sequence, ``[rows]``."""
        begin, end = self.spans.T
        if self.at_ends:
            return end - 1
        lengths = end - begin
        return np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())

    def wanted(self, outputs: int) -> np.ndarray:
        """Returns the best outputs in each step that is judged, ``[rows, outputs]``; NaN where all are equally good."""
        targets = self.targets[self.judged]
        if targets.ndim == 2:
            return targets
        # float32, so that errors are as exact as the outputs are
        return np.where(targets[:, None] < 0, np.float32(np.nan), np.float32(np.arange(outputs) == targets[:, None]))

    def outputs_of(self, learner: _Speaks) -> np.ndarray:
        """Returns a learner's outputs in each step that is judged, ``[rows, outputs]``; it does not learn."""
        ask = learner.answers if self.at_ends else learner.sequence_outputs
        return ask(self.inputs, self.spans)

    def whole(self, right: np.ndarray) -> np.ndarray:
        """Returns whether all judgements ``[rows]`` of each sequence are True, ``[sequences]``."""
        if self.at_ends:
            return right
        ends = np.cumsum(self.spans[:, 1] - self.spans[:, 0])
        wrong = np.concatenate([[0], np.cumsum(~right)])
        return wrong[ends] == wrong[np.concatenate([[0], ends[:-1]])]

    def part(self, first: int, last: int) -> Self:
        """Returns the sequences from ``first`` to before ``last``, which have no gaps; only spans are copied."""
        spans = self.spans[first:last]
        begin, end = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
        steps = slice(begin, end)
        others = self._parts(range(len(self.spans))[first:last], steps)
        return replace(self, inputs=self.inputs[steps], targets=self.targets[steps], spans=spans - begin, **others)

    def chosen(self, numbers: np.ndarray) -> Self:
        """Returns the sequences of these numbers, which can recur; all steps stay, for they can be shared."""
        return replace(self, spans=self.spans[numbers], **self._parts(numbers, slice(None)))

    def _parts(self, numbers: np.ndarray | range, steps: slice) -> dict[str, Any]:
        """Returns the further fields of the sequences of these numbers, and of these steps."""
        return {}


@dataclass(frozen=True)
class AtEnds(Drawn):
    """Sequences of which a task judges the last step alone."""

    at_ends: ClassVar[bool] = True


@dataclass(frozen=True)
class WithGoals(AtEnds):
    """Sequences that have targets at their ends alone, one after the other without gaps.

    Attributes:
        goals: ``[sequences, outputs]``, what the outputs should be in the end, free of any noise.
    """

    goals: np.ndarray

    def wanted(self, outputs: int) -> np.ndarray:
        """Returns the goals."""
        return self.goals

    def _parts(self, numbers: np.ndarray | range, steps: slice) -> dict[str, Any]:
        return {"goals": self.goals[_index(numbers)]}


def _index(numbers: np.ndarray | range) -> np.ndarray | slice:
    """Returns numbers as an index that copies nothing where it can."""
    return slice(numbers.start, numbers.stop) if isinstance(numbers, range) else numbers


def near(outputs: np.ndarray, wanted: np.ndarray, tolerance: float, *, inclusive: bool = False) -> np.ndarray:
    """Returns whether all outputs of each row are nearer than ``tolerance`` to the wanted ones, ``[rows]``.

    Where NaN is wanted everything is near; where NaN is said nothing is.
    """
    off = np.abs(outputs - wanted)
    return (((off <= tolerance) if inclusive else (off < tolerance)) | np.isnan(wanted)).all(1)


def random_spans(rng: np.random.Generator, count: int, shortest: int, longest: int) -> np.ndarray:
    """Draws spans of sequences whose lengths are uniform from ``shortest`` to ``longest``, both included.

    Raises:
        ValueError: there are no such lengths.
    """
    if not 1 <= shortest <= longest:
        raise ValueError(f"sequences must have a step, and be no longer than the longest; got {shortest} to {longest}")
    lengths = rng.integers(shortest, longest + 1, count)
    ends = np.cumsum(lengths)
    return np.stack([ends - lengths, ends], 1)


def steps(spans: np.ndarray) -> int:
    """Returns the number of steps of all sequences."""
    return int(spans[-1, 1]) if len(spans) else 0


def ends_only(spans: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns targets ``[steps, outputs]``, float32: ``values`` ``[sequences, outputs]`` at the ends, NaN elsewhere."""
    targets = np.full((steps(spans), values.shape[1]), np.nan, np.float32)
    targets[spans[:, 1] - 1] = values
    return targets
