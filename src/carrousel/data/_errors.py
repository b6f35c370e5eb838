"""The one error of this room, and the words of its messages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

__all__ = ["DataError", "DataWarning", "listed", "nearest", "option", "place_of", "reading", "tidy", "words_of"]

LONGEST = 1000
"""Characters in a line of a message; a name in a file may be longer than any screen."""


class DataError(ValueError):
    r"""Data cannot be used. One or two lines say which file, which row or column, and what would be right.

    Words from a file are part of the message: what a terminal would obey is written as an escape, and what is too
    long is cut.

    >>> print(DataError("a.csv: there are two columns 'x\x1b[2J'"))
    a.csv: there are two columns 'x\x1b[2J'

    An option that would mend it is written as Python has it, and in ``in_shell`` as the command line does:

    >>> error = DataError(f"a.csv: no column of times; {option('time', 'When?')} names it")
    >>> print(error, error.in_shell, sep="\n")
    a.csv: no column of times; time='When?' names it
    a.csv: no column of times; --time 'When?' names it
    """

    def __init__(self, message: str) -> None:
        super().__init__(tidy(OPTION.sub(_in_python, message)))
        self.in_shell = tidy(OPTION.sub(_in_shell, message))


class DataWarning(UserWarning):
    """Data were read, but not all that the file has: what was left out is named."""


OPTION = re.compile("\x02([a-z_]+)(?:=([^\x03]*))?\x03", re.DOTALL)  # what ``option`` writes into a message


def option(name: str, value: object = None) -> str:
    """Returns an option of the readers with its value, as a ``DataError`` takes it in its message."""
    text = "" if value is None else "=" + str(value).replace("\x03", "")
    return f"\x02{name}{text}\x03"


def _in_python(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"{name}=" if value is None else f"{name}={value!r}"


def _in_shell(found: re.Match[str]) -> str:
    name, value = found.groups()
    flag = "--" + name.replace("_", "-")
    return flag if value is None else f"{flag} {shlex.quote(value)}"


def tidy(message: str) -> str:
    """Returns a message as one or two lines of what can be printed, none longer than a screen."""
    first, *rest = message.split("\n")
    lines = [first, " ".join(rest)] if rest else [first]
    return "\n".join("".join(_seen(sign) for sign in _cut(line)) for line in lines)


@contextmanager
def reading(name: str | Path, fault: str | None = None) -> Iterator[None]:
    """Makes whatever a library raises over a file's content a DataError that names the file.

    Only calls of a library stand in such a block.

    Args:
        name: the file.
        fault: what is wrong; by default what the library says.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # a damaged file makes libraries fail in their depths, by any exception
        raise DataError(f"{name}: cannot be read: {fault or words_of(error)}") from error


def words_of(error: Exception) -> str:
    """Returns an error's words in one line, or its kind where it has none."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return f"there is not enough memory {error}".strip()
    return " ".join(str(error).split()) or type(error).__name__


def nearest(name: object, names: Iterable[object]) -> str:
    """Returns ``"; the nearest is 'label'"``, or nothing when no name is near.

    >>> nearest("lable", ["id", "time", "label"])
    "; the nearest is 'label'"
    >>> nearest("xyz", ["id", "time", "label"])
    ''
    """
    known = {str(n).lower(): str(n) for n in names}
    matches = get_close_matches(str(name).lower(), known, n=1, cutoff=0.7)
    return f"; the nearest is {known[matches[0]]!r}" if matches else ""


def place_of(wanted: str | None, names: Iterable[object], what: str, source: str) -> int:
    """Returns the place of a name among others; of None, the first.

    Raises:
        DataError: it is not there; the message names the source, and the nearest name.

    >>> place_of("b", ["a", "b"], "sequence", "a.csv"), place_of(None, ["a", "b"], "sequence", "a.csv")
    (1, 0)
    """
    known = [str(name) for name in names]
    if wanted is not None and wanted not in known:
        raise DataError(f"{source}: there is no {what} {wanted!r}{nearest(wanted, known)}")
    return 0 if wanted is None else known.index(wanted)


def listed(names: Iterable[object], most: int = 8) -> str:
    """Returns ``"a, b, c"``, cut off with the count of the rest when there are many."""
    words = [str(n) for n in names]
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


def _seen(sign: str) -> str:
    return sign if sign.isprintable() else repr(sign)[1:-1]


def _cut(line: str) -> str:
    half = LONGEST // 2 - 1
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"
