"""What carrousel writes and reads back: facts and arrays, under one SHA-256. Below all rooms, for several do so.

Facts are a JSON object, in which also stand the format's name, its number, and the digest. Where there are arrays all
is one safetensors file, the facts in its header; facts that people read stand in a file, or a line, of their own.

A digest finds damage, not intent: whoever changes a file can compute it anew. So nothing that was read is a size, a
mode or a place in memory by itself. A reader declares what the facts say, sees whether the arrays fit that
(:func:`fitted`), and checks what counts something (:func:`whole`), before compiled code is given any of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from carrousel._atomic import write_file

__all__ = ["MOST", "Arrays", "Declared", "Format", "fitted", "number", "pack", "parse", "unpack", "whole"]

MOST = 2**53
"""No count is larger: up to here whole numbers are exact in float64, and sums of a few fit into 64 bits."""

LARGEST_HEADER = 100_000_000
"""Bytes of facts and names of arrays in one file; safetensors has the same limit."""

Arrays = Mapping[str, np.ndarray]
Declared = Mapping[str, tuple[tuple[int, ...], Any]]
"""Of arrays by name their shapes and dtypes."""

_FACTS = "carrousel"  # where the facts stand in a header


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Args:
        name: what it is called in files.
        version: its number, raised when what it holds changes; files of other numbers are refused.
        title: what it is called in messages: "cannot be read as ..."
        error: what is raised where a file cannot be read.
    """

    name: str
    version: int
    title: str
    error: type[ValueError] = ValueError

    def seal(self, facts: Mapping[str, Any], arrays: Arrays | None = None) -> dict[str, Any]:
        """Returns the facts with the format's name and number before them, and after them the digest of all.

        Raises:
            ValueError: a number is NaN or infinite.
            TypeError: the facts are more than JSON can hold.
        """
        for name, array in (arrays or {}).items():
            if not _finite(array):
                raise ValueError(f"{name} holds a NaN or an infinity, and is not written")
        named = {"format": self.name, "version": self.version, **facts}
        named = json.loads(json.dumps(named, allow_nan=False))  # as a reader will find them
        return {**named, "sha256": _digest(named, arrays or {})}

    def unseal(self, sealed: Any, arrays: Arrays | None = None) -> dict[str, Any]:
        """Returns the facts that :meth:`seal` was given.

        Raises:
            ValueError: these are none, or of another format or number, or changed, or a number is NaN or infinite.
        """
        if not isinstance(sealed, dict) or "format" not in sealed:
            raise ValueError("nothing in it says that it is one")
        if sealed["format"] != self.name:
            raise ValueError(f"it says that it is {_shown(sealed['format'])}, not {self.name!r}")
        if type(sealed.get("version")) is not int or sealed["version"] != self.version:  # True equals 1
            raise ValueError(
                f"it has the format's number {_shown(sealed.get('version'))}, and this version of carrousel reads "
                f"{self.version}: make it anew"
            )
        rest = {name: value for name, value in sealed.items() if name != "sha256"}
        if sealed.get("sha256") != _digest(rest, arrays or {}):
            raise ValueError("it was cut off or changed after it was written: its checksum does not match")
        for name, array in (arrays or {}).items():
            if not _finite(array):
                raise ValueError(f"the array {name} holds a NaN or an infinity")
        return {name: value for name, value in rest.items() if name not in ("format", "version")}

    def write(self, path: Path, facts: Mapping[str, Any], arrays: Arrays) -> None:
        """Writes one file in one step: after a crash the old content or the new is there, never a part.

        Raises:
            ValueError: a number is NaN or infinite; what was there stays.
            TypeError: the facts are more than JSON can hold.
        """
        try:
            sealed = self.seal(facts, arrays)
        except ValueError as error:
            raise ValueError(f"{path} is not written as {self.title}: {error}") from None
        write_file(path, pack(arrays, {_FACTS: json.dumps(sealed)}))

    @contextmanager
    def reading(self, path: str | Path) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
        """Reads facts and arrays of a file; whatever is found wrong with them in the block is the file's fault.

        Raises:
            FileNotFoundError: it is not there.
            ValueError: the format's own ``error``, naming the file: it cannot be read.
        """
        with self.blaming(path):
            metadata, arrays = unpack(Path(path))
            if _FACTS not in metadata and "format" in metadata:  # as it was before there was one way of writing
                name, _, version = metadata["format"].rpartition("-")
                sealed: Any = {"format": name, "version": int(version) if version.isdigit() else version}
            else:
                sealed = parse(metadata.get(_FACTS, "null"))
            yield self.unseal(sealed, arrays), arrays

    @contextmanager
    def blaming(self, path: str | Path) -> Iterator[None]:
        """Turns every error in the block, but those of the system, into one that names a file.

        Raises:
            ValueError: the format's own ``error``, naming the file.
        """
        try:
            yield
        except KeyError as error:
            reason = f"{error} is missing"
            raise self.error(f"{path} cannot be read as {self.title}: {reason}") from error
        except (
            ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RuntimeError, RecursionError,
            MemoryError, SafetensorError,
        ) as error:  # fmt: skip
            reason = str(error) or type(error).__name__
            raise self.error(f"{path} cannot be read as {self.title}: {reason}") from error


