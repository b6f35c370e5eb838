"""The emitter's functions against exact values, over the whole range of numbers."""

from __future__ import annotations

import ctypes
import math
from functools import cache

import mpmath
import numpy as np
import pytest

from carrousel.engine.cpu.llvm._compile import compile_module
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._math import UNARY
from carrousel.engine.cpu.llvm._target import Target, host

KINDS = {"float": np.float32, "double": np.float64}


def targets() -> dict[str, Target]:
    """This machine as it is, with the registers of older ones, and with the short vectors of NEON."""
    own = host()
    found = {f"{own.vector_bytes} bytes": own, "16 bytes": Target(own.cpu, own.features, 16, 32)}
    if own.vector_bytes == 64:
        found["32 bytes"] = host("avx2")
    return found


# Largest error in units in the last place of the exact result, float32 and float64, as measured with a little room.
ERRORS: dict[str, tuple[float, float]] = {
    "absolute": (0.0, 0.0),
    "relu": (0.0, 0.0),
    "exp": (1.0, 1.1),
    "log": (1.0, 1.3),
    "logsigmoid": (2.1, 2.1),
    "sigmoid": (2.6, 2.1),
    "softplus": (2.0, 2.0),
    "tanh": (4.7, 3.0),
}
# In some functions what is smaller than this is as good as zero: an error as large as that is none.
LEAST = {"float": math.exp(-87), "double": math.exp(-708)}
FLUSHES = {"sigmoid", "softplus", "logsigmoid", "tanh"}


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


IN_FLOAT64 = {
    "absolute": np.abs,
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "log": np.log,
    "logsigmoid": lambda x: -softplus(-x),
    "sigmoid": lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1.0) / (1 + np.exp(-np.abs(x))),
    "softplus": softplus,
    "tanh": np.tanh,
}
EXACT = {
    "absolute": abs,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "exp": mpmath.exp,
    "log": mpmath.log,
    "logsigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "tanh": mpmath.tanh,
}


@cache
def kernel(name: str, kind: str, target: Target):
    """``kernel(x)``: the emitted function on an array whose length is a multiple of the vector's."""
    module = Module(kind, target)
    f = module.function("apply", [("ptr", "a")], public=True)
    x, y, n = (f.op(f"getelementptr i64, ptr %a, i64 {k}") for k in range(3))
    x, y, n = f.get("ptr", x), f.get("ptr", y), f.get("i64", n)
    with f.loop(0, n, module.lanes) as i:
        f.store(UNARY[name](f, f.load(f.at(x, i))), f.at(y, i))
    code = compile_module(module.text(), target)
    function = code.function("apply")

    def apply(values: np.ndarray) -> np.ndarray:
        padding = -len(values) % module.lanes
        x = np.ascontiguousarray(np.pad(values, (0, padding)))
        y = np.full_like(x, np.nan)
        function(ctypes.byref((ctypes.c_int64 * 3)(x.ctypes.data, y.ctypes.data, len(x))))
        return y[: len(values)]

    apply.code = code  # type: ignore[attr-defined]
    return apply


