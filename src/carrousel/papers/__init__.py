"""The papers' published tables as data, and the runs that reproduce them.

>>> from carrousel import papers
>>> papers.get("hochreiter1997/reber").row("lstm-3x2-0.5").published["sequences_mean"]
8440
"""

from __future__ import annotations

import difflib

from carrousel.papers import baselines, gers2000, gers2001, gers2002, hochreiter1997, schmidhuber1996
from carrousel.papers._experiment import RUNNING, SUCCESS, Experiment, Figure, Picture, Quick, Row, Trial, success
from carrousel.papers._files import trials_directory, write_result
from carrousel.papers._report import report, stem, table
from carrousel.papers._run import quick, reproduce

__all__ = [
    "EXPERIMENTS",
    "RUNNING",
    "SUCCESS",
    "Experiment",
    "Figure",
    "Picture",
    "Quick",
    "Row",
    "Trial",
    "get",
    "quick",
    "report",
    "reproduce",
    "stem",
    "success",
    "table",
    "trials_directory",
    "write_result",
]

_PAPERS = (schmidhuber1996, hochreiter1997, gers2000, gers2001, gers2002, baselines)

EXPERIMENTS = {experiment.name: experiment for paper in _PAPERS for experiment in paper.EXPERIMENTS}
"""All experiments by name."""


def get(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        ValueError: there is none; the message gives the nearest.
    """
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown experiment {name!r}{hint} (known: {', '.join(EXPERIMENTS)})")
    return EXPERIMENTS[name]
