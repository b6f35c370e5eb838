"""Gers, Eck & Schmidhuber 2001: what LSTM is not needed for, series that a window of values tells enough of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import Setting
from carrousel.papers.gers2001 import _windows_models as models
from carrousel.papers.gers2001._paper import WINDOWS
from carrousel.papers.gers2001._windows_trial import fitted, prepare, summary, train

__all__ = ["TIME_WINDOWS"]

MACKEY_GLASS, LASER = "Mackey-Glass", "laser"
TAPS = (0, 6, 12, 18)
FURTHER = {1: (6, 84), 6: (84,), 84: ()}
"""For each number of steps ahead, after how many a forecast that goes on from itself is measured."""
SEQUENCES = 50_000

EXACT = {"linear-6": 0.4254, "polynomial-6": 0.0046}
"""What comes out of these rows wherever they are run, for nothing in them is random."""

_PUBLISHED = {("lstm", 1): 0.0214, ("lstm", 6): 0.1184, ("lstm", 84): 0.4700}
_PUBLISHED |= {("linear", 6): 0.55, ("linear", 84): 0.60, ("polynomial", 6): 0.04, ("polynomial", 84): 0.85}
_PUBLISHED |= {("net", 6): 0.02, ("net", 84): 0.05}
_LABELS = {
    "persistence": "what is will be",
    "linear": "linear, 4 values",
    "polynomial": "polynomial of degree 6, 4 values",
    "net": "feed-forward net, 4 values",
    "lstm": "LSTM, 1 value",
}
_METHODS: dict[str, dict[str, Any]] = {
    "persistence": {"method": "persistence"},
    "linear": {"method": "polynomial", "lags": TAPS, "degree": 1},
    "polynomial": {"method": "polynomial", "lags": TAPS, "degree": 6},
    "net": {"method": "net", "lags": TAPS, "hidden": 20, "decay": 1e-8},
    "lstm": {"method": "lstm", "rate": 1e-3, "momentum": 0.9},
}
_UNTIL: dict[str, dict[str, Any]] = {
    "net": {"iterations": 2_000},
    "lstm": {"sequences": SEQUENCES, "length": 300, "unasked": 50},
}
_TRIALS = {"net": 5, "lstm": 5}


def _chaos(method: str, ahead: int) -> Row:
    task = {"series": "mackey-glass", "ahead": ahead, "further": FURTHER[ahead]}
    config = Config(task, _METHODS[method], {"apart": 5, **_UNTIL.get(method, {})})
    published = {"nrmse": _PUBLISHED[method, ahead]} if (method, ahead) in _PUBLISHED else {}
    note = (
        ""
        if method in ("lstm", "persistence") or not published
        else "Published by others, of other parts of the series."
    )
    columns = {"series": MACKEY_GLASS, "T": str(ahead)}
    return Row(f"{method}-{ahead}", _LABELS[method], columns, published, config, _TRIALS.get(method, 1), note)


def _laser(
    name: str, label: str, learner: Mapping[str, Any], published: Mapping[str, Any] | None = None, **until: Any
) -> Row:
    config = Config({"series": "laser", "ahead": 1, "further": ()}, learner, {"apart": 1, **until})
    trials = 5 if learner["method"] in _TRIALS else 1
    return Row(f"laser-{name}", label, {"series": LASER, "T": "1"}, published or {}, config, trials)


def _quoted(name: str, label: str, six: float, more: float) -> list[Row]:
    return [
        Row(f"{name}-{ahead}", label, {"series": MACKEY_GLASS, "T": str(ahead)}, {"nrmse": nrmse})
        for ahead, nrmse in ((6, six), (84, more))
    ]


_LASER_LSTM = {"method": "lstm", "rate": 3e-4, "momentum": 0.9}
_ROWS = (
    *(_chaos(method, ahead) for ahead in FURTHER for method in _METHODS),
    *_quoted("cascade", "cascade correlation", 0.04, 0.17),
    *_quoted("anfis", "ANFIS", 0.007, 0.036),
    _laser("persistence", "what is will be", {"method": "persistence"}),
    *(
        _laser(f"linear-{n}", f"linear, {n} values", {"method": "polynomial", "lags": tuple(range(n)), "degree": 1})
        for n in (5, 10, 40)
    ),
    _laser(
        "polynomial", "polynomial of degree 6, 4 values",
        {"method": "polynomial", "lags": (0, 1, 2, 3), "degree": 6},
    ),
    _laser(
        "net", "feed-forward net, 10 values", {"method": "net", "lags": tuple(range(10)), "hidden": 20, "decay": 0.1},
        iterations=2_000,
    ),
    _laser("lstm", "LSTM, 1 value", _LASER_LSTM, sequences=SEQUENCES, length=100, unasked=20),
    Row("laser-fir", "FIR network (Wan)", {"series": LASER, "T": "1"}, {"nmse": 0.0230, "own_nmse": 0.027}),
)  # fmt: skip

_NOTES = """\
TODO
"""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws both series where nothing was learned from, and how three methods go on with them alone."""
    from carrousel.pictures.style import BLUE, GREEN, GREY, INK, RED, legend_beside, new_figure, save, tidy

    figure = new_figure(10, 4.6, "Going on alone with a series, from the line on")
    panels = figure.subplots(2, 1)
    shown = (
        ("Mackey-Glass, learned one step ahead", 1, 5_100, 300, 60),
        ("Santa Fe laser", None, 999, 100, 40),
    )
    for axes, (title, ahead, origin, steps, before) in zip(panels, shown, strict=True):
        names = [f"{name}-{ahead}" for name in ("polynomial", "net", "lstm")]
        names = names if ahead else ["laser-linear-40", "laser-net", "laser-lstm"]
        for name, colour in zip(names, (GREEN, BLUE, RED), strict=True):
            row = TIME_WINDOWS.row(name)
            setting = Setting.of(TIME_WINDOWS.config(name), result["options"], result["seed"], 0)
            prepared = prepare(setting)
            model, values = fitted(prepared, setting)[0], prepared.sets.values
            at = np.arange(origin - before, origin + steps + 1)
            if colour == GREEN:
                axes.plot(at - origin, values[at], color=GREY, linewidth=2.5, label="true")
                axes.set_ylim(*_around(values[at]))
            said = models.forecast(model, values, np.array([origin]), steps)[0]
            axes.plot(np.arange(1, steps + 1), said, color=colour, linewidth=1.0, label=row.label)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_title(title, fontsize=9, color=INK)
        tidy(axes)
        legend_beside(axes)
    panels[-1].set_xlabel("step")
    save(figure, path)


