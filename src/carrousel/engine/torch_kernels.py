"""torch's own kernels, for devices on which carrousel has none: whole stacks of three plain cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from carrousel.engine._call import Call, Stack
from carrousel.engine._layer import Layer, Result, Weights

__all__ = [
    "DEVICES",
    "NAME",
    "PASSES",
    "flatten",
    "merit",
    "mode",
    "quick_step",
    "refuses_call",
    "refuses_layer",
    "refuses_stack",
    "run",
    "run_stack",
    "transformed",
]

NAME = "torch"
PASSES = None

DEVICES = frozenset({"cpu", "meta"})
"""The types of device on which carrousel's own engine is the right choice even where torch has a kernel too."""

_MODES = {"lstm": "LSTM", "gru": "GRU", "elman": "RNN_TANH", "elman(squash=relu)": "RNN_RELU"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "LSTM": torch._VF.lstm,
    "GRU": torch._VF.gru,
    "RNN_TANH": torch._VF.rnn_tanh,
    "RNN_RELU": torch._VF.rnn_relu,
}


def mode(layer: Layer) -> str | None:
    """Returns torch's name for the layer's kind, None if torch has no kernel for it."""
    plain = Layer(layer.cell, layer.input_size, layer.hidden_size, bias=layer.bias, proj_size=layer.proj_size)
    found = _MODES.get(layer.cell.spec)
    return None if layer != plain or (layer.proj_size and found != "LSTM") else found


def transformed() -> bool:
    """Tells whether a transformation is at work (vmap, jvp, ...) that torch's kernels do not serve."""
    return torch._C._functorch.peek_interpreter_stack() is not None or torch.autograd.forward_ad._current_level >= 0


def refuses_layer(layer: Layer) -> str | None:
    """Says why torch has no kernel for a layer; None if it has one."""
    return None if mode(layer) else f"torch has no kernel for such layers of cell {layer.cell.spec!r}"


def refuses_stack(x: Tensor, lengths: Tensor | None) -> str | None:
    """Says why torch's kernels cannot run a network of layers that it has kernels for; None if they can."""
    if x.device.type in DEVICES:
        return "what is on this device carrousel runs itself"
    if transformed():
        return "a transformation is at work, which torch's kernels do not know"
    if not x.numel():
        return "there is nothing to compute"
    if lengths is not None and not bool((lengths > 0).all()):
        return "a sequence is empty, which torch cannot pack"
    return None


def refuses_call(call: Call) -> str | None:
    """Says why torch's kernels cannot run a call; None if they can."""
    reason = refuses_stack(call.x, call.lengths)
    if reason is None and (call.reverse or call.keep or call.resets is not None):
        reason = "torch's kernels know no resets, no states but the last, and no backward direction alone"
    if reason is None and any(mask is not None for mask in call.masks):
        reason = "torch's kernels know no noise"
    return reason


def merit(call: Call | Stack) -> str | None:
    """Says what is good about torch's kernels: that there are some."""
    x = call.x if isinstance(call.x, Tensor) else call.x.data
    return f"torch's own kernel for the device {x.device.type!r}"


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Has nothing quicker than :func:`run`: None."""
    return None


def run(call: Call) -> Result:
    """Runs a layer over a batch of sequences, to a :class:`Result`."""
    state = tuple(value.unsqueeze(0) for value in call.state)
    output, final = run_stack(Stack(call.layer, list(call.weights.values()), call.x, state, call.lengths))
    return Result(output, tuple(value.squeeze(0) for value in final), {})


def run_stack(stack: Stack) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a whole network: its output ``[T, B, size]``, or as the data of a packed sequence; and its final states."""
    x, lengths = stack.x, stack.lengths
    if isinstance(x, PackedSequence) or lengths is None:
        return _run(stack, x, stack.state)
    packed = pack_padded_sequence(x, lengths.cpu(), enforce_sorted=False)
    there, back = packed.sorted_indices, packed.unsorted_indices
    assert there is not None, "of sequences that were not sorted"
    assert back is not None
    data, final = _run(stack, packed, tuple(value.index_select(1, there) for value in stack.state))
    output, _ = pad_packed_sequence(PackedSequence(data, *packed[1:]), total_length=x.shape[0])
    return output, tuple(value.index_select(1, back) for value in final)


def _run(stack: Stack, x: Tensor | PackedSequence, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Calls torch's kernel; the states stand in the order of the packed sequence, if x is one."""
    kind = mode(stack.layer)
    assert kind is not None, "refused"
    hx = state if kind == "LSTM" else state[0]
    data = (x.data, x.batch_sizes, hx) if isinstance(x, PackedSequence) else (x, hx)
    batch_first = () if isinstance(x, PackedSequence) else (False,)
    output, *final = _FUNCTIONS[kind](
        *data, stack.weights, stack.layer.bias, stack.num_layers, stack.dropout, stack.training, stack.bidirectional,
        *batch_first,
    )  # fmt: skip
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
