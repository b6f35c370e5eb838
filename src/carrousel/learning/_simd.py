"""Vectors of eight lanes for compiled kernels: a value type of numba's that becomes one LLVM vector.

LLVM cuts it to what the processor has: half a register with AVX-512 in float32, two with NEON.
"""

from __future__ import annotations

import operator
from math import factorial
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

__all__ = ["LANES", "Vector", "fill", "fma", "load", "ones", "pointer", "sigmoid", "store", "summed", "zeros"]

LANES = 8

intrinsic: Any = extending.intrinsic  # else a call would have the types of the decorated function to mypy


class Vector(types.Type):
    """The type of eight numbers of one dtype."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Vector) -> None:
        super().__init__(manager, fe_type, _ir_type(fe_type.dtype))


def _element(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def _ir_type(dtype: types.Float) -> ir.VectorType:
    return ir.VectorType(_element(dtype), LANES)


def _constant(value: float, like: ir.VectorType) -> ir.Constant:
    return ir.Constant(like, [value] * LANES)


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:
    """Returns the address of a contiguous array's first element, typed."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), build


def _address(builder: Any, args: Any, dtype: Any) -> Any:
    at = builder.gep(args[0], [args[1]])
    return builder.bitcast(at, _ir_type(dtype).as_pointer())


@intrinsic
def load(typingctx: Any, start: Any, index: Any) -> Any:
    """Returns the eight numbers from ``start[index]`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        dtype = signature.args[0].dtype
        return builder.load(_address(builder, args, dtype), align=dtype.bitwidth // 8)

    return Vector(start.dtype)(start, types.intp), build


@intrinsic
def store(typingctx: Any, start: Any, index: Any, value: Any) -> Any:
    """Puts eight numbers at ``start[index]`` and after."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        dtype = signature.args[0].dtype
        builder.store(args[2], _address(builder, args, dtype), align=dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(start, types.intp, value), build


@intrinsic
def fill(typingctx: Any, start: Any, number: Any) -> Any:
    """Returns a vector of one number, in the dtype that ``start`` points to."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.Constant(_ir_type(signature.args[0].dtype), ir.Undefined)
        vector = builder.insert_element(vector, args[1], ir.Constant(ir.IntType(32), 0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(vector, vector, order)

    return Vector(start.dtype)(start, start.dtype), build


def _same_everywhere(value: float) -> Any:
    @intrinsic
    def constant(typingctx: Any, start: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _constant(value, _ir_type(signature.return_type.dtype))

        return Vector(start.dtype)(start), build

    return constant


zeros, ones = _same_everywhere(0.0), _same_everywhere(1.0)
"""Vectors of noughts and of ones, in the dtype that ``start`` points to."""


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    name = f"llvm.fma.v{LANES}f{32 if a.type.element == ir.FloatType() else 64}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(a.type, [a.type] * 3), name)
    return builder.call(function, [a, b, c])


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Returns a b + c, rounded once."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fma(builder, *args)

    return a(a, a, a), build


@intrinsic
def summed(typingctx: Any, x: Any) -> Any:
    """Returns the sum of the eight numbers, by halves."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, width = args[0], LANES
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(
                    value, value, ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(at, at + width)))
                )
                for at in (0, width)
            ]
            value = builder.fadd(*halves)
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return x.dtype(x), build


# For float32 and float64: bits of the mantissa; a number that rounds to whole numbers when it is added; log 2, in parts
# where one is not exact enough; the largest argument; the terms of the power series.
_EXP = {
    32: (23, 1.5 * 2.0**23, (0.6931471805599453,), 87.0, 8),
    64: (52, 1.5 * 2.0**52, (6.93145751953125e-1, 1.42860682030941723212e-6), 708.0, 14),
}


def _polynomial(builder: Any, coefficients: list[ir.Constant], x: Any) -> Any:
    """Computes a polynomial, lowest coefficient first, by halves: half the operations wait for one another, not all."""
    while len(coefficients) > 1:
        pairs = zip(coefficients[::2], coefficients[1::2], strict=False)
        combined = [_fma(builder, b, x, a) for a, b in pairs]
        coefficients = combined + coefficients[len(coefficients) & ~1 :]
        if len(coefficients) > 1:
            x = builder.fmul(x, x)
    return coefficients[0]


def _exp(builder: Any, x: Any) -> Any:
    """Computes exp(x) to two units in the last place, x cut to where neither it nor its inverse overflows."""
    bits = 32 if x.type.element == ir.FloatType() else 64
    mantissa, rounder, logs, largest, terms = _EXP[bits]
    integer = ir.VectorType(ir.IntType(bits), LANES)

    def number(value: float) -> ir.Constant:
        return _constant(value, x.type)

    # Ordered comparisons choose x itself where it is NaN.
    x = builder.select(builder.fcmp_ordered(">", x, number(largest)), number(largest), x)
    x = builder.select(builder.fcmp_ordered("<", x, number(-largest)), number(-largest), x)
    shifted = _fma(builder, x, number(1.4426950408889634), number(rounder))
    whole = builder.fsub(shifted, number(rounder))
    rest = x
    for part in logs:
        rest = _fma(builder, whole, number(-part), rest)
    coefficients = [number(1.0 / factorial(k)) for k in range(terms)]
    value = _polynomial(builder, coefficients, rest)
    exponent = builder.shl(builder.bitcast(shifted, integer), ir.Constant(integer, [mantissa] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(value, integer), exponent), x.type)


@intrinsic
def sigmoid(typingctx: Any, x: Any) -> Any:
    """Returns 1 / (1 + exp(-x))."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = _constant(1.0, args[0].type)
        return builder.fdiv(one, builder.fadd(one, _exp(builder, builder.fneg(args[0]))))

    return x(x), build


def _binary(operation: str) -> Any:
    @intrinsic
    def of_two(typingctx: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, operation)(*args)

        return a(a, b), build

    return of_two


_add, _subtract, _multiply = _binary("fadd"), _binary("fsub"), _binary("fmul")


def _overload(symbol: Any, function: Any) -> None:
    @overload(symbol)
    def of_vectors(a, b):
        if isinstance(a, Vector) and a == b:
            return lambda a, b: function(a, b)
        return None


_overload(operator.add, _add)
_overload(operator.sub, _subtract)
_overload(operator.mul, _multiply)
