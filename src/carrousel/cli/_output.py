"""Results on standard output: text for people, one JSON object for machines."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrousel._atomic import write_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["emit", "note", "plain", "say", "write_json", "write_table"]


def say(text: str) -> None:
    """Prints a line on standard output."""
    print(text)


def note(text: str) -> None:
    """Prints a line on standard error: what goes on, not the result."""
    print(text, file=sys.stderr, flush=True)


def emit(result: dict[str, Any]) -> None:
    """Prints one JSON object."""
    print(json.dumps(plain(result), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Returns NumPy's and pandas' values as JSON has them; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # arrays and NumPy scalars
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table as ``.csv`` or ``.parquet``, in one step."""
    data = frame.to_parquet(index=False) if path.suffix.lower() == ".parquet" else frame.to_csv(index=False).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, data)


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Writes an object as JSON into a file, in one step."""
    write_file(path, (json.dumps(plain(result), indent=2, allow_nan=False) + "\n").encode())
