"""Compiled code: LLVM's text, its operations and functions, its compiler, and threads. It knows no cell."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._operations import OPERATIONS
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel, runtime, threads
from carrousel.engine.cpu.llvm._target import Target, host
from carrousel.engine.cpu.llvm._words import Arguments, Words

__all__ = [
    "LOADED",
    "OPERATIONS",
    "TEAM",
    "Arguments",
    "Code",
    "Function",
    "Module",
    "Target",
    "Words",
    "compile_module",
    "emit_parallel",
    "host",
    "runtime",
    "threads",
]
