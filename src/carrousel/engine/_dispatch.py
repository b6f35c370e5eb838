"""Which backend runs a layer, and why. Nobody else chooses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from carrousel.engine import cpu, onnx, reference, torch_kernels
from carrousel.engine._backend import BACKENDS, Backend, StackBackend
from carrousel.engine._call import Call, Stack
from carrousel.engine._key import key_of
from carrousel.engine._layer import QUIET, UNPREPARED, Layer, Masks, Result, Weights
from carrousel.engine._memory import in_memory
from carrousel.engine._recorders import recorded

__all__ = ["Choice", "choose", "prepare", "quick_step", "run", "run_stack", "stack_backend", "step", "tell", "watched"]

BACKENDS += [cpu, torch_kernels, reference]
_STACKING: tuple[StackBackend, ...] = (torch_kernels,)


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
    """Yields a list of :class:`Choice` that grows by what runs each layer, in this thread, while the block lasts."""
    entry = threading.get_ident(), list[Choice]()
    _watching.append(entry)
    try:
        yield entry[1]
    finally:
        _watching.remove(entry)


def tell(choice: Choice) -> None:
    """Appends a choice to every list that :func:`watched` has open in this thread."""
    for thread, choices in _watching:
        if thread == threading.get_ident():
            choices.append(choice)


def prepare(layer: Layer) -> Layer:
    """Stores on a layer why each backend refuses it, and its key in traced graphs; returns the :class:`Layer`."""
    object.__setattr__(layer, "refusals", {backend.NAME: backend.refuses_layer(layer) for backend in BACKENDS})
    object.__setattr__(layer, "key", key_of(layer))
    return layer


def _ask(call: Call) -> tuple[Backend, str]:
    """Returns the first backend that does not refuse a call, and the refusal of the first of all, if it is another."""
    refusals = call.layer.refusals
    there = in_memory((call.x, *call.state, *call.weights.values()))
    reason = ""
    for backend in BACKENDS:
        refusal = refusals.get(backend.NAME, UNPREPARED)
        if refusal is None and not there and backend.PASSES is not None:
            refusal = "an input is not in memory, for torch knows that it is zero"
        if refusal is None:
            refusal = backend.refuses_call(call)
            if refusal is None:
                return backend, reason
        reason = reason or refusal
    raise RuntimeError(f"no backend runs this layer: {reason}")


def choose(call: Call) -> Choice:
    """Returns the backend for a call, and why, as a :class:`Choice`."""
    backend, reason = _ask(call)
    return Choice(backend.NAME, backend.merit(call) or reason)


def run(call: Call) -> Result:
    """Runs a call on the best backend, to a :class:`Result`."""
    backend, reason = _ask(call)
    if _watching:
        tell(Choice(backend.NAME, backend.merit(call) or reason))
    if onnx.exporting() and (backend is reference or call.masks.tensors()):
        return onnx.run_traced(call)
    return backend.run(call)


def stack_backend(layer: Layer, x: Tensor, lengths: Tensor | None) -> StackBackend | None:
    """Returns the :class:`StackBackend` for a network of such layers; None if they run one after the other."""
    for backend in _STACKING:
        if layer.refusal_of(backend.NAME) is None and backend.refuses_stack(x, lengths) is None:
            return backend
    return None


def run_stack(backend: StackBackend, stack: Stack) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a whole network on what :func:`stack_backend` gave: its output, ``[T, B, size]`` or as the data of a packed
    sequence, and its final states.
    """
    if _watching:
        tell(Choice(backend.NAME, backend.merit(stack) or ""))
    return backend.run_stack(stack)


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Runs one step by a kernel that needs no preparation, for few sequences and without derivatives; None where
    there is no such kernel. It gives the output, in memory of its own, and the new states. The states may have an axis
    of size 1 before the others, and so have the new ones.
    """
    for backend in BACKENDS:
        after = backend.quick_step(layer, weights, x, state)
        if after is not None:
            if _watching:
                merit = backend.merit(Call(layer, weights, x, state))
                tell(Choice(backend.NAME, f"{merit}, for one step"))
            return after
    return None


def step(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks = QUIET,
) -> tuple[Tensor, ...]:
    """Runs one step of a layer; arguments and result as in ``reference.step``."""
    noisy = any(mask is not None for mask in masks)
    if not noisy:
        after = quick_step(layer, weights, x, state)
        if after is not None:
            return after[1:]
    if torch.compiler.is_compiling() or recorded():
        given = (x, *state, *weights.values())
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)):
            # In a graph that nobody will differentiate torch's own operations can be fused with what is around them.
            in_memory(given)
            return reference.step(layer, weights, x, state, masks)
    along = masks.map(lambda mask: mask, lambda mask: mask.unsqueeze(0)) if noisy else QUIET
    return run(Call(layer, weights, x.unsqueeze(0), state, masks=along)).final
