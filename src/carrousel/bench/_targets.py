"""What the figures should reach, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import geometric_mean

from carrousel.bench._run import LIKE_LSTM, Measured
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


def verdicts(measurements: Iterable[Measured], peak: float) -> list[Verdict]:
    """Holds the figures against all targets. A figure is given only where all its workloads are there and right.

    Targets are meant for float32 on two threads of one machine, against ``torch.nn.LSTM`` in the same process.

    Args:
        measurements: of :func:`measure`.
        peak: the machine's, in operations a second.
    """
    by_workload = {measured.workload: measured for measured in measurements}

    def over(
        summary: Callable[[Iterable[float]], float], figure: Callable[[Measured], float | None], of: list[Workload]
    ) -> float | None:
        figures = [figure(by_workload[w]) if w in by_workload and not by_workload[w].failure else None for w in of]
        numbers = [each for each in figures if each is not None]
        return summary(numbers) if numbers and len(numbers) == len(of) else None

    def named(variant: str, mode: str, *, ragged: bool = False) -> list[Workload]:
        return [w for w in WORKLOADS if (w.variant, w.mode, w.ragged) == (variant, mode, ragged)]

    def against(rival: str) -> Callable[[Measured], float | None]:
        return lambda measured: measured.ratios.get(rival)

    def slowness(measured: Measured) -> float | None:
        return 1 / measured.ratios["lstm"] if "lstm" in measured.ratios else None

    train, inference = named("lstm", "train"), named("lstm", "inference")
    large = [w for w in inference if w.H >= LARGE]
    small = [w for w in inference if w.H < LARGE]
    torchs = against("torch")
    listed = [
        Verdict(
            "lstm, forward + backward: nn.LSTM's time / ours, geometric mean", over(geometric_mean, torchs, train), 2.0
        ),
        Verdict("  the lowest of the seven shapes", over(min, torchs, train), 1.3),
        Verdict("lstm, inference: nn.LSTM's time / ours, geometric mean", over(geometric_mean, torchs, inference), 1.3),
        Verdict(f"  the lowest with H >= {LARGE}", over(min, torchs, large), 0.97),
        Verdict("  the lowest of the others", over(min, torchs, small), 1.0),
        Verdict(
            f"lstm, inference: share of the machine's peak with H >= {LARGE}, the lowest",
            over(min, lambda measured: measured.rate / peak if measured.rate else None, large),
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
        listed.append(Verdict(f"{name}, the highest", over(max, slowness, named(variant, "train")), 1.15, at_most=True))
    for variant in VARIANTS:
        if variant != "lstm":
            name = f"{variant}, forward + backward: eager torch's time / ours, geometric mean"
            listed.append(Verdict(name, over(geometric_mean, against("eager"), named(variant, "train")), 10.0))

    def inverse(measured: Measured) -> float | None:
        return 1 / measured.ratios["torch"] if "torch" in measured.ratios else None

    listed += [
        Verdict("one step: time / LSTMCell's", over(max, inverse, named("lstm", "step")), 0.6, at_most=True),
        Verdict(
            "a training step: peak memory / nn.LSTM's", over(max, inverse, named("lstm", "memory")), 1.0, at_most=True
        ),
    ]
    return listed
