"""The papers' published tables as data, and the runs that reproduce them.

A paper is a package of this room. Its experiments are imported when one of them is asked for: the list of all stands
in ``index.json``, which ``python docs/generate.py`` writes.

>>> from carrousel import papers
>>> papers.get("hochreiter1997/reber").row("lstm-3x2-0.5").published["sequences_mean"]
8440
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from carrousel.papers._experiment import RUNNING, SUCCESS, Column, Config, Experiment, Picture, Quick, Row, success
from carrousel.papers._index import EXPERIMENTS, get, listing
from carrousel.papers._trial import Prepared, Setting, Trial, first_success

if TYPE_CHECKING:
    from carrousel.papers._compare import table
    from carrousel.papers._files import trials_directory, write_result
    from carrousel.papers._report import report, result_stem
    from carrousel.papers._run import quick, reproduce

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
    "write_result",
]


# What runs experiments, keeps and reports them needs NumPy and numba, and is imported when it is first used.
_HOMES = {
    "quick": "_run",
    "report": "_report",
    "reproduce": "_run",
    "result_stem": "_report",
    "table": "_compare",
    "trials_directory": "_files",
    "write_result": "_files",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"carrousel.papers.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
