"""How a table of text is written: what separates its fields, and which mark begins the decimals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from carrousel.data._errors import DataError, option

__all__ = ["MARKED", "SEPARATORS", "Dialect", "decimal_of", "separator_of"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
"""What may separate fields, each in words; the first that fits alike well is taken."""
NAMED = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|"}
SAMPLE = 2**16  # bytes looked at to tell the separator
ROWS = 200

PLAIN = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"  # 1.5
COMMA = r"^\s*[+-]?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)([eE][+-]?\d+)?\s*$"  # 1,5 and 1.234,5
POINTS = r"^\s*[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*$"  # 1,234.5
MARKED = {",": COMMA, ".": POINTS}
"""How numbers are written with either mark of the decimals."""


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes:
        separator: what stands between fields.
        spaced: whether a space follows each separator, and belongs to no field.
    """

    separator: str
    spaced: bool = False


def separator_of(content: bytes, sep: str | None, wanted: Iterable[str], name: str) -> Dialect:
    """Returns what separates the fields of a table, from its first rows.

    The header is divided into as many fields as the rows are. Where several signs would do, the one by which the header
    has the columns that are asked for is taken, then the one that leaves more numbers and fewer words with signs.

    Args:
        content: the file, UTF-8.
        sep: the sign, if it is given: one character, ``"tab"`` or ``"space"``.
        wanted: names of columns that are asked for.
        name: the file in messages.
    """
    lines = _sample(content)
    if sep is not None:
        sign = NAMED.get(sep, sep)
        if len(sign) != 1 or sign in '"\r\n' or ord(sign) > 127:
            raise DataError(f"{name}: {option('sep', sep)}: one sign is needed, or tab, or space")
        rows = _rows(lines, sign)
        return Dialect(sign, sign != " " and _spaced(rows))
    best, best_score = Dialect(","), (0.0, 0, 0.0)
    names = set(wanted)
    for sign in SEPARATORS:
        rows = _rows(lines, sign)
        if not rows or len(rows[0]) < 2:
            continue
        width = len(rows[0])
        right = sum(len(row) == width for row in rows) / len(rows)
        if sign == " ":
            # It separates only where nothing else does: dates and names have spaces too.
            if best_score[0] > 0 or len({len(row) for row in rows[1:]}) > 1:
                continue
            right = max(right, 0.01)  # a name is lacking or too many; that is said where the rows are read
        spaced = sign != " " and _spaced(rows)
        header = {field.strip() if spaced else field for field in rows[0]}
        cells = [field for row in rows[1:] for field in row]
        numbers = sum(_numeric(field) for field in cells) / max(1, len(cells))
        score = (round(right, 2), len(names & header), numbers)
        if score > best_score:
            best, best_score = Dialect(sign, spaced), score
    return best


def _sample(content: bytes) -> str:
    text = content[:SAMPLE].decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n")
    # The last row is cut off, unless it is the file's.
    return text if len(content) <= SAMPLE or "\n" not in text else text[: text.rindex("\n")]


def _rows(text: str, separator: str) -> list[list[str]]:
    if separator == " ":
        text = "\n".join(line.strip() for line in text.split("\n"))
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=separator == " "):
            if row:
                found.append(row)
            if len(found) > ROWS:
                break
    except csv.Error:  # a field longer than the module takes; what is there is enough
        pass
    return found


def _spaced(rows: list[list[str]]) -> bool:
    """Tells whether a space follows every separator: it is then none of the fields'."""
    rest = [field for row in rows for field in row[1:]]
    return bool(rest) and all(field.startswith(" ") for field in rest)


def _numeric(field: str) -> bool:
    try:
        float(field.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def decimal_of(frame: pd.DataFrame, decimal: str | None, name: str) -> str:
    """Returns the mark that begins the decimals in a table of text, ``"."`` or ``","``.

    A column proves one mark if all its fields are numbers by it and not by the other. ``1,234`` alone proves none.

    Raises:
        DataError: columns prove different marks, or fields such as ``1,234`` could be either.
    """
    if decimal is not None:
        if decimal not in MARKED:
            raise DataError(f"{name}: {option('decimal', decimal)}: the mark is . or ,")
        return decimal
    proofs: dict[str, tuple[str, int, str]] = {}
    doubtful = None
    for column in frame.columns:
        kind, row = _mark(frame[column])
        if kind in MARKED:
            proofs.setdefault(kind, (column, row, str(frame[column].iloc[row])))
        elif kind == "either" and doubtful is None:
            doubtful = column, row, str(frame[column].iloc[row])
    if len(proofs) == 2:
        (a, row_a, one), (b, row_b, other) = proofs["."], proofs[","]
        raise DataError(
            f"{name}: row {row_a + 1}, column {a} is {one}, and row {row_b + 1}, column {b} is {other}: "
            f"is the decimal mark . or ,?\n{option('decimal', '.')} or {option('decimal', ',')} says so"
        )
    if not proofs and doubtful is not None:
        column, row, word = doubtful
        raise DataError(
            f"{name}: row {row + 1}, column {column}: {word} can be {word.replace(',', '')} or "
            f"{word.replace(',', '.')}\n"
            f"{option('decimal', '.')} takes the comma for a sign between thousands, {option('decimal', ',')} for the "
            "decimal mark"
        )
    return next(iter(proofs), ".")


def _mark(column: pd.Series) -> tuple[str, int]:
    """Returns ``"."``, ``","``, ``"either"`` or ``""``, and the row that says so."""
    text = column.dropna()
    commas = text.str.contains(",", regex=False)
    if not commas.any():
        points = text.str.contains(".", regex=False)
        proof = points & text.str.match(PLAIN) & ~text.str.match(r"^\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*$")
        whole = bool(points.any()) and bool(text.str.match(PLAIN).all()) and bool(proof.any())
        return (".", _row(column, proof)) if whole else ("", 0)
    by_comma, by_point = text.str.match(COMMA), text.str.match(POINTS) | text.str.match(PLAIN)
    if by_comma.all() and not by_point.all():
        return ",", _row(column, ~by_point)
    if by_point.all() and not by_comma.all():
        return ".", _row(column, ~by_comma)
    if by_comma.all() and by_point.all():
        # 1,234,567 has two signs of one kind, and a number has one decimal mark.
        twice = text.str.count(",") > 1
        return (".", _row(column, twice)) if twice.any() else ("either", _row(column, commas))
    return "", 0


def _row(column: pd.Series, proof: pd.Series) -> int:
    places = np.flatnonzero(column.notna().to_numpy())
    return int(places[int(proof.to_numpy(dtype=bool).argmax())])
