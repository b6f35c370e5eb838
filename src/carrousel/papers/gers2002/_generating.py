"""Gers, Schraudolph & Schmidhuber 2002: generating timed spikes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import first_success
from carrousel.papers.gers2002._paper import CITATION
from carrousel.papers.gers2002._trial import FIGURES, GATES, NOTES, TESTED, WEIGHTS, prepare, summary, train

__all__ = ["GENERATING"]

DESCENT = {"ours": (1e-4, 0.99), "slower": (3e-5, 0.99), "paper": (1e-5, 0.999)}  # rate, momentum
LIMIT = 4_000_000  # training streams after which a network has failed
_PUBLISHED = {10: 41_000, 20: 67_000, 30: 845_000, 40: 1_152_000, 50: 2_538_000}


def _row(period: int, peepholes: bool) -> Row:
    config = Config(
        {"task": "generating", "period": period},
        {"peepholes": peepholes, "squash": "sigmoid", "descent": DESCENT},
        {"limit": LIMIT, "tested": TESTED},
    )
    columns = {"F": str(period), "peepholes": "yes" if peepholes else "no"}
    columns["weights"] = str(WEIGHTS[peepholes])
    published: dict[str, Any] = {}
    if peepholes:
        published = {"trials": 10, "success_rate": 1.0, "sequences_mean": _PUBLISHED[period]}
    name = f"{'peephole' if peepholes else 'plain'}-{period}"
    return Row(name, "LSTM", columns, published, config)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.gers2002._picture import draw

    networks = {f"F = {F}": first_success(GENERATING, f"peephole-{F}", result, tries=5) for F in (10, 30)}
    draw(path, networks, "Spikes that networks generate, 1,000 periods")


GENERATING = Experiment(
    "gers2002/generating",
    "Generating timed spikes (GTS): with a constant input, give a spike every F steps, 1,000 times without an error",
    CITATION,
    tuple(_row(period, peepholes) for peepholes in (True, False) for period in _PUBLISHED),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    options={"descent": tuple(DESCENT), "gates": GATES, "input": ("one", "zero")},
    quick=Quick(
        "a network with 17 weights learns to give 100 spikes, one every 10 steps",
        lambda rows: rows["peephole-10"]["success_rate"] == 1,
        ("peephole-10",),
        config={"limit": 300_000, "tested": 100},
    ),
    pictures=(Picture("spikes", "The spikes of trained networks over 1,000 periods, folded by the period", _draw),),
    source="from notes",
    outcome="no",
    finding=(
        "Peepholes are not needed to generate spikes: networks without them learn it as fast up to every 40 "
        "steps, through outputs that are never quite zero."
    ),
    notes=f"""
**Result.** Networks learn to give a spike every 10 to 50 steps. That they need peepholes for it, as the paper says,
does not come out. Networks without peepholes learn it as fast, and fall behind at 50 alone. Their gates see the cell's
output, which is not quite zero while the output gate is nearly closed.

{NOTES}

**Rate and momentum.** The paper's are 1e-5 and 0.999 (`descent=paper`, the second table). With them F = 10 and 20 take
about the published numbers of streams. From F = 30 on most networks are thrown into saturation soon after their first
right spikes, and stay there: of the first three networks with F = 30 one learned, which the picture shows. The default,
`descent=ours`, is 1e-4 and 0.99, which has the same ratio of rate to 1 - momentum. F = 10 and 20 take as long with it.
Most networks learn longer periods too, in a quarter to a third of the published numbers of streams. With
`descent=slower` the rate is 3e-5, and F = 50 takes about as many streams as published.

**The constant input** is 1. With `input=zero` it is 0.

**When a network has failed**: after {LIMIT:,} streams. The paper's limit is 10,000,000. The published numbers are from
an uncertain record, and are not compared.
""".strip(),
)
