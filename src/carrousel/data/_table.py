"""A table as it stands in a file: columns by name, their fields text, or of the types that the file has for them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from carrousel.data._dates import is_date
from carrousel.data._dialect import SEPARATORS, Dialect, separator_of
from carrousel.data._errors import DataError, listed, option, reading
from carrousel.data._file import File, Text
from carrousel.data._words import refuse_twice

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Table", "delimited", "of_text"]

SAID = re.compile(rb"sep=([^\r\n])(?:\r\n|\r|\n)")


@dataclass(frozen=True)
class Table:
    """A table of a file.

    Attributes:
        frame: the columns, their names text and each once. A field of text that is empty is missing, and no other.
        how: how the file is written, where that is not the usual.
        typed: whether the file has types for its columns, so that nothing is read from how a text looks.
    """

    frame: pd.DataFrame
    how: tuple[str, ...] = ()
    typed: bool = False


def delimited(file: File, sep: str | None, encoding: str | None, max_size: float, wanted: Iterable[str]) -> Table:
    """Returns the table of a text whose rows are lines, their fields separated by one sign."""
    text = file.text(encoding, max_size)
    if not text.content.strip():
        raise DataError(f"{file.name}: the file is empty")
    said = SAID.match(text.content)  # a first line "sep=;", as Excel wants it
    if said:
        text = replace(text, content=text.content[said.end() :])
        sep = said[1].decode() if sep is None else sep
    content, comments = _after_comments(text.content, sep)
    if content != text.content:
        if not content.strip():
            raise DataError(f"{file.name}: there are no rows: all lines begin with #")
        lines = (f"{comments} line{'s' * (comments > 1)} of comment",) if comments else ()
        text = replace(text, content=content, how=(*text.how, *lines))
    dialect = separator_of(text.content, sep, wanted, file.name)
    return file.once((dialect, encoding, max_size), lambda: _divided(text, dialect, sep, file.name))


def _after_comments(content: bytes, sep: str | None) -> tuple[bytes, int]:
    """Returns a table without the lines before it that begin with ``#``, and how many they are.

    A header may begin with that sign too. It is one where a separator follows, for a column is called so; and the last
    such line is where the one after it has as many fields, and among them a number or a date, which no header has.
    """
    signs = [s.encode() for s in ({**SEPARATORS, ",": "comma"} if sep is None else [sep]) if len(s) == 1 and s != " "]
    begin, lines = 0, 0
    while content[begin : begin + 1] == b"#" and content[begin + 1 : begin + 2] not in signs:
        end = min((at for mark in (b"\n", b"\r") if (at := content.find(mark, begin)) >= 0), default=len(content))
        follows = end + (2 if content[end : end + 2] == b"\r\n" else 1)
        if _heads(content[begin + 1 : end], content[follows:], signs):
            return content[begin + 1 :].lstrip(b" "), lines
        begin, lines = follows, lines + 1
        while content[begin : begin + 1] in (b"\n", b"\r"):
            begin += 1
    return content[begin:], lines


def _heads(line: bytes, rest: bytes, signs: list[bytes]) -> bool:
    """Tells whether a line after ``#`` is the header of the line that follows."""
    below = re.split(rb"[\r\n]", rest, maxsplit=1)[0]
    if below[:1] == b"#":
        return False
    for sign in signs:
        names, fields = line.split(sign), below.split(sign)
        if len(names) == len(fields) > 1:
            return any(_is_value(field.strip().strip(b'"').decode("utf-8", "replace")) for field in fields)
    return False


def _is_value(word: str) -> bool:
    try:
        return bool(word) and (is_date(word) or float(word) is not None)
    except ValueError:
        return False


def _with_row_names(content: bytes, separator: str) -> bytes:
    """Returns a table whose header has a field for the names of the rows, which R calls nothing."""
    first, _, rest = content.partition(b"\n")
    below = rest.partition(b"\n")[0]
    if not below.startswith(b'"') or b"\r" in first.rstrip(b"\r"):
        return content
    header, row = (_fields(line, separator) for line in (first, below))
    return b'""' + separator.encode() + content if len(row) == len(header) + 1 and row[-1] else content


def _fields(line: bytes, separator: str) -> list[str]:
    return next(csv.reader([line.rstrip(b"\r").decode("utf-8", "replace")], delimiter=separator), [])


def _divided(text: Text, dialect: Dialect, sep: str | None, name: str) -> Table:
    if dialect.spaced or dialect.separator == " ":
        rows = _slowly(text.content, dialect, name)
    else:
        rows = _by_arrow(_with_row_names(text.content, dialect.separator), dialect.separator, name)
    if sep is not None and rows.num_columns == 1:
        _refuse_other(rows.column(0)[0].as_py() or "", sep, separator_of(text.content, None, [], name), name)
    how = text.how if dialect.separator == "," else (f"separated by {_word(dialect.separator)}", *text.how)
    return of_text(rows, name, how)


