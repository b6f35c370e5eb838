"""States on their way into a network and out of it: from the user's form to the engine's, and back.

A user holds ``h`` alone, where the cell has no other state, or ``(h, c, ...)``. The engine takes, for each layer and
direction, a tuple of states ``[B, size]``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine import Layer
from carrousel.nets._batch import Batch

__all__ = ["as_returned", "as_tuple", "cell_state", "check_stacked", "sequence_count", "stack_states", "stacked"]


def as_tuple(layer: Layer, hx: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Returns the user's states one by one, h first.

    Raises:
        RuntimeError: they are not as many as the cell has.
    """
    names, states = layer.state_names, (hx,) if isinstance(hx, Tensor) else tuple(hx)
    if len(states) != len(names):
        raise RuntimeError(
            f"cell {layer.cell.spec!r} has {len(names)} states ({', '.join(names)}), hx holds {len(states)}"
        )
    return states


def as_returned(states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """Returns states as users hold them: h alone where there is no other."""
    return states if len(states) > 1 else states[0]


# A stack of layers


def stack_states(
    layer: Layer, hx: Tensor | Sequence[Tensor] | None, batch: Batch, count: int
) -> list[tuple[Tensor, ...]]:
    """Returns the initial states ``[B, size]`` of each layer and direction, in the order of the engine's batch.

    Args:
        layer: one of the layers, whose states are all alike.
        hx: the user's states, ``[count, B, size]`` each, or ``[count, size]`` for one sequence; None for zeros.
        batch: the input.
        count: the number of layers and directions.

    Raises:
        RuntimeError: a state is missing, or its shape or dtype is wrong.
    """
    if hx is None:  # the same zeros for all layers; each state has its own, for no steps hand them on as they are
        return [_zeros(layer, batch.x, batch.x.shape[1])] * count
    states = as_tuple(layer, hx)
    dims = 3 if batch.batched else 2
    if any(value.dim() != dims for value in states):
        form = "batched 3-D" if batch.batched else "unbatched 2-D"
        got = ", ".join(f"{value.dim()}-D" for value in states)
        raise RuntimeError(f"For {form} input, hx should also be {dims}-D but got ({got}) tensors")
    states = tuple(batch.state_in(value) for value in states)
    check_stacked(layer, states, count, batch.x.shape[1])
    _check_dtypes(states, batch.x)
    return list(zip(*(value.unbind() for value in states), strict=True))


def check_stacked(layer: Layer, states: tuple[Tensor, ...], count: int, batch: int) -> None:
    """Refuses states that are not ``[count, batch, size]``, in torch's words."""
    for index, (value, size) in enumerate(zip(states, layer.state_sizes, strict=True)):
        want = (count, batch, size)
        if tuple(value.shape) != want:
            which = "hidden" if len(states) == 1 else f"hidden[{index}]"
            raise RuntimeError(f"Expected {which} size {want}, got {list(value.shape)}")


def stacked(states: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Returns the states of all layers and directions together, ``[layers · D, B, size]`` each."""
    if len(states) == 1:
        return tuple(value.unsqueeze(0) for value in states[0])
    return tuple(map(torch.stack, zip(*states, strict=True)))


def sequence_count(hx: Tensor | Sequence[Tensor] | None) -> int | None:
    """Returns the number of sequences that batched states are for; None where they do not say it."""
    h = hx if hx is None or isinstance(hx, Tensor) else hx[0] if len(hx) else None
    return None if h is None or h.dim() != 3 else h.shape[1]


# A single step


def cell_state(
    layer: Layer, hx: Tensor | Sequence[Tensor] | None, x: Tensor, *, batched: bool, owner: str
) -> tuple[Tensor, ...]:
    """Returns the states ``[B, size]`` before a step.

    Args:
        layer: the layer.
        hx: the user's states, ``[B, size]`` each, or ``[size]`` if not ``batched``; None for zeros.
        x: the input ``[B, I]``.
        batched: whether the user's input has a batch.
        owner: what messages call the module.

    Raises:
        RuntimeError, ValueError: a state is missing, or its shape or dtype is wrong.
    """
    if hx is None:
        return _zeros(layer, x, x.shape[0])
    states = as_tuple(layer, hx)
    for index, value in enumerate(states):
        if value.dim() not in (1, 2):
            which = f"hx[{index}]" if len(states) > 1 else "hidden"
            raise ValueError(f"{owner}: Expected {which} to be 1D or 2D, got {value.dim()}D instead")
    if not batched:
        states = tuple(value.unsqueeze(0) for value in states)
    for index, (value, size) in enumerate(zip(states, layer.state_sizes, strict=True)):
        if tuple(value.shape) != (x.shape[0], size):
            raise RuntimeError(_wrong_shape(index, x.shape[0], size, value))
    _check_dtypes(states, x)
    return states


def _wrong_shape(index: int, batch: int, size: int, value: Tensor) -> str:
    """Says what is wrong about a state that should be ``[batch, size]``, in torch's words where it has some."""
    if value.shape[0] != batch:
        return f"Input batch size {batch} doesn't match hidden{index} batch size {value.shape[0]}"
    if value.dim() > 1 and value.shape[1] != size:
        return f"hidden{index} has inconsistent hidden_size: got {value.shape[1]}, expected {size}"
    return f"hidden{index} should have the shape {[batch, size]}, got {list(value.shape)}"


# Both


def _zeros(layer: Layer, x: Tensor, batch: int) -> tuple[Tensor, ...]:
    return tuple(x.new_zeros(batch, size) for size in layer.state_sizes)


def _check_dtypes(states: tuple[Tensor, ...], x: Tensor) -> None:
    for index, value in enumerate(states):
        if value.dtype != x.dtype:
            raise RuntimeError(f"hx[{index}] has dtype {value.dtype}, the input {x.dtype}")
