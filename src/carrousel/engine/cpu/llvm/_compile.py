"""From IR to callable machine code, compiled or taken from the cache on disk."""

from __future__ import annotations

import ctypes
import hashlib
import sys
import weakref
from collections.abc import Callable
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from carrousel._cache import read as _read
from carrousel._cache import write as _write
from carrousel.engine.cpu.llvm._lock import lock
from carrousel.engine.cpu.llvm._target import Target

__all__ = ["LOADED", "Code", "compile_module"]

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
        self._addresses: dict[str, int] = {}
        weakref.finalize(self, _unload, self._engine).atexit = False

    def address(self, name: str) -> int:
        """Returns the address of a public function, for who holds the code too."""
        found = self._addresses.get(name)
        if found is None:
            with lock:
                found = self._addresses[name] = self._engine.get_function_address(name)
        return found

    def function(self, name: str) -> Callable[[Any], None]:
        """Returns a public function that takes one pointer; Python's lock is released while it runs."""
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.address(name))
        function.code = self  # type: ignore[attr-defined]  # which must not be unloaded before it
        return function


def _unload(engine: llvm.ExecutionEngine) -> None:
    with lock:
        engine.close()


def compile_module(text: str, target: Target) -> Code:
    """Compiles a module, or takes it from the cache.

    The key is a hash of the IR itself, the versions and the CPU's features: whatever changes the code changes it.
    """
    versions = (llvmlite.__version__, llvm.llvm_version_info, target.cpu, target.features, sys.platform)
    key = hashlib.sha256(repr((text, versions)).encode()).hexdigest()
    with lock:
        code = _loaded.get(key)
        if code is None:
            machine_code = _read(f"{key}.o")
            if machine_code is None:
                machine_code = _compile(text, target)
                _write(f"{key}.o", machine_code)
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
