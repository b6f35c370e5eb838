"""Packed files: gzip, Zstandard, bzip2, xz, and zip archives of one file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from carrousel.data._errors import DataError, listed
from carrousel.data._limit import refuse_size

__all__ = ["PACKED", "member_of", "unpacked"]

BLOCK = 2**20  # bytes at a time


def _zstd(file: IO[bytes]) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


FORMATS: dict[str, tuple[bytes, tuple[str, ...], Callable[[IO[bytes]], Any]]] = {
    "gzip": (b"\x1f\x8b", (".gz", ".gzip"), lambda file: gzip.GzipFile(fileobj=file)),
    "zstd": (b"\x28\xb5\x2f\xfd", (".zst", ".zstd"), _zstd),
    "bzip2": (b"BZh", (".bz2",), bz2.BZ2File),
    "xz": (b"\xfd7zXZ\0", (".xz",), lzma.LZMAFile),
}
ZIP = b"PK\x03\x04"
PACKED = (".zip", *(ending for _, endings, _ in FORMATS.values() for ending in endings))
"""The endings of packed files."""


def unpacked(path: Path, max_size: float) -> tuple[bytes, str]:
    """Returns a file's bytes and how they were packed, which its first bytes tell; ``""`` if they were not.

    Raises:
        DataError: they would be more than ``max_size`` and than the file has, or it is an archive of several files.
    """
    with open(path, "rb") as file:
        head = file.read(8)
        file.seek(0)
        if head.startswith(ZIP):
            return _member(path, file, max_size), "zip"
        for name, (first, _, opened) in FORMATS.items():
            if head.startswith(first):
                return _limited(path, opened(file), max_size), name
        return file.read(), ""


def _limited(path: Path, stream: Any, max_size: float) -> bytes:
    parts, size = [], 0
    limit = max(max_size, os.path.getsize(path))
    while part := stream.read(BLOCK):
        parts.append(part)
        size += len(part)
        if size > limit:
            refuse_size(path, None, max_size)
    return b"".join(parts)


def member_of(path: Path) -> str:
    """Returns the name of the one file in a zip archive."""
    with zipfile.ZipFile(path) as archive:
        return _only(path, archive)


def _member(path: Path, file: IO[bytes], max_size: float) -> bytes:
    with zipfile.ZipFile(file) as archive, archive.open(_only(path, archive)) as stream:
        return _limited(path, stream, max_size)


def _only(path: Path, archive: zipfile.ZipFile) -> str:
    # What a Mac or a hidden folder adds is no data.
    names = [m.filename for m in archive.infolist() if not m.is_dir() and not _hidden(m.filename)]
    if len(names) != 1:
        raise DataError(f"{path}: the archive holds {len(names)} files ({listed(names)}); pack one alone, or unpack it")
    return names[0]


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
