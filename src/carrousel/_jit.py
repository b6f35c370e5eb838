"""numba's compiler, with machine code kept on disk by the rules of the kernels' own cache.

numba has a cache too. It unpickles, and so runs, an index that anybody could have put into its folder, fails for ever
at one that was cut off, and looks for changes at a function's own file only. Here there is no index: a name is a hash
of all that the code depends on.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import pickle
import platform
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from carrousel import _cache

__all__ = ["entry", "jit", "logistic", "part", "spliced"]

# No fastmath: results are the same on every call, and NaN stays NaN.
jit: Any = numba.njit(nogil=True, forceinline=False)  # left out, numba would take its callers'

# Parts of one function, cut out for their names. LLVM puts a `part` in, which suits addresses; numba a `spliced` one,
# which suits arrays: their references are then counted once, not in every step.
part: Any = numba.njit(nogil=True, forceinline=True)
spliced: Any = numba.njit(nogil=True, inline="always")


@jit
def logistic(x):
    """Returns 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


_IMPORT = re.compile(r"^[ \t]*(?:from\s+([\w.]+)\s+)?import\s+(\([^)]*\)|[^\n]*)", re.MULTILINE)


def entry(function: Any) -> Any:
    """Compiles a function that Python calls, a decorator; its machine code is kept on disk.

    It is compiled anew when the function's module has changed, or one that this imports, directly or not, from its own
    package or folder. Where no such file can be read, the function is compiled in every process.
    """
    dispatcher = jit(function)
    with contextlib.suppress(OSError, UnicodeDecodeError, KeyError):
        dispatcher._cache = _DiskCache(function)
    return dispatcher


class _DiskCache(NullCache):  # type: ignore[misc]
    """The place where numba looks for a function's compiled code, and puts it."""

    def __init__(self, function: Any) -> None:
        versions = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version(), sys.platform)
        where = (function.__module__, function.__qualname__, function.__code__.co_firstlineno)
        self._identity = repr((_stamp(function.__module__), versions, where))

    @property
    def cache_path(self) -> str:
        return str(_cache.cache_folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        code = _cache.read(self._name(sig, target_context.codegen()))
        if code is None:
            return None
        try:
            result = CompileResult._rebuild(target_context, *pickle.loads(code))
        except Exception:  # whole and our own, but not as this numba has it: that costs the time to compile
            return None
        return result if tuple(result.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        if not data.library.has_dynamic_globals and all(part.can_cache for part in data.lifted):
            _cache.write(self._name(sig, data.codegen), dumps(data._reduce()))

    def _name(self, sig: Any, codegen: Any) -> str:
        return hashlib.sha256(repr((self._identity, str(sig), codegen.magic_tuple())).encode()).hexdigest() + ".numba"


def _stamp(module: str) -> str:
    """Returns a hash of the sources that a module's compiled code can come from."""
    total = hashlib.sha256()
    for name, text in sorted(_sources(module).items()):
        total.update(f"{name} {len(text)}\n".encode() + text)
    return total.hexdigest()


def _sources(module: str) -> dict[str, bytes]:
    """Returns the texts of a module, of those that it imports from its own package or folder, and so on, by name."""
    root, folder = module.partition(".")[0], _file(module).parent
    texts: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in texts:
            path = _file(name)
            status = path.stat()
            texts[name], mentioned = _read(path, name, status.st_mtime_ns, status.st_size)
            waiting += [
                other
                for other in mentioned
                if getattr(sys.modules.get(other), "__file__", None)
                and (other.partition(".")[0] == root or _file(other).parent == folder)
            ]
    return texts


def _file(module: str) -> Path:
    return Path(sys.modules[module].__file__ or "")


@lru_cache(maxsize=256)
def _read(path: Path, module: str, changed: int, size: int) -> tuple[bytes, tuple[str, ...]]:
    """Returns a module's text, and what could be names of modules in its import statements."""
    text = path.read_bytes()
    return text, tuple(_mentioned(text.decode(), module))


def _mentioned(text: str, module: str) -> Iterator[str]:
    package = sys.modules[module].__package__ or ""
    for source, names in _IMPORT.findall(text):
        words = re.findall(r"[\w.]+", names)
        if not source:
            yield from words
            continue
        whole = importlib.util.resolve_name(source, package) if source.startswith(".") else source
        inside = [f"{whole}.{word}" for word in words]
        yield from inside
        if not all(name in sys.modules for name in inside):  # something of the module itself, not of its package alone
            yield whole
