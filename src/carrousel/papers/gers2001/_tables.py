"""Gers & Schmidhuber 2001: the tables of the three languages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import first_success
from carrousel.papers.gers2001._paper import CITATION
from carrousel.papers.gers2001._trial import OPTIONS, prepare, summary, train

__all__ = ["ANBMBMAN", "ANBN", "ANBNCN"]

# Blocks and weights of the network for each language.
_SIZES = {"anbn": ("1 block", 38), "anbmbman": ("2 blocks", 110), "anbncn": ("2 blocks", 90)}
LIMIT = 10_000_000  # training strings after which a network has failed
FURTHER = 300_000  # after the first acceptance
RATE = 1e-5
FIGURES = (
    Column("success_rate", "success", ".0%", compared=True),
    Column("sequences_mean", "strings"),
    Column("best_at_stop", "best n at stop"),
    Column("average_at_stop", "average"),
    Column("best", "best n later"),
    Column("average", "average"),
)
HEADLINE = "The published share of networks and best n are certain; the other figures are from notes on the paper."
UNCERTAIN = "All published figures of this row are from notes on the paper, and not certain."
FINDING = "All networks learn their strings in about as many as published, and count far beyond them."
NOTES = f"""
**Result.** All networks learn their training strings, in about as many strings as published where the paper's number is
known, and go on to count far beyond them.

**Two looks at how far a network counts.** Training stops at the first test that accepts all training strings. "Best n
at stop" is how far the networks then get, all shorter strings being accepted too. Networks that were trained on the
shortest strings then count only a little further than these. Counting becomes exact as training goes on. So every
network is trained on {FURTHER:,} strings more, with a test after every {1000:,}; "best n later" is how far they get in
the best of these tests. The published best and average stand beside it, since no network of a^n b^n reaches its 1000 at
the stop. It is a choice among tests, as the paper's "best network" is.

**What is the paper's**: architecture, biases, squashing, and the alternation of {1000:,} training strings with a test.
The rate of 1e-5 and the momentum of 0.99 are remembered with less certainty; with `momentum=0` the rate is constant and
has no momentum.

**What is not known** was chosen as follows.

- The targets and the threshold. Output units have the range (-2, 2), which suggests targets of 1 and -1 told apart by
  their sign (`coding=signs`, the default). This gives numbers of training strings near the published ones. With
  `coding=bits` outputs are logistic, targets are 1 and 0, and the threshold is 0.5.
- When weights change: after every step (`update=step`, the default) or at a string's end (`update=end`).
- Training uses float32.
""".strip()


def _columns(model: str, strings: str, weights: str) -> dict[str, str]:
    return {"network": model, "training strings": strings, "weights": weights}


def _row(language: str, most: int, longest: int, published: Mapping[str, Any], strings: str) -> Row:
    task = {"language": language, "most": most, "longest": longest}
    config = Config(task, {"rate": RATE}, {"limit": LIMIT, "further": FURTHER})
    blocks, weights = _SIZES[language]
    columns = _columns(blocks, strings, str(weights))
    note = HEADLINE if published.get("best") == longest and published["success_rate"] == 1 else UNCERTAIN
    return Row(
        f"lstm-{most}",
        "LSTM",
        columns,
        {"trials": 10, **published} if published else {},
        config,
        note=note if published else "",
    )


def _quoted(name: str, label: str, hidden: int, strings: str, trials: int, **published: Any) -> Row:
    columns = _columns(f"{hidden} hidden units", strings, "-")
    return Row(name, label, columns, {"trials": trials, **published})


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws a network that learned a^n b^n c^n up to n = 20, and 20,000 strings more."""
    from carrousel.papers.gers2001._picture import draw

    prepared, found, setting = first_success(ANBNCN, "lstm-20", result, limit=200_000, further=20_000)
    strings, most = found["sequences"] + setting.config.until["further"], prepared.task.most
    title = f"a$^n$b$^n$c$^n$, n = 20: a network after {strings:,} strings with n up to {most}"
    draw(path, prepared.learner, prepared.task, (20,), title)


