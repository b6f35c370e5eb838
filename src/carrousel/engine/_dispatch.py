"""Which backend runs a layer, and why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor

from carrousel.engine import cpu, onnx, reference
from carrousel.engine._layer import QUIET, Layer, Masks, Result, Weights
from carrousel.engine._memory import in_memory

__all__ = ["Choice", "choose", "prepare", "quick_step", "run", "step", "tell", "watched"]


class Choice(NamedTuple):
    """The backend that runs a layer.

    Attributes:
        backend: ``"cpu"``, the fused kernels; ``"reference"``, the equations on torch tensors; ``"torch"``, torch's
            own kernels, on devices for which carrousel has none.
        reason: why.
    """

    backend: str
    reason: str


_watching: list[tuple[int, list[Choice]]] = []
"""Threads in which somebody wants to know, and their lists. Empty but for the moment of an explanation."""


@contextmanager
def watched() -> Iterator[list[Choice]]:
    """A list that grows by what runs each layer, in this thread and while the block lasts."""
    entry = threading.get_ident(), list[Choice]()
    _watching.append(entry)
    try:
        yield entry[1]
    finally:
        _watching.remove(entry)


def tell(choice: Choice) -> None:
    """Says what runs a layer, to whom it may concern."""
    for thread, found in _watching:
        if thread == threading.get_ident():
            found.append(choice)


def prepare(layer: Layer) -> Layer:
    """Finds out, once for all calls, what the kernels think of a layer; returns the layer."""
    object.__setattr__(layer, "refusal", cpu.refuses_layer(layer))
    object.__setattr__(layer, "key", cpu.key_of(layer))
    return layer


def choose(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks = QUIET,
    keep: tuple[str, ...] = (),
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
) -> Choice:
    """The backend for one call of a layer."""
    if in_memory((x, *state, *weights.values())):
        reason = layer.refusal or cpu.refuses_call(layer, weights, x, state, masks, keep, lengths, resets)
    else:
        reason = "an input is not in memory, for torch knows that it is zero"
    return Choice("cpu", "a fused kernel of the cell's equations") if reason is None else Choice("reference", reason)


def run(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    *,
    reverse: bool = False,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    masks: Masks = QUIET,
    keep: tuple[str, ...] = (),
) -> Result:
    """Runs a layer over a batch of sequences on the best backend; arguments and result as in ``reference.run``."""
    choice = choose(layer, weights, x, state, masks, keep, lengths, resets)
    if _watching:
        tell(choice)
    if choice.backend == "cpu":
        return cpu.run(layer, weights, x, state, reverse=reverse, lengths=lengths, resets=resets, keep=keep)
    run_equations = onnx.run_traced if onnx.exporting() else reference.run
    return run_equations(
        layer, weights, x, state, reverse=reverse, lengths=lengths, resets=resets, masks=masks, keep=keep
    )


_ONE_STEP = Choice(
    "reference", "a single step that is differentiated, or that no kernel is made for, runs the equations"
)
_QUICK_STEP = Choice("cpu", "a fused kernel of the cell's equations, for one step")


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """One step by a kernel that needs no preparation, for few sequences and without derivatives; None where there is
    no such kernel. It gives the output, in memory of its own, and the new states. The states may have an axis of size
    1 before the others, and so have the new ones."""
    after = cpu.quick_step(layer, weights, x, state)
    if _watching and after is not None:
        tell(_QUICK_STEP)
    return after


def step(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks = QUIET,
) -> tuple[Tensor, ...]:
    """One step of a layer; arguments and result as in ``reference.step``."""
    if not any(mask is not None for mask in masks):
        after = quick_step(layer, weights, x, state)
        if after is not None:
            return after[1:]
    in_memory((x, *state, *weights.values()))
    if _watching:
        tell(_ONE_STEP)
    return reference.step(layer, weights, x, state, masks)
