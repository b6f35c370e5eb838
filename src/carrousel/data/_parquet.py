"""Tables of Parquet, whose columns have types."""

from __future__ import annotations

from carrousel.data._errors import DataError, reading
from carrousel.data._file import File
from carrousel.data._limit import check_size
from carrousel.data._table import Table
from carrousel.data._words import refuse_twice

__all__ = ["parquet"]


def parquet(file: File, max_size: float) -> Table:
    """Returns the table of a Parquet file."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    path = file.path

    with reading(path):
        # A file by itself: the names of the folders above are no columns, as they are to a data set.
        with ParquetFile(path) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
            leaves = [opened.schema.column(k) for k in range(len(opened.schema))]
            # Only figures that are plain fields: Arrow ends the process over some damaged descriptions of columns.
            unpacked = sum(opened.metadata.row_group(k).total_byte_size for k in range(opened.num_row_groups))
        refuse_twice(schema.names, "columns", str(path))
        widths = [max(8, leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0) for leaf in leaves]
        check_size(path, max(unpacked, rows * sum(widths)), max_size)
        # Each text once, as the file has it: copies for every row can be any number of times as large.
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and not leaf.max_repetition_level]
        # Lists and records are no columns of a table, and can be of any length: they are named, and not read.
        nested = [field for field in schema if pa.types.is_nested(field.type)]
        flat = None if not nested else [name for name in schema.names if name not in {f.name for f in nested}]
        with ParquetFile(path, read_dictionary=texts) as opened:
            frame = opened.read(columns=flat, use_pandas_metadata=True).to_pandas()
        for field in nested:
            frame[field.name] = pd.Series(pa.nulls(len(frame), field.type), frame.index, pd.ArrowDtype(field.type))
    if any(name is not None for name in frame.index.names):
        with reading(path):
            frame = frame.reset_index()
    frame.columns = pd.Index([str(c) for c in frame.columns], dtype=object)
    refuse_twice(frame.columns, "columns", str(path))
    if len(frame) == 0:
        raise DataError(f"{path}: there are no rows")
    return Table(frame, typed=True)