def of_text(rows: pa.Table, name: str, how: tuple[str, ...]) -> Table:
    """Returns the table of columns of text whose first row has their names."""
    import pandas as pd

    columns = [(column[0].as_py() or "").strip() for column in rows.columns]
    rows = rows.slice(1)
    # What a separator at the end of every line makes is no column.
    while len(columns) > 1 and columns[-1] == "" and rows.column(len(columns) - 1).null_count == len(rows):
        columns, rows = columns[:-1], rows.select(range(len(columns) - 1))
    if len(rows) and _values(columns):
        raise DataError(
            f"{name}: the first row holds values ({listed(columns)}); a table begins with a row of its columns' names"
        )
    refuse_twice(columns, "columns", name)
    if len(rows) == 0:
        raise DataError(f"{name}: there are no rows")
    with reading(name):
        frame = rows.rename_columns([f"c{k}" for k in range(len(columns))]).to_pandas()
    frame.columns = pd.Index(columns, dtype=object)
    return Table(frame.astype({c: "str" for c in columns if frame[c].isna().all()}), how)


def _by_arrow(content: bytes, separator: str, name: str) -> pa.Table:
    """Returns all rows, the header's among them, as columns of text."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    faults: list[arrow.InvalidRow] = []

    def fault(row: arrow.InvalidRow) -> str:
        faults.append(row)
        return "error"

    width = _width(content, separator)
    try:
        return arrow.read_csv(
            pa.BufferReader(content),
            # One block, for a row may not stand in two.
            arrow.ReadOptions(use_threads=False, autogenerate_column_names=True, block_size=len(content) + 1),
            arrow.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=fault),
            arrow.ConvertOptions(
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
                column_types={f"f{k}": pa.string() for k in range(width)},
            ),
        )
    except pa.ArrowInvalid as error:
        if faults:
            row = faults[0]
            raise _ragged(row.number - 1, row.actual_columns, row.expected_columns, name) from None
        raise DataError(f"{name}: cannot be read: {' '.join(str(error).split())}") from error


def _values(header: list[str]) -> bool:
    """Tells whether a header is none: all are numbers or dates, and not the numbers of the columns or years."""
    if all(name.isdecimal() for name in header):
        return False
    try:
        return all(is_date(name) or float(name) is not None for name in header)
    except ValueError:
        return False


def _width(content: bytes, separator: str) -> int:
    """Returns the most fields that the header can have, whatever is quoted in it."""
    end = min((at for sign in (b"\n", b"\r") if (at := content.find(sign, _start(content))) >= 0), default=len(content))
    width = content.count(separator.encode(), 0, end) + 1
    if b'"' in content[:end]:  # a name with a line end in it
        width = max(width, content.count(separator.encode(), 0, 2**16) + 1)
    return width


def _start(content: bytes) -> int:
    return len(content) - len(content.lstrip(b"\r\n"))


def _slowly(content: bytes, dialect: Dialect, name: str) -> pa.Table:
    """Returns what ``_by_arrow`` does where spaces stand around the fields, which belong to none."""
    import pyarrow as pa

    text = content.decode("utf-8", "surrogatepass").replace("\r\n", "\n").replace("\r", "\n")
    if dialect.separator == " ":
        text = "\n".join(line.strip() for line in text.split("\n"))
    lines: list[list[str]] = []
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        for row in csv.reader(io.StringIO(text), delimiter=dialect.separator, skipinitialspace=True):
            if not row:
                continue
            if dialect.separator == " " and len(lines) == 1 and len(row) == len(lines[0]) + 1:
                lines[0].insert(0, "")  # R writes no name above the names of the rows
            if lines and len(row) != len(lines[0]):
                raise _ragged(len(lines), len(row), len(lines[0]), name)
            lines.append(row)
    except csv.Error as error:
        raise DataError(f"{name}: cannot be read: {error}") from error
    columns = [
        pa.array([field.strip() or None for field in column], pa.string()) for column in zip(*lines, strict=True)
    ]
    return pa.table(columns, names=[f"f{k}" for k in range(len(columns))])


def _ragged(row: int, fields: int, wanted: int, name: str) -> DataError:
    more = "more" if fields > wanted else "fewer"
    return DataError(
        f"{name}: row {row} has {fields} field{'s' * (fields != 1)}, the header has {wanted}: {more} fields than the "
        f"header\na field that holds the separator stands in quotes; {option('sep')} names another separator"
    )


def _refuse_other(header: str, sep: str, told: Dialect, name: str) -> None:
    """Refuses a separator that the table does not have, where another one is clear."""
    width = len(next(csv.reader([header], delimiter=told.separator), []))
    if width > 1:
        raise DataError(
            f"{name}: by {option('sep', sep)} its header is one field, {header!r}; {option('sep', told.separator)} "
            f"makes {width} of it"
        )


def _word(separator: str) -> str:
    return SEPARATORS.get(separator, repr(separator))