ANBN = Experiment(
    "gers2001/anbn",
    "a^n b^n, a context-free language: predict which symbols can follow; how far does counting generalise?",
    CITATION,
    (
        _quoted("sun-1993", "Sun et al. 1993", 5, "n = 1..160", 1, success_rate=1.0, best=160),
        _quoted(
            "wiles-elman-1995", "Wiles & Elman 1995", 2, "n = 1..11", 20,
            success_rate=0.2, sequences_mean=2_000_000, best=18,
        ),
        _quoted(
            "tonkes-wiles-1997", "Tonkes & Wiles 1997", 2, "n = 1..10", 100,
            success_rate=0.13, sequences_mean=10_000, best=12,
        ),
        _quoted(
            "rodriguez-1999", "Rodriguez et al. 1999", 2, "n = 1..11", 50,
            success_rate=0.16, sequences_mean=267_000, best=16,
        ),
        _row(
            "anbn", 10, 1000,
            {"success_rate": 1.0, "sequences_mean": 22_000, "best": 1000, "average": 118}, "n = 1..10",
        ),
    ),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    options=OPTIONS,
    quick=Quick(
        "two networks accept all strings with n up to 10, and count beyond n = 12 after 30,000 strings more",
        lambda rows: rows["lstm-10"]["success_rate"] == 1 and rows["lstm-10"]["best"] > 12,
        ("lstm-10",),
        trials=2,
        config={"limit": 150_000, "further": 30_000, "longest": 100},
    ),
    source="from notes",
    outcome="yes",
    finding=FINDING,
    notes=NOTES + "\n\n**Earlier networks.** Their rows are as the paper quotes them, known from notes on it. The "
    "training strings, share and best n of Wiles & Elman are certain.",
)  # fmt: skip

ANBMBMAN = Experiment(
    "gers2001/anbmbman",
    "a^n b^m B^m A^n, a context-free language of two nested counts: predict which symbols can follow",
    CITATION,
    (
        _row("anbmbman", 12, 100, {}, "n + m up to 12"),
        _row("anbmbman", 51, 100, {}, "n + m up to 51"),
    ),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    options=OPTIONS,
    quick=Quick(
        "a network accepts all 66 strings with n + m up to 12",
        lambda rows: rows["lstm-12"]["success_rate"] == 1 and rows["lstm-12"]["best"] >= 12,
        ("lstm-12",),
        config={"limit": 400_000, "further": 0, "longest": 30},
    ),
    source="from notes",
    outcome="yes",
    finding=FINDING,
    notes=NOTES
    + "\n\n**This language.** The paper's results for it are not known. The n of a column is n + m. Strings "
    "are tried up to n + m = 100.",
)

_ANBNCN = {
    10: (54_000, 1.0, 52, 28),
    20: (28_000, 1.0, 160, 66),
    30: (37_000, 1.0, 228, 91),
    40: (51_000, 0.9, 500, 120),
    50: (60_000, 1.0, 500, 409),
}


def _anbncn_row(most: int) -> Row:
    sequences, share, best, average = _ANBNCN[most]
    published = {"success_rate": share, "sequences_mean": sequences, "best": best, "average": average}
    return _row("anbncn", most, 500, published, f"n = 1..{most}")


ANBNCN = Experiment(
    "gers2001/anbncn",
    "a^n b^n c^n, a context-sensitive language: predict which symbols can follow; how far does counting generalise?",
    CITATION,
    tuple(_anbncn_row(most) for most in _ANBNCN),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    options=OPTIONS,
    quick=Quick(
        "a network accepts all strings with n up to 10",
        lambda rows: rows["lstm-10"]["success_rate"] == 1 and rows["lstm-10"]["best"] >= 10,
        ("lstm-10",),
        config={"limit": 300_000, "further": 0, "longest": 50},
    ),
    pictures=(Picture("counters", "Two cells that count, gates and predictions over one string", _draw),),
    source="from notes",
    outcome="yes",
    finding=FINDING,
    notes=NOTES,
)
