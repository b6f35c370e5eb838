"""Learners in files: named arrays and a few words about them, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from carrousel._atomic import write_file

__all__ = ["fill", "read", "write"]


def write(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, str]) -> None:
    """Puts a file there in one step: after a crash the old content or the new is there, never a part."""
    write_file(path, save(dict(arrays), dict(about)))


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
