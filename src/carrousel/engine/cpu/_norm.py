"""Layer norm (Ba, Kiros & Hinton 2016) on rows, in IR.

A row has some groups of ``width`` numbers, of which the first ``units`` are real; the mean and the deviation are
those of all its real numbers. In a layer of blocks a gate's number stands there once for each cell of its block and
counts once: ``shares`` has for each group the share with which each of its numbers counts. Rows are normalised in
place; gains and biases are applied by whoever uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from carrousel.engine.cpu.llvm._emit import Function, Module

__all__ = ["BACKWARD", "EPSILON", "FORWARD", "emit_norm"]

EPSILON = 1e-5
"""Added to the variance, as ``torch.nn.functional.layer_norm`` does by default."""

FORWARD = (
    ("ptr", "x"), ("i64", "groups"), ("i64", "width"), ("i64", "units"), ("ptr", "shares"), ("ptr", "scale"),
)  # fmt: skip
"""``norm_forward``: x becomes (x - mean) / deviation, and 1 / deviation is stored at ``scale``."""

BACKWARD = (
    ("ptr", "dy"), ("ptr", "gain"), ("ptr", "x"), ("i64", "groups"), ("i64", "width"), ("i64", "units"),
    ("ptr", "shares"), ("ptr", "scale"), ("ptr", "dx"), ("ptr", "dgain"), ("ptr", "dshift"),
)  # fmt: skip
"""``norm_backward``: from the adjoint dy of gain · x + shift to that of what was normalised; ``dx`` may be ``dy`` or
``x``. What belongs to gain and shift is added to ``dgain`` and, unless it is null, to ``dshift``."""


def emit_norm(module: Module, *, shared: bool) -> None:
    """Writes both functions into a module; ``shared``: whether there are shares, or all numbers count alike."""
    _forward(module, shared=shared)
    _backward(module, shared=shared)


@contextmanager
def _vectors(f: Function, *, shared: bool = False) -> Iterator[tuple[str, str, Callable[[str], str]]]:
    """Emits a loop over a row's vectors: each one's place, the mask of its real numbers, and what takes their share
    of a vector.
    """
    with f.loop(0, "%groups") as group:
        share = f.spread(f.load_number(f.at("%shares", group))) if shared else ""
        with f.loop(0, "%width", f.module.lanes) as u:
            place, real = f.add(f.mul(group, "%width"), u), f.first_lanes(f.sub("%units", u))
            yield place, real, lambda vector: f.arithmetic("fmul", share, vector) if shared else vector


def _total(f: Function, vector: str) -> str:
    """Emits the sum of a vector's lanes, spread over a vector."""
    m = f.module
    name = f"llvm.vector.reduce.fadd.v{m.lanes}f{m.bits}"
    m.declare(name, f"{m.kind} ({m.kind}, {m.vector})")
    zero = m.number(0.0)
    return f.spread(f.op(f"call reassoc {m.kind} @{name}({m.kind} {zero}, {m.vector} {vector})"))


def _count(f: Function, *, shared: bool) -> str:
    """Emits how many numbers are real, spread over a vector."""
    m = f.module
    if not shared:
        return f.spread(f.op(f"sitofp i64 {f.mul('%groups', '%units')} to {m.kind}"))
    total = f.variable(m.kind, m.number(0.0))
    with f.loop(0, "%groups") as group:
        share = f.load_number(f.at("%shares", group))
        f.put(m.kind, total, f.op(f"fadd {m.kind} {f.get(m.kind, total)}, {share}"))
    units = f.op(f"sitofp i64 %units to {m.kind}")
    return f.spread(f.op(f"fmul {m.kind} {f.get(m.kind, total)}, {units}"))


def _forward(module: Module, *, shared: bool) -> None:
    f = module.function("norm_forward", FORWARD)
    V = module.vector
    count = _count(f, shared=shared)
    total = f.variable(V, "zeroinitializer")
    with _vectors(f, shared=shared) as (at, real, share):
        value = share(f.choose(real, f.load(f.at("%x", at)), "zeroinitializer"))
        f.put(V, total, f.arithmetic("fadd", f.get(V, total), value))
    mean = f.arithmetic("fdiv", _total(f, f.get(V, total)), count)
    squares = f.variable(V, "zeroinitializer")
    with _vectors(f, shared=shared) as (at, real, share):
        # Padding becomes zero for good.
        value = f.choose(real, f.arithmetic("fsub", f.load(f.at("%x", at)), mean), "zeroinitializer")
        f.store(value, f.at("%x", at))
        f.put(V, squares, f.fma(share(value), value, f.get(V, squares)))
    variance = f.arithmetic("fdiv", _total(f, f.get(V, squares)), count)
    deviation = f.intrinsic("sqrt", f.arithmetic("fadd", variance, module.splat(EPSILON)))
    scale = f.arithmetic("fdiv", module.splat(1.0), deviation)
    f.line(f"store {module.kind} {f.op(f'extractelement {V} {scale}, i32 0')}, ptr %scale")
    with _vectors(f) as (at, _, _):
        f.store(f.arithmetic("fmul", f.load(f.at("%x", at)), scale), f.at("%x", at))


def _backward(module: Module, *, shared: bool) -> None:
    f = module.function("norm_backward", BACKWARD)
    V = module.vector
    count, scale = _count(f, shared=shared), f.spread(f.load_number("%scale"))
    plain, along = f.variable(V, "zeroinitializer"), f.variable(V, "zeroinitializer")
    with _vectors(f) as (at, real, _):
        dy, x = f.choose(real, f.load(f.at("%dy", at)), "zeroinitializer"), f.load(f.at("%x", at))
        inner = f.arithmetic("fmul", dy, f.load(f.at("%gain", at)))
        f.put(V, plain, f.arithmetic("fadd", f.get(V, plain), inner))
        f.put(V, along, f.fma(inner, x, f.get(V, along)))
        place = f.at("%dgain", at)
        f.store(f.fma(dy, x, f.load(place)), place)
        with f.when(f.op("icmp ne ptr %dshift, null")):
            place = f.at("%dshift", at)
            f.store(f.arithmetic("fadd", dy, f.load(place)), place)
    mean, slope = (f.arithmetic("fdiv", _total(f, f.get(V, part)), count) for part in (plain, along))
    with _vectors(f, shared=shared) as (at, real, share):
        dy, x = f.load(f.at("%dy", at)), f.load(f.at("%x", at))
        inner = f.arithmetic("fsub", f.arithmetic("fmul", dy, f.load(f.at("%gain", at))), share(mean))
        result = f.arithmetic("fmul", scale, f.arithmetic("fsub", inner, f.arithmetic("fmul", x, share(slope))))
        f.store(f.choose(real, result, "zeroinitializer"), f.at("%dx", at))
