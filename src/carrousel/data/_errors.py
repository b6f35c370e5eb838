"""The one error of this room, and the words it is made of."""

from collections.abc import Iterable
from difflib import get_close_matches


class DataError(ValueError):
    """Data cannot be used. One or two lines say which file, which row or column, and what would be right."""


def nearest(name: object, names: Iterable[object]) -> str:
    """``"; the nearest is 'label'"``, or nothing when no name is near.

    >>> nearest("lable", ["id", "time", "label"])
    "; the nearest is 'label'"
    >>> nearest("xyz", ["id", "time", "label"])
    ''
    """
    known = {str(n).lower(): str(n) for n in names}
    found = get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    return f"; the nearest is {known[found[0]]!r}" if found else ""


def listed(names: Iterable[object], most: int = 8) -> str:
    """``"a, b, c"``, cut off with the count of the rest when there are many."""
    words = [str(n) for n in names]
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")
