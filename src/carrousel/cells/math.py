"""The polymorphic mathematics in which a cell's equations are written.

Every function here works on torch tensors, and on any other object that offers a method
``__carrousel__(operation, arguments)``: the engine's symbols do, and so the same equations that compute on tensors
also yield the expression graph from which kernels and derivatives are made. Besides these functions, equations may
use ``+ - * /``, unary minus, numbers, and the comparisons ``< <= > >=`` as conditions of :func:`where`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

__all__ = [
    "absolute",
    "equal",
    "exp",
    "identity",
    "log",
    "logsigmoid",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "sigmoid_pm1",
    "sigmoid_pm2",
    "softplus",
    "stop_gradient",
    "tanh",
    "where",
]

Value = Any
"""A tensor, a number, or a symbol of the engine."""


def _lift(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Lets a torch function of two tensors take plain numbers too."""

    def lifted(a: Value, b: Value) -> torch.Tensor:
        if not isinstance(a, torch.Tensor):
            a = torch.as_tensor(a, dtype=b.dtype, device=b.device)
        if not isinstance(b, torch.Tensor):
            b = torch.as_tensor(b, dtype=a.dtype, device=a.device)
        return function(a, b)

    return lifted


_ON_TENSORS: dict[str, Callable[..., torch.Tensor]] = {
    "absolute": torch.abs,
    "equal": torch.eq,
    "exp": torch.exp,
    "log": torch.log,
    "logsigmoid": functional.logsigmoid,
    "maximum": _lift(torch.maximum),
    "minimum": _lift(torch.minimum),
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "stop_gradient": torch.Tensor.detach,
    "tanh": torch.tanh,
    "where": torch.where,
}


def _apply(operation: str, *arguments: Value) -> Any:
    for argument in arguments:
        if hasattr(argument, "__carrousel__"):
            return argument.__carrousel__(operation, arguments)
    if not any(isinstance(argument, torch.Tensor) for argument in arguments):
        kinds = ", ".join(type(argument).__name__ for argument in arguments)
        raise TypeError(f"{operation} takes torch tensors, got {kinds}")
    return _ON_TENSORS[operation](*arguments)


def sigmoid(x: Value) -> Any:
    """Returns the logistic function 1 / (1 + exp(-x)), range (0, 1): the gates' squashing function."""
    return _apply("sigmoid", x)


def sigmoid_pm1(x: Value) -> Any:
    """Returns 2 sigmoid(x) - 1, range (-1, 1): ``h`` of Hochreiter & Schmidhuber 1997."""
    return 2.0 * sigmoid(x) - 1.0


def sigmoid_pm2(x: Value) -> Any:
    """Returns 4 sigmoid(x) - 2, range (-2, 2): ``g`` of Hochreiter & Schmidhuber 1997."""
    return 4.0 * sigmoid(x) - 2.0


def tanh(x: Value) -> Any:
    """Returns the hyperbolic tangent, range (-1, 1)."""
    return _apply("tanh", x)


def identity(x: Value) -> Any:
    """Returns x itself, for cells whose squashing function is left out."""
    return x


def relu(x: Value) -> Any:
    """Returns max(x, 0); its derivative at 0 is 0."""
    return _apply("relu", x)


def exp(x: Value) -> Any:
    """Returns the exponential function."""
    return _apply("exp", x)


def log(x: Value) -> Any:
    """Returns the natural logarithm."""
    return _apply("log", x)


def softplus(x: Value) -> Any:
    """Returns log(1 + exp(x)), without overflow."""
    return _apply("softplus", x)


def logsigmoid(x: Value) -> Any:
    """Returns log(sigmoid(x)), without overflow."""
    return _apply("logsigmoid", x)


def absolute(x: Value) -> Any:
    """Returns the absolute value; its derivative at 0 is 0."""
    return _apply("absolute", x)


def maximum(a: Value, b: Value) -> Any:
    """Returns the larger of two; where they are equal each gets half of the derivative."""
    return _apply("maximum", a, b)


def minimum(a: Value, b: Value) -> Any:
    """Returns the smaller of two; where they are equal each gets half of the derivative."""
    return _apply("minimum", a, b)


def equal(a: Value, b: Value) -> Any:
    """Says whether two are equal, as a condition for :func:`where`."""
    return _apply("equal", a, b)


def where(condition: Value, a: Value, b: Value) -> Any:
    """Returns ``a`` where the condition holds, else ``b``; no derivative reaches the condition."""
    return _apply("where", condition, a, b)


def stop_gradient(x: Value) -> Any:
    """Returns x, through which no error flows back."""
    return _apply("stop_gradient", x)
