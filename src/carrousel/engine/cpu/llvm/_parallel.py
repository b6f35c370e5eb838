"""Threads: the OpenMP runtime that torch brings, so that two pools of threads never fight over the cores."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch

from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["TEAM", "emit_parallel", "runtime", "threads"]

TEAM = ("parallel", "thread_number", "team_size")
"""The words of a kernel's arguments that hold the runtime's functions."""

_born = os.getpid()


@cache
def runtime() -> dict[str, int]:
    """Returns the addresses of ``GOMP_parallel``, ``omp_get_thread_num`` and ``omp_get_num_threads``, by the names of
    ``TEAM``; zeros where there is no such runtime."""
    own = sorted((Path(torch.__file__).parent / "lib").glob("libgomp*"))
    for name in [*map(str, own), None]:
        try:
            library = ctypes.CDLL(name)
            functions = library.GOMP_parallel, library.omp_get_thread_num, library.omp_get_num_threads
        except (OSError, AttributeError):
            continue
        addresses = (ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)
        return dict(zip(TEAM, addresses, strict=True))
    return dict.fromkeys(TEAM, 0)


def threads() -> int:
    """How many threads a call may use: torch's own setting; 1 in a forked child, where OpenMP's threads are gone."""
    if os.getpid() != _born or not runtime()["parallel"]:
        return 1
    return torch.get_num_threads()


def emit_parallel(module: Module, name: str, share: str, words: Words) -> None:
    """Emits a public function of the arguments' array ``a`` that runs ``share(a, thread)`` for every thread.

    The runtime may give fewer threads than were asked for (``OMP_DYNAMIC``, ``OMP_THREAD_LIMIT``): these then run the
    shares of the others too.
    """
    entry = module.function(name + "_thread", [("ptr", "a")])

    def whole(function: str) -> str:
        number = entry.op(f"call i32 {words.pointer(entry, function)}()")
        return entry.op(f"zext i32 {number} to i64")

    with entry.loop(whole("thread_number"), words.integer(entry, "threads"), whole("team_size")) as thread:
        entry.line(f"call void @{share}(ptr %a, i64 {thread})")
    f = module.function(name, [("ptr", "a")], public=True)
    count = words.integer(f, "threads")
    several = f.op(f"icmp sgt i64 {count}, 1")
    with f.when(several):
        team = f.op(f"trunc i64 {count} to i32")
        f.line(f"call void {words.pointer(f, 'parallel')}(ptr @{name}_thread, ptr %a, i32 {team}, i32 0)")
    with f.when(f.op(f"xor i1 {several}, true")):
        f.line(f"call void @{share}(ptr %a, i64 0)")
