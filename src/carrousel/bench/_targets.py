"""What the figures should reach, by instruction set, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import geometric_mean
from typing import NamedTuple

import carrousel
from carrousel.bench._machine import instructions, widest
from carrousel.bench._online import Figure
from carrousel.bench._operations import operations
from carrousel.bench._run import LIKE_LSTM, Measured
from carrousel.bench._workloads import ALONE, BESIDE, CELLS, OPTIONS, SHAPES, WORKLOADS, Workload

__all__ = ["COLUMNS", "Verdict", "model_verdicts", "online_verdicts", "verdicts"]

COLUMNS = ("AVX-512", "AVX2")
"""The instruction sets for which there are targets, in the order in which these stand."""

LARGE = 256
"""From this hidden size on a product should come near the machine's peak."""

_ONLINE = {
    "264 weights, an error at every step": (6.0, 5.0),
    "93 weights, an error at the sequence's end": (15.0, 12.0),
    "share": (50.0, 50.0),
}
"""The targets of ``carrousel bench online``, by the names of its figures."""

_MODELS = {
    "language model, recurrent part": (1.3, 1.1),
    "multidimensional LSTM, 28 x 28": (10.0, 10.0),
    "multidimensional LSTM, 14 x 14": (10.0, 10.0),
}
"""The targets of ``carrousel bench models``."""


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


class _Line(NamedTuple):
    """A line of the table: how a figure is made of measurements, and what is wanted in the order of ``COLUMNS``."""

    figure: str
    summary: Callable[[Iterable[float]], float]
    each: Callable[[Measured], float | None]
    of: list[Workload]
    wanted: tuple[float, float]
    at_most: bool = False


def verdicts(measurements: Iterable[Measured], peak: float, column: str | None = None) -> list[Verdict]:
    """Holds the figures against all targets. A figure is given only where all its workloads are there and right.

    Targets are meant for float32 on two threads of one machine, against ``torch.nn.LSTM`` in the same process.

    Args:
        measurements: of :func:`measure`.
        peak: the machine's, in operations a second.
        column: one of ``COLUMNS``; by default that of the instruction set in which the kernels ran, and AVX2's on a
            CPU that has neither.
    """
    by_workload = {measured.workload: measured for measured in measurements}

    def figure(line: _Line) -> float | None:
        there = [by_workload[w] for w in line.of if w in by_workload and not by_workload[w].failure]
        numbers = [each for each in map(line.each, there) if each is not None]
        return line.summary(numbers) if numbers and len(numbers) == len(line.of) else None

    place = _place(column or instructions())
    return [Verdict(line.figure, figure(line), line.wanted[place], line.at_most) for line in _table(peak)]


def online_verdicts(figures: Iterable[Figure], column: str | None = None) -> list[Verdict]:
    """Holds the figures of ``carrousel bench online`` against their targets.

    Args:
        figures: the figures that were measured.
        column: one of ``COLUMNS``; by default that of the machine. ``CARROUSEL_CPU`` does not narrow the online rule.
    """
    return _held_against(_ONLINE, figures, column or instructions(widest()))


def model_verdicts(figures: Iterable[Figure], column: str | None = None) -> list[Verdict]:
    """Holds the figures of ``carrousel bench models`` against their targets, those of ``column`` or of the kernels."""
    return _held_against(_MODELS, figures, column or instructions())


def _held_against(targets: Mapping[str, tuple[float, float]], figures: Iterable[Figure], column: str) -> list[Verdict]:
    place, values = _place(column), {each.name: each for each in figures}
    return [
        Verdict(f"{name}, {values[name].unit}", values[name].value, wanted[place])
        for name, wanted in targets.items()
        if name in values
    ]


def _place(column: str) -> int:
    return COLUMNS.index(column) if column in COLUMNS else COLUMNS.index("AVX2")


def _named(
    variant: str, mode: str, *, shapes: Iterable[tuple[int, ...]] | None = None, ragged: bool = False
) -> list[Workload]:
    named = [w for w in WORKLOADS if (w.variant, w.mode, w.ragged) == (variant, mode, ragged)]
    return named if shapes is None else [w for w in named if (w.T, w.B, w.I, w.H) in shapes]


def _over(rival: str) -> Callable[[Measured], float | None]:
    """Makes a function that reads the rival's time over ours."""
    return lambda measured: measured.ratios.get(rival)


