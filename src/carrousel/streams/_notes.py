"""What a follower saves beside its learner, checked when it comes from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel._format import number, whole
from carrousel.streams._stream import FORMAT

__all__ = ["check_notes"]


def check_notes(path: Path, notes: Mapping[str, Any], expected: Mapping[str, Any], classes: bool) -> None:
    """Refuses notes that no follower came to.

    Args:
        path: the file that they stand in.
        notes: ``"settings"``, ``"tally"``, ``"line"`` and ``"offset"``.
        expected: those of the follower that is to go on, of which only the names count.
        classes: whether it predicts classes.

    Raises:
        ValueError: something is missing, or out of its range.
    """
    with FORMAT.blaming(path):
        _same_names(notes, expected)
        whole(notes["offset"], "its place in the file")
        tally = notes["tally"]
        most = whole(notes["line"], "its number of lines")
        for sums in (tally, tally["recent"]):
            whole(sums["lines"], "its number of predictions", most=most)
            most = sums["lines"]
            for name in ("error", "persistence", "season"):
                if number(sums[name], f"its sum of {name}") < 0:
                    raise ValueError(f"its sum of {name} is {sums[name]}")
        last = tally["last"]
        if classes and type(last) not in (str, int, float, bool, type(None)):
            raise ValueError(f"its last target is {last}, and no class")
        if not classes and last is not None:
            number(last, "its last target")


def _same_names(part: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if part.keys() != wanted.keys():
        raise ValueError(f"it holds {', '.join(part)} and should hold {', '.join(wanted)}")
    for name, value in wanted.items():
        if isinstance(value, dict):
            _same_names(part[name], value)
