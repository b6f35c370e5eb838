"""Greff et al. 2015: eight variants of LSTM, each with one thing changed, and the vanilla cell, by random search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._networks import SIZE
from carrousel.papers.greff2015._figures import beside_vanilla, summary
from carrousel.papers.greff2015._paper import CITATION
from carrousel.papers.greff2015._trial import prepare, train

__all__ = ["ODYSSEY"]


def _row(name: str, label: str, paper: str, cell: str, *, gate_recurrence: str | None = None) -> Row:
    task = {"pieces": "chorales", "whole": {"max_epochs": 150, "patience": 15}}
    learner = {
        "cell": cell, "gate_recurrence": gate_recurrence, "optimizer": "sgd", "schedule": "constant", "batch_size": 1,
    }  # fmt: skip
    return Row(name, label, {"in the paper": paper}, {}, Config(task, learner, {"max_epochs": 12, "patience": 4}))


ROWS = (
    _row("vanilla", "vanilla: all gates, peepholes", "V", "peephole"),
    _row("no-input-gate", "no input gate", "NIG", "no_input_gate"),
    _row("no-forget-gate", "no forget gate", "NFG", "no_forget_gate"),
    _row("no-output-gate", "no output gate", "NOG", "no_output_gate"),
    _row("no-input-activation", "no input activation", "NIAF", "no_input_activation"),
    _row("no-output-activation", "no output activation", "NOAF", "no_output_activation"),
    _row("no-peepholes", "no peepholes", "NP", "no_peepholes"),
    _row("coupled", "input and forget gate coupled", "CIFG", "coupled_peephole"),
    _row("full-gate-recurrence", "gates hear gates", "FGR", "peephole", gate_recurrence="gates"),
)

_NOTES = """\
**What came out.** Only the quick run was made."""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.greff2015._picture import draw

    draw(path, ROWS, result)


ODYSSEY = Experiment(
    "greff2015/odyssey",
    "Bach's chorales: which part of an LSTM can be left out, and which of its settings matters",
    CITATION,
    ROWS,
    prepare,
    train,
    trials=20,
    figures=(
        Column("best", "nats a quarter", ".2f"),
        Column("fifth", "best fifth", ".2f"),
        Column("above", "above vanilla", "+.2f"),
        Column("p", "Welch's p", ".3f"),
        Column("median", "median", ".2f"),
        Column("failed", "no better than single keys", "d"),
        Column("of_rate", "of the variance: rate", ".0%"),
        Column("of_units", "units", ".0%"),
        Column("of_momentum", "momentum", ".0%"),
    ),
    summary=summary,
    beside=beside_vanilla,
    options={**SIZE, "noise": ("none", "uniform")},
    quick=Quick(
        "of five settings drawn from the paper's space one or more foretell drawn songs of blues better than single "
        "keys do, and others do not",
        lambda rows: 0 < rows["vanilla"]["failed"] < 5,
        ("vanilla",),
        trials=5,
        config={"pieces": "blues", "max_epochs": 1},
    ),
    pictures=(Picture("trials", "All settings that were tried, for each variant", _draw),),
    source="from notes",
    outcome="no",
    finding="Only its quick run was made: the long search was not.",
    notes=_NOTES,
)
