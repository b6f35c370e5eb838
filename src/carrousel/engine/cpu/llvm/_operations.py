"""Each operation of a graph as instructions of LLVM, on vectors."""

from __future__ import annotations

from collections.abc import Callable

from carrousel.engine.cpu.llvm import _math
from carrousel.engine.cpu.llvm._emit import Function

__all__ = ["OPERATIONS"]


def _arithmetic(instruction: str) -> Callable[..., str]:
    return lambda f, a, b: f.arithmetic(instruction, a, b)


def _compare(predicate: str) -> Callable[..., str]:
    return lambda f, a, b: f.compare(predicate, a, b)


def _extreme(predicate: str) -> Callable[..., str]:
    def emit(f: Function, a: str, b: str) -> str:
        # A NaN on either side wins, as in torch.
        first = f.choose(f.compare(predicate, a, b), a, b)
        return f.choose(f.compare("uno", a, a), a, first)

    return emit


OPERATIONS: dict[str, Callable[..., str]] = {
    **_math.UNARY,
    "add": _arithmetic("fadd contract"),
    "div": _arithmetic("fdiv"),
    "equal": _compare("oeq"),
    "ge": _compare("oge"),
    "gt": _compare("ogt"),
    "le": _compare("ole"),
    "lt": _compare("olt"),
    "maximum": _extreme("ogt"),
    "minimum": _extreme("olt"),
    "mul": _arithmetic("fmul contract"),
    "neg": lambda f, a: f.op(f"fneg {f.module.vector} {a}"),
    "stop_gradient": lambda f, a: a,
    "sub": _arithmetic("fsub contract"),
    "where": lambda f, condition, a, b: f.choose(condition, a, b),
}
"""Each operation: from where to write and the names of the arguments to the name of the result."""
