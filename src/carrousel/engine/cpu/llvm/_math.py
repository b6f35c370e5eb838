"""Vector mathematics in IR: the functions of ``carrousel.cells.math``, accurate to a few units in the last place.

Infinities and NaN go where they belong: NaN in, NaN out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from carrousel.engine.cpu.llvm._emit import Function

__all__ = ["UNARY"]

# tanh(x) = x P(x²) / Q(x²) for |x| < 8: the rational approximation widely used for float32, highest power first. At
# the limit, with fused multiply-add, it is 1.
_TANH_P = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_Q = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
_TANH_LIMIT = 7.99881172180175781

# log(1 + f) = 2 s + s R(s²), s = f / (2 + f): coefficients 2/3, 2/5, ... of the series, which on the reduced range
# needs 5 terms for float32 and 11 for float64.
_LOG_TERMS = {"float": 5, "double": 11}

# (exp(r) - 1) / r for |r| <= log(2) / 2, highest power first: for float32 through the zeros of a Chebyshev polynomial,
# where the relative error of exp is 5e-9; for float64 the series.
_EXP = {
    "float": (
        1.3933641603216529e-03, 8.369148708879948e-03, 4.166646674275398e-02, 1.6666504740715027e-01, 0.5, 1.0,
    ),
    "double": tuple(1 / math.factorial(n) for n in range(13, 0, -1)),
}  # fmt: skip

_WHOLE = {"float": 1.5 * 2.0**23, "double": 1.5 * 2.0**52}
"""Added to a number, it rounds it to a whole one, which then stands in the lowest bits."""


def _polynomial(f: Function, x: str, coefficients: tuple[float, ...] | list[float]) -> str:
    """Horner's rule, highest power first."""
    m = f.module
    value = m.splat(coefficients[0])
    for coefficient in coefficients[1:]:
        value = f.fma(value, x, m.splat(coefficient))
    return value


def _clamp(f: Function, x: str, low: float, high: float) -> str:
    # Comparisons with NaN are false, so NaN stays.
    m = f.module
    x = f.choose(f.compare("ogt", x, m.splat(high)), m.splat(high), x)
    return f.choose(f.compare("olt", x, m.splat(low)), m.splat(low), x)


def _reduce(f: Function, x: str) -> tuple[str, str, str]:
    """X = k log 2 + r with |r| <= log(2) / 2: k (whole, as a number), r, and a number with k in its lowest bits."""
    m = f.module
    raised = f.fma(x, m.splat(1 / math.log(2)), m.splat(_WHOLE[m.kind]))
    k = f.arithmetic("fsub", raised, m.splat(_WHOLE[m.kind]))
    # The upper part of log 2 has zeros at its end, so that its product with k is exact.
    bits = 12 if m.kind == "float" else 20
    high = Fraction(math.floor(_LOG2 * 2**bits), 2**bits)
    low = float(_LOG2 - high)
    return k, f.fma(k, m.splat(-low), f.fma(k, m.splat(-float(high)), x)), raised


_LOG2 = Fraction("0.693147180559945309417232121458176568075500134360255254120680")
"""log 2 to more digits than any number here has: of its lower part all count."""


def _power_of_two(f: Function, k: str) -> str:
    """2^k for whole k in the range of normal numbers."""
    m = f.module
    bias, shift = (127, 23) if m.kind == "float" else (1023, 52)
    whole = f.op(f"fptosi {m.vector} {k} to {m.integers}")
    raised = f.op(f"add {m.integers} {whole}, {m.splat_int(bias)}")
    bits = f.op(f"shl {m.integers} {raised}, {m.splat_int(shift)}")
    return f.op(f"bitcast {m.integers} {bits} to {m.vector}")


