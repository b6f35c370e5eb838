"""What a backend is asked to run: one layer over a batch of sequences, or a whole network at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from carrousel.engine._layer import QUIET, Layer, Masks, Weights
from carrousel.engine._rows import Rows

__all__ = ["Call", "Stack"]


class Call(NamedTuple):
    """One layer in one direction, and the batch of sequences that it is to run over.

    Attributes:
        layer: the layer.
        weights: its parameters, by the names of :meth:`Layer.shapes` and in their order.
        x: ``[T, B, input]``, or packed rows ``[rows, input]``. What stands past a sequence's length does not matter,
            be it NaN.
        state: the initial states, ``[B, size]`` each, in the order of ``layer.state_names``.
        reverse: whether to run from each sequence's last step to its first.
        lengths: ``[B]``, the real steps of each sequence; None if all are T.
        resets: ``[T, B]``, True where nothing may pass between step t - 1 and step t.
        masks: the noise of this call.
        keep: names of the states, gates and candidates whose values at every step are wanted.
        rows: how packed rows lie; None if x is padded. Sequences then stand in their order in all that is given and
            returned, every step's values and noise are rows too, and there are neither lengths nor resets.
    """

    layer: Layer
    weights: Weights
    x: Tensor
    state: tuple[Tensor, ...]
    reverse: bool = False
    lengths: Tensor | None = None
    resets: Tensor | None = None
    masks: Masks = QUIET
    keep: tuple[str, ...] = ()
    rows: Rows | None = None


class Stack(NamedTuple):
    """A whole network in one call: layers above each other, each in one direction or in both, without noise.

    Attributes:
        layer: the first layer; those above differ in their input's size alone.
        weights: the parameters of all layers and directions, one after the other.
        x: ``[T, B, input]``, or the packed sequence that holds it.
        state: the initial states, ``[layers · directions, B, size]`` each.
        lengths: ``[B]``, the real steps of each sequence; None if all are T, or if x is packed.
        num_layers: the number of layers.
        bidirectional: whether each runs in both directions.
        dropout: the rate of dropout between layers.
        training: whether there is dropout at all.
    """

    layer: Layer
    weights: Sequence[Tensor]
    x: Tensor | PackedSequence
    state: tuple[Tensor, ...]
    lengths: Tensor | None = None
    num_layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    training: bool = False