def fitted(arrays: Arrays, declared: Declared) -> dict[str, np.ndarray]:
    """Returns copies of arrays that have the names, shapes and dtypes that were declared, and no others.

    Raises:
        ValueError: they differ in one of these.
    """
    for name in sorted(arrays.keys() | declared.keys()):
        if name not in declared:
            raise ValueError(f"the array {name} is not part of what it declares")
        shape, dtype = declared[name]
        if name not in arrays:
            raise ValueError(f"the array {name} is missing: it should be {np.dtype(dtype)} {list(shape)}")
        array = arrays[name]
        if array.shape != tuple(shape) or array.dtype != dtype:
            raise ValueError(
                f"the array {name} is {array.dtype} {list(array.shape)}, and should be {np.dtype(dtype)} {list(shape)}"
            )
    return {name: np.array(arrays[name], order="C") for name in declared}


def whole(value: Any, what: str, least: int = 0, most: int = MOST) -> int:
    """Returns a value that is a whole number within its bounds.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} is {_shown(value)}, and should be a whole number from {least} to {most}")
    return value


def number(value: Any, what: str) -> float:
    """Returns a value that is a finite number.

    Raises:
        ValueError: it is none.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{what} is {_shown(value)}, and should be a finite number")
    return value


def parse(text: str | bytes) -> Any:
    """Reads JSON, without the NaN and infinities that Python's own reader takes.

    Raises:
        ValueError: it is no JSON.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number that is written")

    def real(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            refuse(digits)
        return value

    return json.loads(text, parse_constant=refuse, parse_float=real)


def pack(arrays: Arrays, metadata: dict[str, str] | None = None) -> bytes:
    """Returns a safetensors file's content."""
    return save({name: np.array(array, order="C") for name, array in arrays.items()}, metadata)


def unpack(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Reads the metadata and arrays of a safetensors file; sizes are checked before memory is taken for them.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is no such file, or not whole.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(size - 8, LARGEST_HEADER):
            raise ValueError(
                f"it is no safetensors file, or was cut off: of {size:,} bytes, {length:,} would be header"
            )
        header = file.read(length)
        try:
            entries = parse(header)
            metadata = {name: str(value) for name, value in entries.pop("__metadata__", {}).items()}
            ends = [whole(entry["data_offsets"][1], "the end of an array") for entry in entries.values()]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"its header is damaged ({error})") from None
        total = 8 + length + max(ends, default=0)
        if total != size:
            raise ValueError(f"it was cut off or added to: it has {size:,} bytes, by its header {total:,}")
        return metadata, load(start + header + file.read())


def _finite(array: np.ndarray) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _digest(facts: Mapping[str, Any], arrays: Arrays) -> str:
    total = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def _shown(value: Any) -> str:
    return reprlib.repr(value)
