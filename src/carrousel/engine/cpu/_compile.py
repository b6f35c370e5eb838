"""From IR to callable machine code, and the cache of it on disk.

What stands in the cache is executed. So it is used only where nobody else could have put it: folder and file must
belong to this user (or to root), and nobody else may be able to write to them.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import stat
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from carrousel.engine.cpu._llvm import lock
from carrousel.engine.cpu._target import Target

__all__ = ["LOADED", "Code", "cache_folder", "compile_module"]

LOADED = 256
"""Of how many cells, kinds of numbers and options the code stays loaded when nobody uses it any more."""

_loaded: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()


class Code:
    """Machine code, loaded for as long as this object or a function of it is held."""

    def __init__(self, machine_code: bytes, target: Target) -> None:
        # An engine of its own for each module; it must live as long as its functions may be called.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(target))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code))
        self._engine.finalize_object()
        weakref.finalize(self, _unload, self._engine).atexit = False

    def address(self, name: str) -> int:
        """The address of a public function, for who holds the code too."""
        with lock:
            return self._engine.get_function_address(name)

    def function(self, name: str) -> Callable[[Any], None]:
        """A public function that takes one pointer; Python's lock is released while it runs."""
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.address(name))
        function.code = self  # type: ignore[attr-defined]  # which must not be unloaded before it
        return function


def _unload(engine: llvm.ExecutionEngine) -> None:
    with lock:
        engine.close()


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``CARROUSEL_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("CARROUSEL_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "carrousel"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "carrousel" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrousel"


def compile_module(text: str, target: Target) -> Code:
    """Compiles a module, or takes it from the cache.

    The key is a hash of the IR itself, the versions and the CPU's features: whatever changes the code changes it.
    """
    versions = (llvmlite.__version__, llvm.llvm_version_info, target.cpu, target.features, sys.platform)
    key = hashlib.sha256(repr((text, versions)).encode()).hexdigest()
    with lock:
        code = _loaded.get(key)
        if code is None:
            machine_code = _read(key)
            if machine_code is None:
                machine_code = _compile(text, target)
                _write(key, machine_code)
            code = _loaded[key] = Code(machine_code, target)
        return code


def _machine(target: Target) -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


def _compile(text: str, target: Target) -> bytes:
    machine = _machine(target)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # The code is vectorised and unrolled as it should be already.
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    llvm.create_pass_builder(machine, options).getModulePassManager().run(
        module, llvm.create_pass_builder(machine, options)
    )
    return machine.emit_object(module)


def _others_could_write(about: os.stat_result) -> str | None:
    """Why a file or folder of the cache cannot be trusted; None if it can."""
    if not hasattr(os, "geteuid"):
        return None  # elsewhere the user's own folders are the system's business
    if about.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    return "can be written by others" if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None


def _trusted_folder() -> Path | None:
    """The cache's folder if it is there and nobody else can put code into it. Says once if somebody could."""
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the user has no home
        folder = cache_folder()
        reason = _others_could_write(folder.stat())
        if reason is None:
            return folder
        _complain(folder, reason)
    return None


@lru_cache(maxsize=64)  # once for each
def _complain(path: Path, reason: str) -> None:
    warnings.warn(
        f"{path} {reason}, so kernels are not taken from it but compiled anew; "
        "set CARROUSEL_CACHE to a folder of your own",
        stacklevel=2,
    )


def _read(key: str) -> bytes | None:
    """The cached code, if it is whole, its own hash standing before it, and nobody else could have written it."""
    folder = _trusted_folder()
    if folder is None:
        return None
    try:
        with open(folder / f"{key}.o", "rb") as file:
            reason = _others_could_write(os.fstat(file.fileno()))
            if reason is not None:
                _complain(folder / f"{key}.o", reason)
                return None
            content = file.read()
    except OSError:
        return None
    digest, machine_code = content[:32], content[32:]
    return machine_code if hashlib.sha256(machine_code).digest() == digest else None


def _write(key: str, machine_code: bytes) -> None:
    """Keeps the code if it can. A folder that is full or read-only costs the next process time and nothing else."""
    with contextlib.suppress(OSError, RuntimeError):
        cache_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = _trusted_folder()
        if folder is None:
            return
        handle, name = tempfile.mkstemp(dir=folder)  # readable and writable by this user alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(machine_code).digest() + machine_code)
            os.replace(name, folder / f"{key}.o")
        except BaseException:
            os.unlink(name)
            raise
