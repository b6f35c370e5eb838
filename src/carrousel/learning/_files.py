"""Learners in files: named arrays and a few words about them, in one safetensors file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

__all__ = ["fill", "read", "write"]


def write(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, str]) -> None:
    """Puts a file there in one step: after a crash the old content or the new is there, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        file.write(save(dict(arrays), dict(about)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def read(path: Path, form: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and words of a file that was written with ``about["format"] == form``.

    Raises:
        ValueError: it is no such file.
        FileNotFoundError: it is not there.
    """
    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file, or is damaged: {error}") from None
    if about.get("format") != form:
        raise ValueError(f"{path} holds {about.get('format', 'something else')!r}, not {form!r}")
    return arrays, about


def fill(path: str | Path, into: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]) -> None:
    """Copies a file's arrays into a learner's.

    Raises:
        ValueError: they differ in names, shapes or dtypes.
    """
    for name, array in into.items():
        found = arrays.get(name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            has = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
            raise ValueError(f"{path} is damaged: {name} should be {array.dtype} {list(array.shape)}, is {has}")
        array[...] = found
