"""Gers, Schraudolph & Schmidhuber 2002: measuring the delay between spikes."""

from __future__ import annotations

from carrousel.papers._experiment import Config, Experiment, Quick, Row
from carrousel.papers.gers2002._paper import CITATION
from carrousel.papers.gers2002._trial import FIGURES, GATES, NOTES, ROUNDS, TESTED, WEIGHTS, prepare, summary, train

__all__ = ["MEASURING"]

DESCENT = {"ours": (1e-4, 0.99), "paper": (1e-5, 0.9999)}  # rate, momentum
LIMIT = 2_000_000  # training streams after which a network has failed
_TASKS = ((10, (0, 1)), (20, (0, 1)), (30, (0, 1)), (40, (0, 1)), (50, (0, 1)), (10, (0, 1, 2)))


def _row(period: int, intervals: tuple[int, ...], peepholes: bool) -> Row:
    squash = "sigmoid" if len(intervals) == 2 else "identity"
    config = Config(
        {"task": "measuring", "period": period, "intervals": list(intervals)},
        {"peepholes": peepholes, "squash": squash, "descent": DESCENT},
        {"limit": LIMIT, "tested": TESTED},
    )
    columns = {"F": str(period), "I": ", ".join(map(str, intervals)), "peepholes": "yes" if peepholes else "no"}
    columns["weights"] = str(WEIGHTS[peepholes])
    note = "The paper says that this is solved; the table's numbers are not known." if period == 10 else ""
    name = f"{'peephole' if peepholes else 'plain'}-{period}-{len(intervals)}"
    return Row(name, "LSTM", columns, {}, config, note=note)


MEASURING = Experiment(
    "gers2002/measuring",
    "Measuring spike delays (MSD): at each spike of a stream, how many steps more than F is it since the last one?",
    CITATION,
    tuple(_row(period, intervals, peepholes) for peepholes in (True, False) for period, intervals in _TASKS),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    options={"descent": tuple(DESCENT), "gates": GATES, "between": ("zero", "none")},
    quick=Quick(
        "a network with 17 weights tells 5 from 6 steps between spikes, 100 times without an error",
        lambda rows: rows["peephole-10-2"]["success_rate"] == 1,
        ("peephole-10-2",),
        config={"period": 5, "limit": 500_000, "tested": 100},
    ),
    source="from notes",
    outcome="no",
    finding=(
        "Peepholes are not needed to tell delays apart: networks without them tell longer ones; the settings "
        "of rate and gates are uncertain."
    ),
    notes=f"""
**Result.** Most networks tell delays of up to 20 steps apart. Some networks without peepholes tell longer ones apart;
of three networks with peepholes none learned those within the limit.

{NOTES}

**Rate and momentum.** The paper's momentum for continual streams is 0.9999 (`descent=paper`, with the rate 1e-5). With
it the output unit saturates in our runs, and nothing more is learned. The default, `descent=ours`, is the rate 1e-4 and
the momentum 0.99 that serve for generating spikes.

**The target between spikes** is 0, which is not certain. With `between=none` there is none, which is not easier.

**When a network has failed**: after {LIMIT:,} streams. The paper's limit is 100,000,000. Streams are drawn {ROUNDS:,}
at a time, as pieces of one long one.
""".strip(),
)
