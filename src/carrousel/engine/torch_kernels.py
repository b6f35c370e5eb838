"""torch's own kernels, for devices on which carrousel has none: whole stacks of three plain cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from carrousel.engine._layer import Layer

__all__ = ["flatten", "mode", "run", "transformed"]

_MODES = {"lstm": "LSTM", "gru": "GRU", "elman": "RNN_TANH", "elman(squash=relu)": "RNN_RELU"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "LSTM": torch._VF.lstm,
    "GRU": torch._VF.gru,
    "RNN_TANH": torch._VF.rnn_tanh,
    "RNN_RELU": torch._VF.rnn_relu,
}


def mode(layer: Layer) -> str | None:
    """torch's name for the layer's kind, None if torch has no kernel for it."""
    plain = Layer(layer.cell, layer.input_size, layer.hidden_size, bias=layer.bias, proj_size=layer.proj_size)
    found = _MODES.get(layer.cell.spec)
    return None if layer != plain or (layer.proj_size and found != "LSTM") else found


def transformed() -> bool:
    """Whether a transformation is at work (vmap, jvp, ...) that torch's kernels do not serve."""
    return torch._C._functorch.peek_interpreter_stack() is not None or torch.autograd.forward_ad._current_level >= 0


def run(
    kind: str,
    input: Tensor | PackedSequence,
    hx: tuple[Tensor, ...],
    weights: Sequence[Tensor],
    *,
    bias: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a stack over ``[T, B, input]`` or the data of a packed sequence; ``hx`` in the batch's order."""
    state = hx if kind == "LSTM" else hx[0]
    data = (input.data, input.batch_sizes, state) if isinstance(input, PackedSequence) else (input, state)
    batch_first = () if isinstance(input, PackedSequence) else (False,)
    output, *final = _FUNCTIONS[kind](*data, weights, bias, num_layers, dropout, training, bidirectional, *batch_first)
    return output, tuple(final)


@torch.no_grad()
def flatten(kind: str, weights: Sequence[Tensor], layer: Layer, num_layers: int, bidirectional: bool) -> None:
    """Lays the weights out in one piece of memory, as cuDNN wants them; does nothing elsewhere."""
    first = weights[0]
    alike = all(w.dtype == first.dtype and w.is_cuda and torch.backends.cudnn.is_acceptable(w) for w in weights)
    if not alike or len({w.data_ptr() for w in weights}) != len(weights):
        return
    from torch.backends.cudnn import rnn

    with torch.cuda.device_of(first):
        if torch._use_cudnn_rnn_flatten_weight():
            torch._cudnn_rnn_flatten_weight(
                list(weights),
                (4 if layer.bias else 2) + bool(layer.proj_size),
                layer.input_size,
                rnn.get_cudnn_mode(kind),
                layer.hidden_size,
                layer.proj_size,
                num_layers,
                False,
                bidirectional,
            )
