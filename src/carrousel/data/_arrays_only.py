"""A pickle of arrays, lists, text and numbers, and of nothing that runs."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError, reading

__all__ = ["unpickled_arrays"]


def unpickled_arrays(path: Path) -> Any:
    """Returns what a ``.npy`` file of Python's objects holds, if these are arrays, lists, dicts, text and numbers.

    Raises:
        DataError: it cannot be read, or holds anything else, of which nothing has run.
    """
    with reading(path), open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise DataError(f"{path}: it has version {version} of the format; 1.0 is needed")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if shape != () or dtype != np.dtype(object):
            raise DataError(f"{path}: it holds {dtype} {list(shape)}; one object of Python is needed")
        loaded = _ArraysOnly(file).load()
    return loaded.item() if isinstance(loaded, np.ndarray) and loaded.shape == () else loaded


class _ArraysOnly(pickle.Unpickler):
    """Knows no functions and classes but those by which numpy writes arrays."""

    def find_class(self, module: str, name: str) -> Any:
        # numpy 2 has another name for the module; pickles of numpy 1 call it by the old one.
        known = {
            **dict.fromkeys(
                [("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")], _array
            ),
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _bytes,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no array; nothing of it was run")
        return known[module, name]


def _array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if kind is not np.ndarray or shape != (0,):
        raise pickle.UnpicklingError("it holds an array of an unknown kind")
    return np.empty(0, dtype="b")  # what it holds follows


def _bytes(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("it holds bytes in an unknown form")
    return codecs.latin_1_encode(text)[0]
