"""How large a file may become in memory: a small one can hold a great deal of nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from carrousel.data._errors import DataError, option

__all__ = ["MAX_SIZE", "amount", "check_size", "refuse_size"]

MAX_SIZE = 1e9
"""Bytes that a file may unpack to unless more is allowed."""


def check_size(path: Path, unpacked: int, max_size: float) -> None:
    """Refuses a file that would take more than ``max_size`` bytes in memory, unless it is as large on disk."""
    if unpacked > max_size and unpacked > os.path.getsize(path):
        refuse_size(path, unpacked, max_size)


def refuse_size(path: Path, unpacked: int | None, max_size: float) -> NoReturn:
    """Refuses a file that takes more than ``max_size`` bytes in memory; None bytes for a number that is not known."""
    to = "" if unpacked is None else f"{amount(unpacked)}, "
    raise DataError(
        f"{path}: its {amount(os.path.getsize(path))} unpack to {to}more than {amount(max_size)}\n"
        f"{option('max_size')} allows more"
    )


def amount(size: float) -> str:
    """Returns a number of bytes in words.

    >>> amount(999), amount(2_500_000), amount(10**9)
    ('999 bytes', '2.5 MB', '1 GB')
    """
    for unit, bytes in (("EB", 1e18), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes:
            return f"{size / bytes:.3g} {unit}"
    return f"{size:g} bytes"
