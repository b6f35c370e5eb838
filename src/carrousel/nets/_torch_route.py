"""The way past carrousel's engine to torch's own kernels, on devices for which carrousel has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from carrousel import engine
from carrousel.engine import Layer, torch_kernels
from carrousel.nets._batch import Batch

__all__ = ["Stack", "kind_of", "run"]


class Stack(NamedTuple):
    """What torch wants to know of a network."""

    weights: Sequence[Tensor]
    bias: bool
    num_layers: int
    dropout: float
    training: bool
    bidirectional: bool


def kind_of(layer: Layer, batch: Batch) -> str | None:
    """torch's name for the kernel of a plain call, None where carrousel's own engine runs."""
    if batch.x.device.type in engine.DEVICES or torch_kernels.transformed() or not batch.x.numel():
        return None
    if batch.packed is None and batch.lengths is not None and not bool((batch.lengths > 0).all()):
        return None  # torch cannot pack an empty sequence
    return torch_kernels.mode(layer)


def run(kind: str, stack: Stack, batch: Batch, state: tuple[Tensor, ...]) -> tuple[Any, tuple[Tensor, ...]]:
    """Runs torch's kernel: the output in the input's form, and the final states."""
    if batch.packed is None and batch.lengths is not None:
        packed = pack_padded_sequence(batch.x, batch.lengths.cpu(), enforce_sorted=False)
        inner = Batch.of(packed, None, batch_first=False, owner="")
        output, final = run(kind, stack, inner, tuple(map(inner.state_in, state)))
        padded, _ = pad_packed_sequence(output, total_length=batch.x.shape[0])
        return batch.steps_out(padded), tuple(map(inner.state_out, final))
    engine.tell(engine.Choice("torch", f"torch's own kernel for the device {batch.x.device.type!r}"))
    input = batch.x if batch.packed is None else batch.packed
    data, final = torch_kernels.run(kind, input, state, **stack._asdict())
    if batch.packed is None:
        return batch.steps_out(data), final
    return PackedSequence(data, *batch.packed[1:]), final
