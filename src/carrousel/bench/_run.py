"""Checking and timing one workload."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from carrousel.bench._check import check
from carrousel.bench._memory import memory
from carrousel.bench._subjects import Subjects
from carrousel.bench._workloads import OPTIONS, Workload

__all__ = ["LIKE_LSTM", "Measured", "measure", "timed_in_turns"]

LIKE_LSTM = ("peephole", "coupled", "own")
"""The cells that should be about as fast as carrousel's plain LSTM."""

_BESIDE_LSTM = (*LIKE_LSTM, "layer-norm", *OPTIONS)
"""The variants that are held against carrousel's plain LSTM too."""

_SAMPLE = 1e-3
"""Shorter goes than this, in seconds, are timed several at a time."""


@dataclass(frozen=True)
class Measured:
    """A workload and its figures.

    Attributes:
        workload: the workload.
        failure: what its check says is wrong; then there are no figures.
        backend: what ran carrousel's network.
        seconds: the median time of one go.
        flops: the operations of its matrix products.
        ratios: by name of the rival (``"torch"``, ``"eager"``, ``"lstm"``) the median of the pairwise ratios of its
            time (or memory) to ours: above 1, ours is faster (or smaller).
        rounds: how many pairs the first of these is the median of.
        bytes: ours and torch's peak memory, of the mode ``"memory"``.
    """

    workload: Workload
    failure: str | None = None
    backend: str = ""
    seconds: float | None = None
    flops: float | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    rounds: int = 0
    bytes: tuple[float, float] | None = None

    @property
    def rate(self) -> float | None:
        """Operations a second."""
        return self.flops / self.seconds if self.flops and self.seconds else None

    def to_dict(self, peak: float) -> dict[str, Any]:
        """Returns the facts for a file; ``peak`` is in operations a second."""
        facts = asdict(self)
        facts["workload"] = {"name": self.workload.name, **facts["workload"]}
        gflops = None if self.rate is None else self.rate / 1e9
        return {**facts, "gflops": gflops, "share_of_peak": self.rate / peak if self.rate else None}


def measure(
    workload: Workload, *, seconds: float = 1.0, least: int = 7, memories: int = 3, eager: bool = True
) -> Measured:
    """Checks a workload and, if that is right, times it.

    All subjects take turns in one process, in an order that changes from round to round; ratios are taken within a
    round.

    Args:
        workload: the workload.
        seconds: about how long to time; the eager rival, which may be slow, gets the same once more.
        least: the fewest rounds.
        memories: how many processes to take the median of, where memory is measured.
        eager: whether the eager rival, which takes most of the time, runs too.
    """
    failure = check(workload)
    if failure is not None:
        return Measured(workload, failure)
    if workload.mode == "memory":
        sizes = workload.T, workload.B, workload.I, workload.H
        ours, torchs = (memory(who, *sizes, repeats=memories) for who in ("carrousel", "torch"))
        ratios = {"torch": torchs / ours}
        return Measured(workload, backend=Subjects(workload).backend, ratios=ratios, bytes=(ours, torchs))
    subjects = Subjects(workload)
    rivals: dict[str, Callable[[], Any]] = {"ours": subjects.ours(), "torch": subjects.torchs()}
    if workload.mode == "train" and workload.variant in _BESIDE_LSTM:
        rivals["lstm"] = subjects.own_lstm()
    rounds = timed_in_turns(rivals, seconds, least)
    ratios = _ratios(rounds)
    if eager and workload.mode == "train" and workload.variant != "lstm" and not workload.ragged:
        # It may take a hundred times as long: it has rounds of its own.
        ratios |= _ratios(timed_in_turns({"ours": rivals["ours"], "eager": subjects.eager()}, seconds, min(3, least)))
    times = [each["ours"] for each in rounds]
    return Measured(workload, None, subjects.backend, median(times), subjects.flops(), ratios, len(rounds))


def _ratios(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(each[name] / each["ours"] for each in rounds) for name in rounds[0] if name != "ours"}


def timed_in_turns(subjects: dict[str, Callable[[], Any]], seconds: float, least: int) -> list[dict[str, float]]:
    """Measures the time of one go of each subject, round by round."""
    counts = {name: _count(work) for name, work in subjects.items()}
    rounds: list[dict[str, float]] = []
    names = list(subjects)
    collects = gc.isenabled()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        while len(rounds) < least or time.perf_counter() < end:
            names = names[1:] + names[:1]
            times = {name: _once(subjects[name], counts[name]) for name in names}
            rounds.append({name: times[name] for name in subjects})
    finally:
        if collects:
            gc.enable()
    return rounds


def _count(work: Callable[[], Any]) -> int:
    """Returns how many goes make a sample."""
    work()  # the first may compile
    return max(1, round(_SAMPLE / _once(work, 1)))


def _once(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count
