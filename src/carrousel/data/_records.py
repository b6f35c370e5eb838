"""Tables of records: JSON lines, a JSON list of objects, and Excel's sheets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from carrousel.data._errors import DataError, reading
from carrousel.data._file import File
from carrousel.data._limit import check_size
from carrousel.data._table import Table, of_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["excel", "json_records"]

ROWS = 2**20  # that a sheet can have


def json_records(file: File, encoding: str | None, max_size: float) -> Table:
    """Returns the table of JSON lines, an object on each, or of one list of objects.

    Numbers are text as they are written, and typed only where a column of numbers is wanted. A name that an object
    lacks, and null, are missing fields.
    """
    text = file.text(encoding, max_size)
    columns: dict[str, list[str | None]] = {}
    for count, (where, record) in enumerate(_objects(text.content.decode("utf-8", "surrogatepass"), file.name)):
        if not isinstance(record, dict):
            raise DataError(f'{file.name}: {where} is no object such as {{"time": 0, "x": 1.5}}')
        for key, value in record.items():
            column = columns.setdefault(key, [None] * count)
            column.append(_field(value))
        for column in columns.values():
            if len(column) == count:
                column.append(None)
    if not columns:
        raise DataError(f"{file.name}: there are no rows")
    with reading(file.path, "it holds text that Unicode does not have"):
        rows = _table([[name, *fields] for name, fields in columns.items()])
    return of_text(rows, file.name, ("JSON", *text.how))


def excel(file: File, max_size: float) -> Table:
    """Returns the table of the first sheet of an Excel file; its first row has the names."""
    import warnings
    import zipfile

    import openpyxl

    with reading(file.path, "it is no intact Excel file"), zipfile.ZipFile(file.path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    check_size(file.path, size, max_size)
    with reading(file.path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles that it does not know
        book = openpyxl.load_workbook(file.path, read_only=True, data_only=True)
        try:
            names = book.sheetnames
            rows = [list(row) for row in book.worksheets[0].iter_rows(max_row=ROWS, values_only=True)]
        finally:
            book.close()
    rows = [row for row in rows if any(value is not None for value in row)]
    if not rows:
        raise DataError(f"{file.name}: its first sheet {names[0]!r} is empty")
    width = max(len(row) for row in rows)
    fields = [[_field(value) for value in row] + [None] * (width - len(row)) for row in rows]
    table = _table([list(column) for column in zip(*fields, strict=True)])
    how = "Excel" if len(names) == 1 else f"Excel, the first of {len(names)} sheets ({names[0]})"
    return of_text(table, file.name, (how,))


def _objects(text: str, name: str) -> Iterator[tuple[str, Any]]:
    """Yields every object and where it stands."""
    exact: dict[str, Any] = {"parse_float": str, "parse_int": str, "object_pairs_hook": _record}
    if text.lstrip().startswith("["):
        try:
            records = json.loads(text, **exact)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name}: cannot be read as JSON: {error}") from None
        yield from ((f"record {k}", record) for k, record in enumerate(records, 1))
        return
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line, **exact)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f'{name}: line {number} is no JSON: {error}; each line is an object such as {{"time": 0, "x": 1.5}}'
            ) from None


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has two members {next(n for n in names if names.count(n) > 1)!r}")
    return record


def _field(value: Any) -> str | None:
    """Returns a value as text; None where it is missing."""
    from datetime import date, datetime, time

    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # as Excel shows it
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _table(columns: list[list[str | None]]) -> pa.Table:
    import pyarrow as pa

    names = [f"f{k}" for k in range(len(columns))]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)
