"""What the operators are given for a layer: lists that anybody may write, and that compiled code reads.

All of it is looked at before, so that nothing is read that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine._layer import Layer
from carrousel.engine._memory import in_memory

__all__ = ["check_adjoints", "check_buffers", "check_lengths", "check_operands"]


def check_operands(
    layer: Layer,
    x: Tensor,
    state: Sequence[Tensor],
    weights: Sequence[Tensor],
    lengths: Tensor | None,
    resets: Tensor | None,
    steps: Sequence[str],
) -> None:
    """Checks what an operator is given for a layer.

    Raises:
        TypeError, ValueError: something is not what the layer needs.
        RuntimeError: the memory of something was freed.
    """
    if x.dim() != 3 or x.shape[2] != layer.input_size:
        raise ValueError(f"x should have the shape [steps, sequences, {layer.input_size}], got {list(x.shape)}")
    T, B = x.shape[:2]
    has = {*layer.state_names, *layer.cell.rows} - {"h"}
    if not set(steps) <= has or len(set(steps)) < len(steps):
        raise ValueError(f"steps should be some of {', '.join(sorted(has))}, got {' '.join(steps)!r}")
    shapes = layer.shapes()
    _check_all("states", layer.state_names, [(B, size) for size in layer.state_sizes], state, x)
    _check_all("weights", list(shapes), list(shapes.values()), weights, x)
    if lengths is not None:
        if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
            raise TypeError(f"lengths should be integers, got {lengths.dtype}")
        _check_one("lengths", (B,), lengths)
        check_lengths(lengths, T)
    if resets is not None:
        if resets.dtype != torch.bool:
            raise TypeError(f"resets should be bools, got {resets.dtype}")
        _check_one("resets", (T, B), resets)
    in_memory([x, *state, *weights])


def check_adjoints(layer: Layer, adjoints: Sequence[Tensor], x: Tensor, steps: Sequence[str]) -> None:
    """Checks the adjoints of all results: of the output, of the final states, of every step's values of ``steps``.

    Raises:
        TypeError, ValueError: they are not these.
    """
    T, B = x.shape[:2]
    names = ["output", *layer.state_names, *(f"every {name}" for name in steps)]
    shapes = [(T, B, layer.output_size), *((B, size) for size in layer.state_sizes)]
    _check_all("adjoints", names, [*shapes, *((T, B, layer.size_of(name)) for name in steps)], adjoints, x)
    in_memory(adjoints)


def check_buffers(buffers: Sequence[Tensor], shapes: Sequence[tuple[int, ...]], x: Tensor) -> None:
    """Checks the buffers of what a forward pass kept.

    Raises:
        TypeError, ValueError: they are not these.
    """
    _check_all("buffers", [f"buffer {k}" for k in range(len(shapes))], shapes, buffers, x)
    if not all(buffer.is_contiguous() for buffer in buffers):
        raise ValueError("buffers should be contiguous")
    in_memory(buffers)


def check_lengths(lengths: Tensor, T: int) -> None:
    """Refuses lengths that are not between 0 and the number of steps, by a ValueError."""
    if lengths.numel() and not (lengths.min() >= 0 and lengths.max() <= T):
        raise ValueError(f"lengths should lie between 0 and {T}, got {lengths.min()} to {lengths.max()}")


def _check_all(
    kind: str, names: Sequence[str], shapes: Sequence[tuple[int, ...]], values: Sequence[Tensor], x: Tensor
) -> None:
    if len(values) != len(names):
        raise ValueError(f"there should be {len(names)} {kind} ({', '.join(names)}), got {len(values)}")
    for name, shape, value in zip(names, shapes, values, strict=True):
        if value.dtype != x.dtype:
            raise TypeError(f"{name} has the type {value.dtype}, x {x.dtype}")
        _check_one(name, shape, value)


def _check_one(name: str, shape: tuple[int, ...], value: Tensor) -> None:
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} should have the shape {list(shape)}, got {list(value.shape)}")
    if not value.is_cpu or value.layout != torch.strided:
        raise ValueError(f"{name} should be on the CPU and dense, got {value.layout} on {value.device}")
