"""Gers, Schraudolph & Schmidhuber 2002: generating periodic functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Experiment, Picture, Quick, Row
from carrousel.papers.gers2002._picture import draw
from carrousel.papers.gers2002._trial import CITATION, FIGURES, GATES, NOTES, TESTED, network, summary, trial

__all__ = ["FUNCTIONS"]

DESCENT = {"paper": (1e-5, 0.99), "faster": (1e-4, 0.99)}  # rate, momentum
LIMIT = 3_000_000  # training streams after which a network has failed
_PUBLISHED: dict[tuple[str, int, float, bool], dict[str, Any]] = {
    ("cos", 25, 0.3, True): {"success_rate": 1.0, "rmse": 0.17},
    ("cos", 25, 0.15, True): {"success_rate": 1.0, "sequences_mean": 2_704_000, "rmse": 0.086},
    ("cos", 10, 0.3, True): {"success_rate": 1.0},
    ("tri", 10, 0.3, True): {"success_rate": 1.0},
    ("tri", 25, 0.3, True): {"success_rate": 1.0},
    ("rect", 10, 0.3, True): {"success_rate": 1.0},
    ("rect", 25, 0.3, True): {"success_rate": 1.0},
    ("cos", 10, 0.3, False): {"success_rate": 1.0},
    ("cos", 25, 0.3, False): {"success_rate": 0.0},
    ("tri", 10, 0.3, False): {"success_rate": 0.0},
    ("tri", 25, 0.3, False): {"success_rate": 0.0},
    ("rect", 10, 0.3, False): {"success_rate": 0.0},
    ("rect", 25, 0.3, False): {"success_rate": 0.0},
}


def _row(shape: str, period: int, tolerance: float, peepholes: bool) -> Row:
    config = {
        "task": "functions",
        "shape": shape,
        "period": period,
        "tolerance": tolerance,
        "peepholes": peepholes,
        "squash": "identity",
        "descent": DESCENT,
        "limit": LIMIT,
        "tested": TESTED,
    }
    columns = {"function": shape, "F": str(period), "tolerance": str(tolerance)}
    columns |= {"peepholes": "yes" if peepholes else "no", "weights": str(network(peepholes).weight_count)}
    published = {"trials": 10, **_PUBLISHED[shape, period, tolerance, peepholes]}
    tight = "" if tolerance == 0.3 else f"-{tolerance}"
    return Row(f"{'peephole' if peepholes else 'plain'}-{shape}-{period}{tight}", "LSTM", columns, published, config)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    rows = [
        (f"{shape}, F = {period}", _row(shape, period, 0.3, True).config or {})
        for shape, period in (("cos", 10), ("cos", 25), ("tri", 25), ("rect", 10))
    ]
    draw(path, result, rows, "Waves that networks generate, 1,000 periods")


FUNCTIONS = Experiment(
    "gers2002/functions",
    "PFG: with a constant input, give a periodic function of time for 1,000 periods",
    CITATION,
    tuple(_row(*key) for key in _PUBLISHED),
    trial,
    figures=FIGURES,
    summary=summary,
    options={"descent": tuple(DESCENT), "gates": GATES, "input": ("one", "zero")},
    quick=Quick(
        "A network with 17 weights learns 100 periods of a cosine of period 10",
        lambda rows: rows["peephole-cos-10"]["success_rate"] == 1,
        ("peephole-cos-10",),
        config={"limit": 400_000, "tested": 100},
        options={"descent": "faster"},
    ),
    pictures=(Picture("waves", "The waves of learned networks over 1,000 periods, folded by the period", _draw),),
    notes=f"""
{NOTES}

The paper's limit is 10,000,000 streams; here it is {LIMIT:,}. Rate and momentum are the paper's, 1e-5 and 0.99;
`descent=faster` has the rate 1e-4. That all functions are learned with peepholes, and without them only the cosine of
period 10, are the paper's findings in words; the tables' numbers are not known but for the cosine of period 25.
The triangle has the range [0, 1]; the record has its two branches exchanged, which would give [1, 2].
""".strip(),
)