def exp(f: Function, x: str) -> str:
    m = f.module
    # Past these exp is infinite or zero; the power of two is applied in halves so that denormals come out too.
    low, high = (-104.0, 89.0) if m.kind == "float" else (-746.0, 710.0)
    k, r, _ = _reduce(f, _clamp(f, x, low, high))
    y = f.fma(_polynomial(f, r, _EXP[m.kind]), r, m.splat(1.0))
    half = f.intrinsic("floor", f.arithmetic("fmul", k, m.splat(0.5)))
    rest = f.arithmetic("fsub", k, half)
    # NaN cannot become an integer: let it pass by as y alone.
    safe = f.compare("ord", x, x)
    half, rest = (f.choose(safe, part, m.splat(0.0)) for part in (half, rest))
    return f.arithmetic("fmul", f.arithmetic("fmul", y, _power_of_two(f, half)), _power_of_two(f, rest))


_RANGE = {"float": (-87.0, 88.0), "double": (-708.0, 709.0)}
"""Where exp is a normal number."""


def _normal_exp(f: Function, x: str) -> str:
    """exp(x) where it is a normal number; of NaN, anything."""
    m = f.module
    shift = 23 if m.kind == "float" else 52
    _, r, raised = _reduce(f, x)
    y = f.fma(_polynomial(f, r, _EXP[m.kind]), r, m.splat(1.0))
    # k is added to the exponent.
    bits = f.op(f"shl {m.integers} {f.op(f'bitcast {m.vector} {raised} to {m.integers}')}, {m.splat_int(shift)}")
    total = f.op(f"add {m.integers} {f.op(f'bitcast {m.vector} {y} to {m.integers}')}, {bits}")
    return f.op(f"bitcast {m.integers} {total} to {m.vector}")


def _exp_of_negative(f: Function, x: str) -> str:
    """exp(x) for x <= 0, where what is below the smallest normal number becomes zero; of NaN, anything."""
    m = f.module
    low, high = _RANGE[m.kind]
    y = _normal_exp(f, _clamp(f, x, low, high))
    return f.choose(f.compare("olt", x, m.splat(low)), m.splat(0.0), y)


def _expm1_reduced(f: Function, x: str) -> str:
    """exp(x) - 1 for |x| well inside the range, accurate near 0."""
    m = f.module
    k, r, _ = _reduce(f, x)
    p = f.arithmetic("fmul", _polynomial(f, r, _EXP[m.kind]), r)  # exp(r) - 1
    scale = _power_of_two(f, f.choose(f.compare("ord", x, x), k, m.splat(0.0)))
    return f.fma(p, scale, f.arithmetic("fsub", scale, m.splat(1.0)))


def tanh(f: Function, x: str) -> str:
    m = f.module
    if m.kind == "float":
        x = _clamp(f, x, -_TANH_LIMIT, _TANH_LIMIT)
        square = f.arithmetic("fmul", x, x)
        top = f.arithmetic("fmul", x, _polynomial(f, square, _TANH_P))
        return f.arithmetic("fdiv", top, _polynomial(f, square, _TANH_Q))
    e = _expm1_reduced(f, f.arithmetic("fmul", m.splat(2.0), _clamp(f, x, -20.0, 20.0)))
    return f.arithmetic("fdiv", e, f.arithmetic("fadd", e, m.splat(2.0)))


def sigmoid(f: Function, x: str) -> str:
    m = f.module
    low, high = _RANGE[m.kind]
    minus = f.op(f"fneg {m.vector} {x}")
    t = _clamp(f, minus, low, high)
    e = _normal_exp(f, t)
    one = f.fma(t, m.splat(0.0), m.splat(1.0))  # or NaN
    share = f.arithmetic("fdiv", one, f.arithmetic("fadd", e, m.splat(1.0)))
    return f.choose(f.compare("ogt", minus, m.splat(high)), m.splat(0.0), share)


