"""The way back: torch's own modules with the weights of carrousel's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from carrousel.engine import Layer
from carrousel.nets._lstm import LSTM
from carrousel.nets._lstm_cell import LSTMCell
from carrousel.nets._options import Rates

__all__ = ["to_torch"]

_Table = Mapping[str, tuple[Callable[..., nn.Module], dict[str, Any]]]

_NETWORKS: _Table = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "elman": (nn.RNN, {"nonlinearity": "tanh"}),
    "elman(squash=relu)": (nn.RNN, {"nonlinearity": "relu"}),
}
_CELLS: _Table = {
    "lstm": (nn.LSTMCell, {}),
    "gru": (nn.GRUCell, {}),
    "elman": (nn.RNNCell, {"nonlinearity": "tanh"}),
    "elman(squash=relu)": (nn.RNNCell, {"nonlinearity": "relu"}),
}


def to_torch(net: LSTM | LSTMCell) -> nn.Module:
    """Returns torch's own module for a network: the same weights, options and results, without carrousel.

    Args:
        net: a :class:`carrousel.LSTM` or :class:`carrousel.LSTMCell` with the cell ``lstm``, ``gru``, ``elman`` or
            ``elman(squash=relu)``, and no option that torch does not have.

    Returns:
        A ``torch.nn.LSTM``, ``GRU`` or ``RNN``, or a ``torch.nn.LSTMCell``, ``GRUCell`` or ``RNNCell``, on the
        network's device, in its dtype and mode. Weights are copied. The way here is ``load_state_dict``.

    Raises:
        ValueError: torch has no such network; the message names all that stands in the way.

    >>> import torch, carrousel
    >>> net = carrousel.LSTM(3, 8, num_layers=2, cell="gru")
    >>> carrousel.to_torch(net)
    GRU(3, 8, num_layers=2)
    >>> back = carrousel.LSTM(3, 8, num_layers=2, cell="gru")
    >>> back.load_state_dict(carrousel.to_torch(net).state_dict())
    <All keys matched successfully>
    """
    if not isinstance(net, (LSTM, LSTMCell)):
        raise TypeError(f"to_torch takes a carrousel.LSTM or a carrousel.LSTMCell, got {type(net).__name__}")
    options, table = (_options(net), _NETWORKS) if isinstance(net, LSTM) else ({}, _CELLS)
    layer = net.layers[0]
    _check(layer, net.rates)
    kind, extra = table[layer.cell.spec]
    weights = _weights(net)
    first = next(iter(weights.values()))
    # Made on meta: drawing weights would change the numbers that torch's generator draws for the user next.
    sizes = layer.input_size, layer.hidden_size
    module = kind(*sizes, bias=layer.bias, **options, **extra, device="meta", dtype=first.dtype)
    module.to_empty(device=first.device)
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            parameters[name].copy_(weight)
            parameters[name].requires_grad_(weight.requires_grad)
    if isinstance(module, nn.RNNBase):
        module.flatten_parameters()
    return module.train(net.training)


def _options(net: LSTM) -> dict[str, Any]:
    projection = {"proj_size": net.proj_size} if net.proj_size else {}
    return {
        "num_layers": net.num_layers,
        "batch_first": net.batch_first,
        "dropout": net.dropout,
        "bidirectional": net.bidirectional,
        **projection,
    }


def _weights(net: LSTM | LSTMCell) -> dict[str, torch.Tensor]:
    """Returns all weights by torch's names; of a parametrised one, what is computed."""
    return {
        name + suffix: weight
        for suffix, layer in net.named_layers()
        for name, weight in net.weights_of(layer, suffix).items()
    }


def _check(layer: Layer, rates: Rates) -> None:
    """Refuses what torch has no module for."""
    lacking = {
        "layer_norm": layer.layer_norm,
        "block_size": layer.block_size > 1,
        "gate_recurrence": layer.gate_recurrence is not None,
        "heads": layer.heads > 1,
        "diagonal": layer.diagonal,
        "recurrent_dropout": rates.variational or rates.candidate,
        "zoneout": rates.zoneout_h or rates.zoneout_c,
        "proj_size": layer.proj_size and layer.cell.spec != "lstm",
    }
    obstacles = [name for name, on in lacking.items() if on]
    if layer.cell.spec not in _NETWORKS:
        obstacles.insert(0, f"the cell {layer.cell.spec!r}")
    if obstacles:
        raise ValueError(
            f"torch has no module with {', '.join(obstacles)}; it has the cells {', '.join(_NETWORKS)}, and "
            "carrousel.LSTM itself goes to where torch.export or torch.onnx.export take it"
        )
