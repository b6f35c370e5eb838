"""Threads: the OpenMP runtime that torch brings, so that two pools of threads never fight over the cores."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch

from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["TEAM", "emit_barrier", "emit_parallel", "runtime", "threads", "yielding"]

TEAM = ("parallel", "thread_number", "team_size")
"""The words of a kernel's arguments that hold the runtime's functions."""

_born = os.getpid()


@cache
def runtime() -> dict[str, int]:
    """Returns the addresses of ``GOMP_parallel``, ``omp_get_thread_num`` and ``omp_get_num_threads``, by the names of
    ``TEAM``; zeros where there is no such runtime.
    """
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


_SPINS = 1 << 16
"""How often a thread looks whether the others have come before it lets others have the core: some tens of microseconds,
several times what a step takes. A shorter wait would take a step that was merely uneven for a core that was lost."""


@cache
def yielding() -> int:
    """Returns the address of the C library's ``sched_yield``; 0 where there is none."""
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (OSError, AttributeError, TypeError):
        return 0


def emit_barrier(f: Function, counter: str, target: str, give_way: str) -> None:
    """Emits the wait of a team: each adds one to a counter, and goes on when it has reached the target.

    A thread spins, for a step takes microseconds; should another have lost its core, it gives way. The word after the
    counter counts the waits at which one did.
    """
    f.op(f"atomicrmw add ptr {counter}, i64 1 seq_cst")
    spins = f.variable("i64", "0")
    f.put("i64", spins, "0")
    look, again, rest, end = f.labels("look", "again", "rest", "passed")
    f.line(f"br label %{look}")
    f.label(look)
    there = f.op(f"load atomic i64, ptr {counter} acquire, align 8")
    f.line(f"br i1 {f.op(f'icmp sge i64 {there}, {target}')}, label %{end}, label %{again}")
    f.label(again)
    count = f.add(f.get("i64", spins), 1)
    f.put("i64", spins, count)
    f.line(f"br i1 {f.op(f'icmp sgt i64 {count}, {_SPINS}')}, label %{rest}, label %{look}")
    f.label(rest)
    with f.when(f.op(f"icmp eq i64 {count}, {_SPINS + 1}")):
        f.op(f"atomicrmw add ptr {f.op(f'getelementptr i64, ptr {counter}, i64 1')}, i64 1 monotonic")
    f.op(f"call i32 {give_way}()")
    f.line(f"br label %{look}")
    f.label(end)


def emit_parallel(module: Module, name: str, share: str, words: Words, *, together: bool = False) -> None:
    """Emits a public function of the arguments' array ``a`` that runs ``share(a, thread)`` for every thread.

    The runtime may give fewer threads than were asked for (``OMP_DYNAMIC``, ``OMP_THREAD_LIMIT``): these then run the
    shares of the others too. Threads that wait for one another, ``together``, cannot: they run
    ``share(a, thread, team)``, which is told how many they are.
    """
    entry = module.function(name + "_thread", [("ptr", "a")])

    def whole(function: str) -> str:
        number = entry.op(f"call i32 {words.pointer(entry, function)}()")
        return entry.op(f"zext i32 {number} to i64")

    if together:
        team, thread = entry.least(whole("team_size"), words.integer(entry, "threads")), whole("thread_number")
        with entry.when(entry.op(f"icmp slt i64 {thread}, {team}")):
            entry.line(f"call void @{share}(ptr %a, i64 {thread}, i64 {team})")
    else:
        with entry.loop(whole("thread_number"), words.integer(entry, "threads"), whole("team_size")) as thread:
            entry.line(f"call void @{share}(ptr %a, i64 {thread})")
    f = module.function(name, [("ptr", "a")], public=True)
    count = words.integer(f, "threads")
    several = f.op(f"icmp sgt i64 {count}, 1")
    with f.when(several):
        team = f.op(f"trunc i64 {count} to i32")
        f.line(f"call void {words.pointer(f, 'parallel')}(ptr @{name}_thread, ptr %a, i32 {team}, i32 0)")
    with f.when(f.op(f"xor i1 {several}, true")):
        f.line(f"call void @{share}(ptr %a, i64 0{', i64 1' if together else ''})")
