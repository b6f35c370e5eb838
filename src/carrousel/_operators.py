"""carrousel's operators as torch knows them: their names and types, which is little, and not what they do.

A saved graph, or a package made by AOTInductor, names the operators it calls, and torch must know these before it
loads one. What they do is in the engine (``carrousel.engine.doors.traced``) and is imported when one is first called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

__all__ = ["sequence", "sequence_backward", "sequence_kept"]


def _door() -> Any:
    return import_module("carrousel.engine.doors.traced")


@torch.library.custom_op("carrousel::sequence", mutates_args=(), device_types="cpu")
def sequence(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str,
) -> list[Tensor]:  # fmt: skip
    """Runs one layer in one direction: the output, the final states, and every step's values of ``steps``."""
    return _door().sequence(x, state, weights, noise, lengths, resets, layer, kinds, reverse, steps)


@torch.library.custom_op("carrousel::sequence_kept", mutates_args=(), device_types="cpu")
def sequence_kept(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str, version: str,
) -> list[Tensor]:  # fmt: skip
    """Does the same, and returns after that what the backward pass will need.

    Its form may change with carrousel's version, which stands in the graph so that nobody takes one of another version
    from a cache of compiled graphs.
    """
    return _door().sequence_kept(x, state, weights, noise, lengths, resets, layer, kinds, reverse, steps)


@torch.library.custom_op("carrousel::sequence_backward", mutates_args=(), device_types="cpu")
def sequence_backward(
    grads: list[Tensor], kept: list[Tensor], x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor],
    lengths: Tensor | None, resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str, with_x: bool,
    with_state: bool,
) -> list[Tensor]:  # fmt: skip
    """Computes the derivatives by x and by the initial states (empty unless wanted), and by the weights."""
    return _door().sequence_backward(
        grads, kept, x, state, weights, noise, lengths, resets, layer, kinds, reverse, steps, with_x, with_state
    )  # fmt: skip


@sequence.register_fake
def _(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str,
) -> list[Tensor]:  # fmt: skip
    return _door().shapes(x, state, layer, steps)


@sequence_kept.register_fake
def _(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str, version: str,
) -> list[Tensor]:  # fmt: skip
    return _door().shapes_kept(x, state, layer, kinds, steps)


@sequence_backward.register_fake
def _(
    grads: list[Tensor], kept: list[Tensor], x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor],
    lengths: Tensor | None, resets: Tensor | None, layer: str, kinds: str, reverse: bool, steps: str, with_x: bool,
    with_state: bool,
) -> list[Tensor]:  # fmt: skip
    return _door().shapes_backward(x, state, weights, with_x, with_state)


def _set_up(ctx: Any, inputs: Any, output: Any) -> None:
    _door().set_up(ctx, inputs, output)


def _differentiate(ctx: Any, grads: Any) -> Any:
    return _door().differentiate(ctx, grads)


sequence.register_autograd(_differentiate, setup_context=_set_up)
sequence_kept.register_autograd(_differentiate, setup_context=_set_up)