def _around(values: np.ndarray) -> tuple[float, float]:
    room = 0.15 * float(np.ptp(values))
    return float(values.min()) - room, float(values.max()) + room


def _holds(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    return 10 * EXACT["polynomial-6"] < rows["lstm-6"]["nrmse"] < EXACT["linear-6"]


TIME_WINDOWS = Experiment(
    "gers2001/time-windows",
    "Mackey-Glass and the Santa Fe laser: LSTM that sees one value at a time, beside what sees a window of them",
    WINDOWS,
    _ROWS,
    prepare,
    train,
    trials=5,
    figures=(
        Column("nrmse", "NRMSE", ".4f"),
        Column("nmse", "NMSE", ".4f"),
        Column("least", "from", ".4f"),
        Column("most", "to", ".4f"),
        Column("own_6", "6 steps alone", ".4f"),
        Column("own_84", "84 steps alone", ".4f"),
        Column("own_nmse", "NMSE of 100 steps alone", ".3g"),
    ),
    summary=summary,
    quick=Quick(
        "six steps ahead LSTM, which sees one value of Mackey-Glass at a time, errs less than a linear method that "
        "sees four, and more than ten times as much as a polynomial of the four",
        _holds,
        ("lstm-6",),
        config={"further": (), "sequences": 2_000},
    ),
    pictures=(Picture("alone", "What a polynomial, a net with a window and LSTM go on with", _draw),),
    source="from memory",
    outcome="yes",
    finding="TODO.",
    notes=_NOTES,
)
