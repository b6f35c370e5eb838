"""Files of experiments: finished trials, a line for each, and results."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel._alone import alone
from carrousel._atomic import append_to, write_file
from carrousel._format import Format, number, parse, whole
from carrousel.papers._experiment import Experiment, Row, Trial

__all__ = ["MADE_WITH", "RESULT", "TRIAL", "Kept", "read_result", "trials_directory", "write_result"]

MADE_WITH = ("carrousel", "python", "numpy", "numba", "machine")
"""The versions, and the machine, that every trial names."""

TRIAL = Format("carrousel-trial", 2, "a finished trial")
RESULT = Format("carrousel-result", 2, "a result of an experiment")


def trials_directory() -> Path:
    """Returns the folder of finished trials: ``carrousel/trials`` in ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrousel" / "trials"


class Kept:
    """Holds a row's finished trials, and their file, to which one process at a time adds lines.

    A line that was cut off or changed does not count: its trial is run again. Lines that were written before they had
    a checksum count if they hold what a trial needs; a digit that was changed in one of them cannot be noticed.
    """

    def __init__(
        self,
        experiment: Experiment,
        row: Row,
        options: Mapping[str, str],
        seed: int,
        fresh: bool,
        held: contextlib.ExitStack,
    ) -> None:
        what = json.dumps([experiment.name, row.name, dict(row.config or {}), options, seed], sort_keys=True)
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        self.path = trials_directory() / f"{experiment.stem}-{row.name}-{digest}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        held.enter_context(alone(self.path, "is running these trials"))
        if fresh:
            self.path.unlink(missing_ok=True)
        self.done: dict[int, Trial] = {}
        if self.path.exists():
            self._read(experiment)

    def _read(self, experiment: Experiment) -> None:
        refused = []
        for line in self.path.read_bytes().split(b"\n"):
            try:
                with TRIAL.blaming(self.path):
                    if line:
                        found = _unsealed(parse(line))
                        trial = whole(found.pop("trial"), "its number")
                        _check_trial(experiment, found)
                        self.done[trial] = found
            except ValueError as error:
                refused.append(str(error))
        if refused:
            warnings.warn(f"of the finished trials, {len(refused)} must be run again: {refused[0]}", stacklevel=4)

    def add(self, trial: int, found: Trial) -> None:
        """Adds a finished trial, and its line to the file."""
        self.done[trial] = found
        with contextlib.suppress(ValueError):  # a figure is NaN or infinite: to come to it, the trial is made again
            line = json.dumps(TRIAL.seal({"trial": trial, **found}))
            # The line break comes first: a line that a crash cut off spoils no other.
            append_to(self.path, f"\n{line}".encode())


def _unsealed(line: Any) -> dict[str, Any]:
    """Returns the facts of a line, with its checksum or from before lines had one.

    Raises:
        ValueError: the checksum does not match, or a line without one is not as those were.
        KeyError: a line without a checksum lacks what a trial needs.
    """
    if not isinstance(line, dict) or "sha256" in line or next(iter(line), "") != "trial":  # with which old lines began
        return TRIAL.unseal(line)
    if type(line["success"]) is not bool:
        raise ValueError("it does not say whether the trial succeeded")
    whole(line["steps"], "its number of steps")
    whole(line.get("weights", 0), "its number of weights")
    begin, end = line["ran"]
    if number(line["seconds"], "its time") < 0 or number(end, "its end") < number(begin, "its begin"):
        raise ValueError("it ended before it began")
    if line["made"].keys() != set(MADE_WITH):
        raise ValueError("it does not name its versions and machine")
    return line


def _check_trial(experiment: Experiment, trial: Trial) -> None:
    """Refuses a trial that cannot be summed up."""
    begin, end = trial["ran"]
    number(begin, "its begin")
    number(end, "its end")
    if not all(isinstance(value, str) for value in trial["made"].values()):
        raise ValueError("it does not name its versions and machine")
    experiment.measure([trial])


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Writes a result as indented JSON with its checksum."""
    write_file(path, (json.dumps(RESULT.seal(result), indent=2) + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """Returns the result that :func:`write_result` wrote.

    Raises:
        ValueError: the file is none, or was changed.
    """
    with RESULT.blaming(path):
        found = parse(path.read_bytes())
        if isinstance(found, dict) and "format" not in found:
            raise ValueError("it has no checksum: write it anew with `carrousel reproduce EXPERIMENT --into`")
        return RESULT.unseal(found)
