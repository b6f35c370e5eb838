"""What a follower saves beside its learner, checked when it comes from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel._format import number, whole
from carrousel.streams._stream import FORMAT

__all__ = ["check_early", "check_notes"]

APART = ("rivals", "clock", "linear", "settings")
"""What differs from state to state; whoever takes it checks it."""


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
            if not isinstance(sums["rivals"], dict) or (most and "persistence" not in sums["rivals"]):
                raise ValueError(f"its sums of errors are {sums['rivals']}")
            for name, total in {"error": sums["error"], **sums["rivals"]}.items():
                if number(total, f"its sum of {name}") < 0:
                    raise ValueError(f"its sum of {name} is {total}")
        if not isinstance(notes["settings"], dict) or notes["settings"].keys() != expected["settings"].keys():
            raise ValueError("its settings are others than there are")
        words = notes["words"]
        if not isinstance(words, list) or not all(type(word) is str for word in words):
            raise ValueError(f"the fields that it leaves out are {words}")
        last = tally["last"]
        if classes and type(last) not in (str, int, float, bool, type(None)):
            raise ValueError(f"its last target is {last}, and no class")
        if not classes and last is not None:
            number(last, "its last target")


def _same_names(part: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if part.keys() != wanted.keys():
        raise ValueError(f"it holds {', '.join(part)} and should hold {', '.join(wanted)}")
    for name, value in wanted.items():
        if isinstance(value, dict) and name not in APART:
            _same_names(part[name], value)


def check_early(early: Any, most: int) -> list[tuple[dict[str, float], float | None]]:
    """Returns the records of the first lines, checked.

    Raises:
        ValueError: they are none, or too many.
    """
    if not isinstance(early, list) or len(early) > most:
        raise ValueError(f"its first records are {early!r}")
    found: list[tuple[dict[str, float], float | None]] = []
    for each in early:
        if not isinstance(each, list) or len(each) != 2 or not isinstance(each[0], dict):
            raise ValueError(f"one of its first records is {each!r}")
        x = {name: float(number(value, f"its first {name}")) for name, value in each[0].items()}
        found.append((x, None if each[1] is None else float(number(each[1], "a first target"))))
    return found
