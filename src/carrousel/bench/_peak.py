"""The most that the machine's fused multiply-adds give, measured."""

from __future__ import annotations

import ctypes
import time
from functools import cache

import torch

from carrousel.engine.cpu.llvm import TEAM, Module, Words, compile_module, emit_parallel, host, runtime, threads

__all__ = ["peak"]

_WORDS = Words(["threads", "rounds", "results"], TEAM)


@cache
def _kernel(kind: str):
    """Compiles a loop of multiply-adds; returns it with the operations of a round.

    It has as many independent chains as registers hold, so that nothing waits for a result or for memory.
    """
    target = host()
    module = Module(kind, target)
    chains = target.registers - 4
    f = module.function("burn_share", [("ptr", "a"), ("i64", "thread")])
    rounds, results = _WORDS.integer(f, "rounds"), _WORDS.pointer(f, "results")
    sums = [f.variable(module.vector, module.splat(1.0 + k)) for k in range(chains)]
    # A number that the compiler does not know, and with which nothing grows or vanishes.
    factor = f.spread(f.load_number(results))
    with f.loop(0, rounds):
        for each in sums:
            f.put(module.vector, each, f.fma(f.get(module.vector, each), factor, factor))
    total = f.get(module.vector, sums[0])
    for each in sums[1:]:
        total = f.arithmetic("fadd", total, f.get(module.vector, each))
    f.store(total, f.at(results, f.mul(f.add("%thread", 1), module.lanes)))
    emit_parallel(module, "burn", "burn_share", _WORDS)
    return compile_module(module.text(), target).function("burn"), chains * module.lanes * 2


def peak(*, rounds: int = 50_000, repeats: int = 20) -> float:
    """Measures the highest rate of float32 fused multiply-adds on torch's number of threads, in operations a second.

    Each multiply-add counts as two. It runs ``repeats`` times for about a millisecond, and the best counts.
    """
    kernel, each = _kernel("float")
    count = threads()
    results = torch.full((64 * (count + 1),), 0.5)
    arguments = _WORDS.arguments(**runtime())(count, rounds, results.data_ptr())
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        kernel(ctypes.byref(arguments))
        best = min(best, time.perf_counter() - start)
    return count * rounds * each / best
