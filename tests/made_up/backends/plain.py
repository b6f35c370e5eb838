"""A backend that somebody else might write: one module, found by itself."""

from __future__ import annotations

from torch import Tensor

from carrousel.engine import Call, Layer, Result, Stack, Weights, reference

NAME = "plain"
PASSES = None  # torch differentiates what it does


def refuses_layer(layer: Layer) -> str | None:
    """Refuses layer norm."""
    return "layer norm is not plain" if layer.layer_norm else None


def refuses_call(call: Call) -> str | None:
    """Refuses resets."""
    return None if call.resets is None else "resets are not plain"


def merit(call: Call | Stack) -> str | None:
    """Says what is good about it."""
    return "it is plain"


def run(call: Call) -> Result:
    """Runs the reference under another name."""
    return reference.run(call)


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Has nothing quicker than :func:`run`."""
    return None