def numbers(kind: str, count: int) -> np.ndarray:
    """Finite numbers of all magnitudes and both signs, denormals included, and more where functions bend."""
    dtype, rng = KINDS[kind], np.random.default_rng(0)
    bits = rng.integers(0, 2 ** (8 * dtype().itemsize) - 1, count, dtype=np.uint64, endpoint=True)
    spread = bits.astype(np.uint32 if kind == "float" else np.uint64).view(dtype)
    edge = 110 if kind == "float" else 760
    near = rng.uniform(-1, 1, count // 2) * 2.0 ** rng.integers(-20, 6, count // 2)
    parts = [spread[np.isfinite(spread)], near, rng.uniform(-edge, edge, count // 2), rng.uniform(0.5, 2, count // 8)]
    limits = np.finfo(dtype)
    few = [0.0, 1.0, limits.tiny, limits.smallest_subnormal, limits.tiny - limits.smallest_subnormal, limits.max]
    return np.concatenate([*(p.astype(dtype) for p in parts), np.array([*few, *(-v for v in few)], dtype)])


@np.errstate(all="ignore")
def exact(name: str, kind: str, x: np.ndarray) -> np.ndarray:
    """The true values: doubles for float32, 120 bits for float64."""
    if kind == "float":
        return IN_FLOAT64[name](x.astype(np.float64))
    with mpmath.workprec(120):
        return np.array([_one(name, float(v)) for v in x], dtype=object)


def _one(name: str, x: float) -> mpmath.mpf:
    if name == "log" and x <= 0:
        return mpmath.mpf("-inf") if x == 0 else mpmath.nan
    # Past the range the exact result costs much to no end.
    if name in ("exp", "softplus", "logsigmoid", "sigmoid", "tanh") and abs(x) > 800:
        big, zero = mpmath.mpf(x), mpmath.mpf(0)
        above = {"exp": mpmath.inf, "softplus": big, "logsigmoid": zero, "sigmoid": 1 + zero, "tanh": 1 + zero}
        below = {"exp": zero, "softplus": zero, "logsigmoid": big, "sigmoid": zero, "tanh": zero - 1}
        return (above if x > 0 else below)[name]
    return EXACT[name](mpmath.mpf(x))


def worst(name: str, kind: str, got: np.ndarray, want: np.ndarray) -> tuple[float, int]:
    """The largest error in units in the last place, and where it is."""
    dtype = KINDS[kind]
    with np.errstate(over="ignore"):
        rounded = want.astype(np.float64).astype(dtype)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    finite = np.isfinite(rounded) & np.isfinite(got)
    assert (same | finite).all(), "infinite or no number where the exact result is finite, or the other way round"
    unit = np.ones(len(got))
    unit[~same] = np.spacing(np.abs(rounded[~same]))
    error = np.zeros(len(got))
    with mpmath.workprec(120):
        error[~same] = [abs(float(w - float(g))) for g, w in zip(got[~same], want[~same], strict=True)]
    if name in FLUSHES:
        error[error <= LEAST[kind]] = 0.0
    ulps = error / unit
    return float(ulps.max()), int(ulps.argmax())


@pytest.mark.parametrize("target", targets().values(), ids=list(targets()))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", UNARY)
def test_accurate_over_the_whole_range(name: str, kind: str, target: Target) -> None:
    x = numbers(kind, 200_000 if kind == "float" else 2_000)
    got, want = kernel(name, kind, target)(x), exact(name, kind, x)
    ulps, where = worst(name, kind, got, want)
    limit = ERRORS[name][kind == "double"]
    assert ulps <= limit, f"{name}({x[where]!r}) = {got[where]!r}, {ulps:.2f} ulp from {want[where]}"


@pytest.mark.parametrize("target", targets().values(), ids=list(targets()))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", UNARY)
def test_infinities_and_what_is_no_number(name: str, kind: str, target: Target) -> None:
    nan, inf = math.nan, math.inf
    want = {
        "absolute": (nan, inf, inf, 0, 0),
        "relu": (nan, inf, 0, 0, 0),
        "exp": (nan, inf, 0, 1, 1),
        "log": (nan, inf, nan, -inf, -inf),
        "logsigmoid": (nan, 0, -inf, -math.log(2), -math.log(2)),
        "sigmoid": (nan, 1, 0, 0.5, 0.5),
        "softplus": (nan, inf, 0, math.log(2), math.log(2)),
        "tanh": (nan, 1, -1, 0, 0),
    }[name]
    dtype = KINDS[kind]
    got = kernel(name, kind, target)(np.array([nan, inf, -inf, 0.0, -0.0], dtype))
    np.testing.assert_array_equal(got, np.array(want, dtype))


@pytest.mark.parametrize("kind", KINDS)
def test_squashing_functions_stay_in_their_range(kind: str) -> None:
    x = np.concatenate([numbers(kind, 50_000), np.linspace(-25, 25, 50_000).astype(KINDS[kind])])
    assert np.abs(kernel("tanh", kind, host())(x)).max() == 1
    gate = kernel("sigmoid", kind, host())(x)
    assert gate.min() == 0
    assert gate.max() == 1
    assert kernel("logsigmoid", kind, host())(x).max() <= 0
    assert kernel("softplus", kind, host())(x).min() >= 0
    assert kernel("exp", kind, host())(x).min() >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_lanes_do_not_disturb_one_another(kind: str) -> None:
    """Each number alone gives what it gives among others: infinities, NaN and all."""
    x = np.array([0.3, math.nan, -math.inf, 2, math.inf, -1e-40, 700, -700, 1e30, 0, -88.5, 5], KINDS[kind])
    for name in UNARY:
        apply = kernel(name, kind, host())
        alone = np.concatenate([apply(np.full(16, v))[:1] for v in x])
        np.testing.assert_array_equal(apply(x), alone)
