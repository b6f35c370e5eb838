"""Records from lines: CSV or JSON, one line at a time."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

__all__ = ["LineFormat", "is_missing", "is_number", "no_field"]

SEPARATORS = (",", ";", "\t", "|", " ")
"""What may separate the fields of a CSV line; the first by which the header has all fields that are asked for."""
ABSENT = {"", "nan", "na", "n/a", "null", "none", "?", "-"}
"""What stands in a field whose value is missing, if the model takes missing values; else only nothing does."""
COMMA = re.compile(r"\s*[+-]?(\d{1,3}(\.\d{3})+|\d*),\d*([eE][+-]?\d+)?\s*")


@dataclass
class LineFormat:
    """How lines are written.

    Attributes:
        form: ``"csv"``, whose first line names the fields, or ``"jsonl"``, an object on every line.
        sep: what separates fields; None tells it from the first line.
        decimal: the mark of the decimals in text: ``"."`` or ``","``.
        encoding: of the text.
        header: the names of the fields, of CSV.
    """

    form: str = "csv"
    sep: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    header: Sequence[str] = ()

    def read_header(self, raw: bytes, wanted: Sequence[str], unused: Sequence[str]) -> None:
        """Takes the first line of a CSV file.

        Raises:
            ValueError: it lacks a field that is wanted, or names one twice that is not unused.
        """
        text = self.decoded(raw).removeprefix("\ufeff")
        signs = SEPARATORS if self.sep is None else (self.sep,)
        read = {sign: _fields(text, sign) for sign in signs}
        read = {sign: [name.strip() for name in names] for sign, names in read.items()}
        sign = next((sign for sign, names in read.items() if set(wanted) <= set(names)), None)
        if sign is None:
            names = max(read.values(), key=lambda names: (sum(name in names for name in wanted), len(names)))
            if all(is_number(name) for name in names):
                raise ValueError(f"the first line holds numbers ({_few(names)}); it has to name the fields")
            lacking = next(name for name in wanted if name not in names)
            raise ValueError(no_field(lacking, names, "the first line"))
        twice = next((name for name in read[sign] if name and read[sign].count(name) > 1 and name not in unused), None)
        if twice is not None:
            raise ValueError(f"there are two fields {twice!r} in the first line; --ignore leaves them out")
        self.sep, self.header = sign, read[sign]

    def decoded(self, raw: bytes) -> str:
        """Returns a line as text.

        Raises:
            ValueError: it is none in this encoding.
        """
        try:
            return raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            hint = "; --encoding windows-1252 reads most others" if self.encoding == "utf-8" else ""
            raise ValueError(f"byte {error.start + 1} is no text in {self.encoding.upper()}{hint}") from None

    def record(self, raw: bytes) -> dict[str, Any]:
        """Returns the fields of a line by their names.

        Raises:
            ValueError: it is none of this form.
        """
        text = self.decoded(raw)
        return self._of_csv(text) if self.form == "csv" else _object(text)

    def _of_csv(self, text: str) -> dict[str, Any]:
        fields = _fields(text, self.sep or ",")
        if len(fields) == len(self.header) + 1 and text.startswith('"') and fields[-1]:
            fields = fields[1:]  # the name of the row, above which R writes none
        if len(fields) != len(self.header):
            hint = "" if self.sep != "," or ";" not in text else "; --sep says what separates them"
            raise ValueError(f"it has {len(fields)} fields, the first line names {len(self.header)}{hint}")
        named = zip(self.header, fields, strict=True)
        return {name: field for name, field in named if name}  # what has no name numbers the lines

    def number(self, value: Any, name: str, *, target: bool = False) -> float:
        """Returns a field's value as a number.

        Raises:
            ValueError: it is no finite one.
        """
        written = value
        if self.decimal == "," and isinstance(value, str) and COMMA.fullmatch(value):
            written = value.replace(".", "").replace(",", ".")
        try:
            found = float(written)
        except (TypeError, ValueError):
            raise ValueError(f"{name!r} is {value!r}: a number is wanted; {self._hint(value, target)}") from None
        if not math.isfinite(found):
            raise ValueError(f"{name!r} is {value!r}: a finite number is wanted; leave it empty where it is missing")
        return found

    def _hint(self, value: Any, target: bool) -> str:
        if self.decimal == "." and isinstance(value, str) and COMMA.fullmatch(value):
            return "--decimal , takes the comma for the mark of the decimals"
        if isinstance(value, str) and value.strip().lower() in ABSENT:
            return "--missing mask or --missing last takes it for a missing value"
        return "--task classify predicts classes" if target else "leave the field out with --ignore"


def _fields(text: str, separator: str) -> list[str]:
    """Returns the fields of a line; several spaces separate as one does."""
    spaced = separator == " "
    return next(csv.reader([text.strip() if spaced else text], delimiter=separator, skipinitialspace=spaced), [])


def no_field(lacking: str, names: Sequence[str], what: str) -> str:
    """Returns the words that refuse a field that is not there, with the nearest one that is."""
    folded = {name.casefold(): name for name in names}
    near = [folded[each] for each in get_close_matches(lacking.casefold(), folded, n=1, cutoff=0.7)]
    nearest = f"; the nearest is {near[0]!r}" if near else ""
    return f"there is no field {lacking!r} in {what}; it names {_few(names)}{nearest}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def is_missing(value: Any, words: bool) -> bool:
    """Tells whether a field's value is missing: nothing is there, or with ``words`` a word that says so."""
    if not words:
        return value is None or value == ""
    return value is None or (value.strip().lower() in ABSENT if isinstance(value, str) else value != value)


def is_number(value: Any) -> bool:
    """Tells whether a field's value is a number, or a word that stands for a missing one."""
    if isinstance(value, str) and (value.strip().lower() in ABSENT or COMMA.fullmatch(value)):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    if text.strip() in ("[", "[{"):
        raise ValueError("a list of objects is no stream; jq -c '.[]' makes lines of it")
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if isinstance(record, list) and any(isinstance(each, dict) for each in record):
        raise ValueError("a list of objects is no stream; jq -c '.[]' makes lines of it")
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object is wanted, got {type(record).__name__}")
    return record
