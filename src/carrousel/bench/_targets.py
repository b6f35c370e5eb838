"""What the figures should reach, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import geometric_mean

from carrousel.bench._run import LIKE_LSTM, Row
from carrousel.bench._workloads import VARIANTS, WORKLOADS, Workload

__all__ = ["Verdict", "verdicts"]

LARGE = 256
"""From this hidden size on oneDNN is near the machine's peak."""


@dataclass(frozen=True)
class Verdict:
    """One figure beside its target.

    Attributes:
        figure: what it is.
        value: None if a workload that it needs did not run or failed its check.
        target: what it should be at least, or at most if ``at_most``.
    """

    figure: str
    value: float | None
    target: float
    at_most: bool = False

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


def verdicts(rows: Iterable[Row], peak: float) -> list[Verdict]:
    """All targets. A figure is given only where all its workloads are there and right.

    They are meant for float32 on two threads of one machine, against ``torch.nn.LSTM`` in the same process.

    Args:
        rows: of :func:`measure`.
        peak: the machine's, in operations a second.
    """
    by_workload = {row.workload: row for row in rows}

    def over(
        summary: Callable[[Iterable[float]], float], value: Callable[[Row], float | None], wanted: list[Workload]
    ) -> float | None:
        values = [value(by_workload[w]) if w in by_workload and not by_workload[w].failure else None for w in wanted]
        known = [each for each in values if each is not None]
        return summary(known) if known and len(known) == len(wanted) else None

    def named(variant: str, mode: str, *, ragged: bool = False) -> list[Workload]:
        return [w for w in WORKLOADS if (w.variant, w.mode, w.ragged) == (variant, mode, ragged)]

    def against(rival: str) -> Callable[[Row], float | None]:
        return lambda row: row.ratios.get(rival)

    def slowness(row: Row) -> float | None:
        return 1 / row.ratios["lstm"] if "lstm" in row.ratios else None

    train, inference = named("lstm", "train"), named("lstm", "inference")
    large = [w for w in inference if w.H >= LARGE]
    small = [w for w in inference if w.H < LARGE]
    torchs = against("torch")
    found = [
        Verdict(
            "lstm, forward + backward: nn.LSTM's time / ours, geometric mean", over(geometric_mean, torchs, train), 2.0
        ),
        Verdict("  the lowest of the seven shapes", over(min, torchs, train), 1.3),
        Verdict("lstm, inference: nn.LSTM's time / ours, geometric mean", over(geometric_mean, torchs, inference), 1.3),
        Verdict(f"  the lowest with H >= {LARGE}", over(min, torchs, large), 0.97),
        Verdict("  the lowest of the others", over(min, torchs, small), 1.0),
        Verdict(
            f"lstm, inference: share of the machine's peak with H >= {LARGE}, the lowest",
            over(min, lambda row: row.rate / peak if row.rate else None, large),
            0.9,
        ),
        Verdict(
            "lstm, ragged, forward + backward: nn.LSTM's time on a PackedSequence / ours, the lower",
            over(min, torchs, named("lstm", "train", ragged=True)),
            6.0,
        ),
    ]
    for variant in LIKE_LSTM:
        name = f"{variant}, forward + backward: time / our lstm's"
        found.append(Verdict(f"{name}, the highest", over(max, slowness, named(variant, "train")), 1.15, at_most=True))
    for variant in VARIANTS:
        if variant != "lstm":
            name = f"{variant}, forward + backward: eager torch's time / ours, geometric mean"
            found.append(Verdict(name, over(geometric_mean, against("eager"), named(variant, "train")), 10.0))

    def inverse(row: Row) -> float | None:
        return 1 / row.ratios["torch"] if "torch" in row.ratios else None

    found += [
        Verdict("one step: time / LSTMCell's", over(max, inverse, named("lstm", "step")), 0.6, at_most=True),
        Verdict(
            "a training step: peak memory / nn.LSTM's", over(max, inverse, named("lstm", "memory")), 1.0, at_most=True
        ),
    ]
    return found