def _log_of_normal(f: Function, x: str) -> str:
    """log(x) for finite positive x."""
    m = f.module
    # Bits of the mantissa, the smallest normal number, and by how many powers of two a smaller one is raised.
    shift, tiny, scale = (23, 2.0**-126, 24) if m.kind == "float" else (52, 2.0**-1022, 54)
    denormal = f.compare("olt", x, m.splat(tiny))
    x = f.choose(denormal, f.arithmetic("fmul", x, m.splat(2.0**scale)), x)
    bits = f.op(f"bitcast {m.vector} {x} to {m.integers}")
    # Splits at sqrt(1/2), so that the mantissa lies in [sqrt(1/2), sqrt(2)).
    root = 0x3F3504F3 if m.kind == "float" else 0x3FE6A09E667F3BCD
    offset = f.op(f"sub {m.integers} {bits}, {m.splat_int(root)}")
    exponent = f.op(f"ashr {m.integers} {offset}, {m.splat_int(shift)}")
    mantissa = f.op(f"sub {m.integers} {bits}, {f.op(f'shl {m.integers} {exponent}, {m.splat_int(shift)}')}")
    u = f.arithmetic("fsub", f.op(f"bitcast {m.integers} {mantissa} to {m.vector}"), m.splat(1.0))
    k = f.op(f"sitofp {m.integers} {exponent} to {m.vector}")
    k = f.choose(denormal, f.arithmetic("fsub", k, m.splat(float(scale))), k)
    s = f.arithmetic("fdiv", u, f.arithmetic("fadd", u, m.splat(2.0)))
    square = f.arithmetic("fmul", s, s)
    series = [2 / (2 * n + 1) for n in range(_LOG_TERMS[m.kind], 0, -1)]
    tail = f.arithmetic("fmul", square, _polynomial(f, square, series))
    # log(1 + u) = u - s (u - tail), which keeps the leading term exact.
    correction = f.arithmetic("fmul", s, f.arithmetic("fsub", u, tail))
    return f.fma(k, m.splat(float(_LOG2)), f.arithmetic("fsub", u, correction))


def log(f: Function, x: str) -> str:
    m = f.module
    infinity = float("inf")
    y = _log_of_normal(f, x)
    y = f.choose(f.compare("oeq", x, m.splat(infinity)), m.splat(infinity), y)
    y = f.choose(f.compare("oeq", x, m.splat(0.0)), m.splat(-infinity), y)
    y = f.choose(f.compare("olt", x, m.splat(0.0)), m.splat(float("nan")), y)
    return f.choose(f.compare("uno", x, x), x, y)


def softplus(f: Function, x: str) -> str:
    m = f.module
    e = _exp_of_negative(f, f.op(f"fneg {m.vector} {f.intrinsic('fabs', x)}"))
    w = f.arithmetic("fadd", e, m.splat(1.0))
    # log(1 + e): what rounding took from 1 + e is given back.
    lost = f.arithmetic("fsub", e, f.arithmetic("fsub", w, m.splat(1.0)))
    y = f.arithmetic("fadd", _log_of_normal(f, w), f.arithmetic("fdiv", lost, w))
    positive = f.choose(f.compare("ogt", x, m.splat(0.0)), x, m.splat(0.0))
    return f.choose(f.compare("uno", x, x), x, f.arithmetic("fadd", positive, y))


def logsigmoid(f: Function, x: str) -> str:
    m = f.module
    return f.op(f"fneg {m.vector} {softplus(f, f.op(f'fneg {m.vector} {x}'))}")


def relu(f: Function, x: str) -> str:
    m = f.module
    return f.choose(f.compare("olt", x, m.splat(0.0)), m.splat(0.0), x)


def absolute(f: Function, x: str) -> str:
    return f.intrinsic("fabs", x)


UNARY: dict[str, Callable[[Function, str], str]] = {
    "absolute": absolute,
    "exp": exp,
    "log": log,
    "logsigmoid": logsigmoid,
    "relu": relu,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "tanh": tanh,
}
"""The functions by name: each appends instructions and returns the name of its result."""
