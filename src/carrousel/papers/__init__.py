"""The papers' published tables as data, and the runs that reproduce them.

A paper is a package of this room. Its experiments are imported when one of them is asked for: the list of all stands
in ``index.json``, which ``python docs/generate.py`` writes.

>>> from carrousel import papers
>>> papers.get("hochreiter1997/reber").row("lstm-3x2-0.5").published["sequences_mean"]
8440
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carrousel.papers._experiment import RUNNING, SUCCESS, Column, Config, Experiment, Picture, Quick, Row, success
from carrousel.papers._index import EXPERIMENTS, get, listing
from carrousel.papers._report import report, result_stem, table
from carrousel.papers._trial import Prepared, Setting, Trial, first_success

if TYPE_CHECKING:
    from carrousel.papers._run import quick, reproduce, trials_directory

__all__ = [
    "EXPERIMENTS",
    "RUNNING",
    "SUCCESS",
    "Column",
    "Config",
    "Experiment",
    "Picture",
    "Prepared",
    "Quick",
    "Row",
    "Setting",
    "Trial",
    "first_success",
    "get",
    "listing",
    "quick",
    "report",
    "reproduce",
    "result_stem",
    "success",
    "table",
    "trials_directory",
]


def __getattr__(name: str) -> Any:
    """Imports what runs experiments, and numba with it, when it is first used."""
    if name in ("quick", "reproduce", "trials_directory"):
        from carrousel.papers import _run

        return getattr(_run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
