"""Perez-Ortiz et al. 2003: the continual embedded Reber grammar, learned online from one stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers.perez2003._paper import CITATION
from carrousel.papers.perez2003._reber_trial import prepare, summary, train

__all__ = ["CONTINUAL_REBER"]

LASTING = 100_000

_NOTES = """\
TODO
"""


def _row(name: str, label: str, published: str, limit: int, note: str = "", **changes: Any) -> Row:
    filter = {"rate": None, "variance": 100.0, "noise": (100.0, 3.0), "wander": (1e-2, 1e-6), "annealed": 20_000}
    learner = {"forget": (0.5, 1.0, 1.5, 2.0), **filter}
    config = Config({}, learner, {"limit": limit, "lasting": LASTING}).changed(**changes)
    figures = {"symbols_mean": published} if published else {}
    return Row(name, label, {"blocks": "4 of size 2"}, figures, config, note=note)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws for each network how soon its predictions were right, and how long they stayed so."""
    from carrousel.pictures.style import BLUE, GREEN, INK, RED, new_figure, save, tidy

    entries = [entry for entry in result["rows"] if entry.get("measured")]
    figure = new_figure(10, 1.4 + 0.6 * len(entries), "Symbols of an endless stream, a dot for each network")
    panels = figure.subplots(1, 2, sharey=True)
    for place, entry in enumerate(entries):
        until, after, frozen = entry["measured"]["each"]
        panels[0].scatter(until, [place] * len(until), s=30, alpha=0.6, color=BLUE, linewidth=0)
        up, down = [place - 0.13] * len(after), [place + 0.13] * len(after)
        told = ("learning goes on", "weights are frozen") if not place else (None, None)
        panels[1].scatter(after, up, s=30, alpha=0.6, color=RED, linewidth=0, label=told[0])
        panels[1].scatter(frozen, down, s=30, alpha=0.6, color=GREEN, linewidth=0, label=told[1])
    labels = [CONTINUAL_REBER.row(entry["row"]).label for entry in entries]
    panels[0].set_yticks(range(len(entries)), labels)
    panels[0].set_ylim(len(entries) - 0.5, -0.5)
    for axes, title in zip(
        panels, ("until 1,000 in a row are predicted rightly", "right ones that follow"), strict=True
    ):
        axes.set_xscale("log")
        axes.set_title(title, fontsize=9, color=INK)
        tidy(axes, grid=True)
    figure.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    save(figure, path)


CONTINUAL_REBER = Experiment(
    "perez2003/continual-reber",
    "An endless stream of embedded Reber strings: symbols until 1,000 predictions in a row are right",
    CITATION,
    (
        _row("dekf", "LSTM, node-decoupled filter", "about 20,000", 200_000),
        _row(
            "dekf-wander",
            "the same, its gain kept up",
            "",
            200_000,
            "R from 100 to 10 and Q from 1e-2 to 1e-3.",
            noise=(100.0, 10.0),
            wander=(1e-2, 1e-3),
        ),
        _row("gradient", "LSTM, the gradient rule, rate 0.5", "30,000 to over 100,000", 2_000_000, rate=0.5),
        _row("gradient-0.1", "LSTM, the gradient rule, rate 0.1", "", 2_000_000, rate=0.1),
    ),
    prepare,
    train,
    figures=(
        Column("success_rate", "success", ".0%"),
        Column("symbols_mean", "symbols"),
        Column("symbols_median", "median"),
        Column("symbols_max", "to"),
        Column("after_median", "then right"),
        Column("after_max", "to"),
        Column("frozen_median", "right if frozen"),
        Column("frozen_max", "to"),
    ),
    summary=summary,
    options={"groups": ("node", "weight", "global")},
    quick=Quick(
        "a network predicts 1,000 symbols in a row rightly after fewer than 20,000 symbols with the filter, and after "
        "more with the gradient rule",
        lambda rows: rows["dekf"]["symbols_mean"] < 20_000 < rows["gradient"]["symbols_mean"],
        ("dekf", "gradient"),
        config={"lasting": 10_000},
    ),
    pictures=(Picture("symbols", "How soon predictions are sustained, and how long they stay right", _draw),),
    source="from memory",
    outcome="yes",
    finding="TODO.",
    notes=_NOTES,
)
