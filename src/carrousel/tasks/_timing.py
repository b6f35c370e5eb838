"""Measuring and generating time: delays between spikes, spikes at intervals, periodic functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import Drawn, near

__all__ = ["GeneratingSpikes", "MeasuringDelays", "PeriodicFunction", "TimedStream"]


@dataclass(frozen=True)
class TimedStream:
    """A continual stream of one input and one target, in which every step has a target.

    Attributes:
        inputs, targets: ``[steps, 1]``.
        ends: ``[periods]``, the steps after which a period, or the time up to a spike, is over.
    """

    inputs: np.ndarray
    targets: np.ndarray
    ends: np.ndarray

    def pieces(self, rng: np.random.Generator, number: int, periods: int) -> np.ndarray:
        """Draws where ``number`` streams of ``periods`` periods begin and end, each at a random one, ``[number, 2]``.

        Periods are independent of each other, so that each of these is a stream of the same kind; they can overlap.

        Raises:
            ValueError: there are not so many periods.
        """
        if periods > len(self.ends):
            raise ValueError(f"there are {len(self.ends)} periods, not {periods}")
        first = rng.integers(0, len(self.ends) - periods + 1, number)
        begins = np.concatenate([[0], self.ends])
        return np.stack([begins[first], begins[first + periods]], 1)


class _Timed(ABC):
    """What the tasks of this file share: a sequence is a stream of ``periods`` periods."""

    input_size = 1
    output_size = 1
    tolerance: float
    periods: int

    @abstractmethod
    def stream(self, rng: np.random.Generator, periods: int) -> TimedStream: ...

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` streams of ``periods`` periods as a :class:`Drawn`."""
        stream = self.stream(rng, count * self.periods)
        ends = np.concatenate([[0], stream.ends])[:: self.periods].astype(np.int64)
        return Drawn(stream.inputs, stream.targets, np.stack([ends[:-1], ends[1:]], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges every step: whether the output is near enough to the target, or there is none, ``[rows]``."""
        return near(outputs, drawn.wanted(1), self.tolerance)


@dataclass(frozen=True)
class MeasuringDelays(_Timed):
    """MSD: how long is it since the last spike of the input?

    Spikes come ``fixed`` + I steps after each other (the first so many after the beginning), I being drawn anew from
    ``intervals`` each time. The target is I at the moment of the spike that ends the interval; in between it is 0, or
    there is none.

    Gers, Schraudolph & Schmidhuber 2002. A step is right if the output is nearer than 0.49 to the target.

    Args:
        fixed, intervals: the delays are ``fixed`` + each of these.
        silent: whether the target is 0 between spikes.
        tolerance: of a step.
        periods: how many intervals a stream has.

    Raises:
        ValueError: there are no intervals, or a delay is less than a step.

    >>> stream = MeasuringDelays(3, (0, 1)).stream(np.random.default_rng(0), 2)
    >>> stream.inputs[:, 0].tolist(), stream.targets[:, 0].tolist()
    ([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    """

    fixed: int = 10
    intervals: tuple[int, ...] = (0, 1)
    silent: bool = True
    tolerance: float = 0.49
    periods: int = 100

    def __post_init__(self) -> None:
        if not self.intervals or self.fixed + min(self.intervals) < 1:
            raise ValueError(f"delays must be at least 1, got {self.fixed} and {self.intervals}")

    def stream(self, rng: np.random.Generator, periods: int) -> TimedStream:
        """Draws a stream of ``periods`` spikes as a :class:`TimedStream`."""
        drawn = rng.choice(self.intervals, periods)
        ends = np.cumsum(self.fixed + drawn)
        inputs = np.zeros((int(ends[-1]) if periods else 0, 1), np.float32)
        targets = np.full_like(inputs, 0 if self.silent else np.nan)
        inputs[ends - 1, 0] = 1
        targets[ends - 1, 0] = drawn
        return TimedStream(inputs, targets, ends)


def _check_period(period: int) -> None:
    if period < 1:
        raise ValueError(f"period must be at least 1, got {period}")


@dataclass(frozen=True)
class GeneratingSpikes(_Timed):
    """GTS: a spike of the output, target 1, at every ``period``-th step, and 0 in between; the input is constant.

    Gers, Schraudolph & Schmidhuber 2002. A step is right if the output is nearer than 0.49 to the target.

    >>> GeneratingSpikes(3).stream(np.random.default_rng(0), 2).targets[:, 0].tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    """

    period: int = 10
    input: float = 1.0
    tolerance: float = 0.49
    periods: int = 100

    def __post_init__(self) -> None:
        _check_period(self.period)

    def stream(self, rng: np.random.Generator, periods: int) -> TimedStream:
        """Makes a stream of ``periods`` periods as a :class:`TimedStream`; nothing is drawn."""
        targets = np.tile(np.eye(self.period, dtype=np.float32)[-1], periods)[:, None]
        return TimedStream(np.full_like(targets, self.input), targets, np.arange(1, periods + 1) * self.period)


@dataclass(frozen=True)
class PeriodicFunction(_Timed):
    """PFG: a function of time with the given period; the input is constant.

    ``"cos"``: (1 - cos(2 pi t / F)) / 2. ``"tri"``: rises from 0 to 1 in half a period, and falls again.
    ``"rect"``: 1 in the second half of the period, t mod F > F/2, and 0 in the first.

    Gers, Schraudolph & Schmidhuber 2002. A step is right if the output is nearer than ``tolerance`` to the target.

    >>> stream = PeriodicFunction("tri", 4).stream(np.random.default_rng(0), 2)
    >>> stream.targets[:, 0].tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    """

    shape: str = "cos"
    period: int = 10
    input: float = 1.0
    tolerance: float = 0.3
    periods: int = 100

    def __post_init__(self) -> None:
        if self.shape not in ("cos", "tri", "rect"):
            raise ValueError(f"shape must be cos, tri or rect, got {self.shape!r}")
        _check_period(self.period)

    def stream(self, rng: np.random.Generator, periods: int) -> TimedStream:
        """Makes a stream of ``periods`` periods from t = 0 on as a :class:`TimedStream`; nothing is drawn."""
        phase = np.arange(self.period) / self.period
        if self.shape == "cos":
            wave = (1 - np.cos(2 * np.pi * phase)) / 2
        elif self.shape == "tri":
            wave = np.where(phase <= 0.5, 2 * phase, 2 - 2 * phase)
        else:
            wave = (phase > 0.5).astype(float)
        targets = np.tile(wave.astype(np.float32), periods)[:, None]
        return TimedStream(np.full_like(targets, self.input), targets, np.arange(1, periods + 1) * self.period)
