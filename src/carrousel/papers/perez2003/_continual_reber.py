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
**Result.** The paper's claim comes out. With the filter all ten networks come to 1,000 right predictions in a row,
after 17,300 symbols on average and 25,000 at most (remembered: about 20,000). With the gradient rule, on the same
seeds and streams, nine of ten do so, after 96,000 symbols on average (remembered: 30,000 to over 100,000). An update
of the filter takes 40 times as long as one of the gradient rule; so by the clock the gradient rule is the faster of
the two here.

**It does not last**, as is remembered of both. While learning goes on, half of the networks err again within about
1,900 symbols with the filter, and 1,200 with the gradient rule. One network of ten is still right after 100,000 with
either, where counting ends. If learning is stopped at that moment, and the stream goes on, it is much the same: the
column "right if frozen".

**A filter whose gain is kept up** (`dekf-wander`) takes about as long and lasts about as long: freezing is not what
keeps it from being right for longer.

**What the paper leaves open.** The network is that of `gers2000/continual-reber` with forget gates, 424 weights. There
are 27 groups of weights, one for each unit. R from 100 to 3, Q from 0.01 to 1e-6 and P = 100 in the beginning are
remembered; the schedule is not known, and here both go down by equal factors within 20,000 symbols. Tried before, on
other seeds and two networks each: a Q that ends higher, with an R that ends lower or higher; all took 9,000 to 14,000
symbols. A target is 1 for each symbol that can follow, and a prediction is right if no output is off by more than
0.49. The stream is never reset and nothing in it says where a string ends. A network has failed after 200,000 symbols
with the filter, and 2,000,000 with the gradient rule, whose rate of 0.5 is that of 2000, without decay.

**Uncertain numbers.** The published numbers of symbols are from memory, in their order of magnitude alone.
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
        config={"lasting": 1_000},
    ),
    pictures=(Picture("symbols", "How soon predictions are sustained, and how long they stay right", _draw),),
    source="from memory",
    outcome="yes",
    finding=(
        "With the filter all networks come to 1,000 right predictions in a row, after a sixth of the symbols that the "
        "gradient rule takes; with both most lose them again soon."
    ),
    notes=_NOTES,
)