def _under(rival: str) -> Callable[[Measured], float | None]:
    """Makes a function that reads our time, or memory, over the rival's."""
    return lambda measured: 1 / measured.ratios[rival] if rival in measured.ratios else None


def _for_its_products(measured: Measured) -> float | None:
    """Returns the plain LSTM's time over a layer's, as if both had the same multiplications."""
    if "lstm" not in measured.ratios:
        return None
    w = measured.workload
    nets = (carrousel.LSTM(w.I, w.H, device="meta", **options) for options in (w.options, {}))
    own, plain = (operations(net.layers[0], w.mode, w.T * w.B) for net in nets)
    return measured.ratios["lstm"] * own / plain


def _table(peak: float) -> list[_Line]:
    train, inference = (_named("lstm", mode, shapes=SHAPES) for mode in ("train", "inference"))
    alone = [w for mode in ("train", "inference") for w in _named("lstm", mode, shapes=ALONE)]
    ragged = _named("lstm", "train", ragged=True)
    step, memory = _named("lstm", "step"), _named("lstm", "memory")
    torchs, lowest = _over("torch"), "the lowest of the seven shapes"

    def share(measured: Measured) -> float | None:
        return measured.rate / peak if measured.rate else None

    lines = [
        _Line(
            "lstm, forward + backward: nn.LSTM's time / ours, geometric mean", geometric_mean, torchs, train, (2.0, 1.6)
        ),
        _Line(f"lstm, forward + backward: {lowest}", min, torchs, train, (1.3, 1.1)),
        _Line("lstm, inference: nn.LSTM's time / ours, geometric mean", geometric_mean, torchs, inference, (1.4, 1.35)),
        _Line(f"lstm, inference: {lowest}", min, torchs, inference, (1.0, 1.0)),
        _Line(
            f"lstm, inference: share of the machine's peak with H >= {LARGE}, the lowest",
            min,
            share,
            [w for w in inference if w.H >= LARGE],
            (0.9, 0.9),
        ),
        _Line(
            "lstm, ragged, forward + backward: nn.LSTM's time on a PackedSequence / ours, the lower",
            min,
            torchs,
            ragged,
            (6.0, 6.0),
        ),
        _Line(
            "lstm, a batch of one with H = 128, 256: nn.LSTM's time / ours, the lowest", min, torchs, alone, (1.5, 1.3)
        ),
    ]
    for variant in LIKE_LSTM:
        figure = f"{variant}, forward + backward: time / our lstm's, the highest"
        of = _named(variant, "train", shapes=SHAPES)
        lines.append(_Line(figure, max, _under("lstm"), of, (1.15, 1.15), at_most=True))
    for option in OPTIONS:
        lines += _beside(option)
    for variant in (*CELLS, *OPTIONS):
        if variant != "lstm":
            figure = f"{variant}, forward + backward: eager torch's time / ours, geometric mean"
            wanted = (10.0, 8.0) if variant in (*OPTIONS, "layer-norm") else (10.0, 10.0)
            of = _named(variant, "train", shapes=SHAPES)
            lines.append(_Line(figure, geometric_mean, _over("eager"), of, wanted))
    return [
        *lines,
        _Line("one step: time / LSTMCell's", max, _under("torch"), step, (0.6, 0.6), at_most=True),
        _Line("a training step: peak memory / nn.LSTM's", max, _under("torch"), memory, (1.0, 1.0), at_most=True),
    ]


def _beside(option: str) -> list[_Line]:
    """The lines that hold an option against the plain LSTM at three shapes."""
    figure, of = f"{option}, forward + backward: our lstm's time / its", _named(option, "train", shapes=BESIDE)
    if option == "diagonal":  # its recursion has no products
        return [
            _Line(f"{figure}, with H = {H}", min, _over("lstm"), [w for w in of if w.H == H], (wanted, wanted))
            for H, wanted in ((256, 1.5), (64, 1.1))
        ]
    if option.startswith("gate_recurrence"):  # it has more products than the plain LSTM
        return [_Line(f"{figure}, for the same multiplications, the lowest", min, _for_its_products, of, (0.8, 0.8))]
    return [_Line(f"{figure}, the lowest", min, _over("lstm"), of, (0.7, 0.7))]
