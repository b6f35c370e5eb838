"""A layer that no kernel runs, as one operator of a graph: what the ONNX exporter sees in place of its steps."""

from __future__ import annotations

import itertools
import sys
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from carrousel.engine import _graph, reference
from carrousel.engine._call import Call
from carrousel.engine._layer import Layer, Masks, Result

__all__ = ["exporting", "layer_of", "refuses", "run_traced"]

_layers: WeakValueDictionary[str, Layer] = WeakValueDictionary()
_numbers = itertools.count()


def _key_of(layer: Layer) -> str:
    """Returns a key for a layer, for as long as it lives: this operator is in no graph that outlives an export."""
    key = f"{layer.cell.name} {next(_numbers)}"
    _layers[key] = layer
    return key


def layer_of(key: str) -> Layer:
    """Returns the :class:`Layer` that a graph means."""
    if key not in _layers:
        raise RuntimeError(f"the network with the layer {key!r} is gone; export it again")
    return _layers[key]


def exporting() -> bool:
    """Says whether ``torch.onnx.export`` is recording."""
    if not torch.compiler.is_exporting() or "torch.onnx" not in sys.modules:
        return False
    # Dynamo, with which the exporter tries again what has failed, takes torch's own answer to be False.
    flags = sys.modules.get("torch.onnx._internal.exporter._flags")
    return getattr(flags, "_is_onnx_exporting", False) or torch.onnx.is_in_onnx_export()


def refuses(layer: Layer, masks: Masks) -> str | None:
    """Says why a layer cannot be an operator of a graph; None if it can."""
    noise = (masks.variational, *(masks.candidate or {}).values(), masks.zoneout_h, masks.zoneout_c)
    if any(isinstance(mask, Tensor) for mask in noise):
        return "recurrent_dropout and zoneout draw noise in training, which eval() ends"
    try:
        _graph.trace(layer.cell)
    except Exception as error:  # a user's equations may fail in any way when they meet symbols
        return f"the equations of cell {layer.cell.spec!r} cannot be traced: {error}"
    return None


@torch.library.custom_op("carrousel::equations", mutates_args=())
def _equations(
    x: Tensor, state: list[Tensor], weights: list[Tensor], lengths: Tensor | None, resets: Tensor | None, key: str,
    reverse: bool, keep: str, zoneout_h: float, zoneout_c: float,
) -> list[Tensor]:  # fmt: skip
    """Runs a layer by the reference.

    Returns output ``[T, B, output]``, final states ``[B, size]``, and every step's values ``[T, B, size]`` of those
    named in ``keep``.
    """
    layer, names = layer_of(key), tuple(keep.split())
    named = dict(zip(layer.shapes(), weights, strict=True))
    masks = Masks(zoneout_h=zoneout_h or None, zoneout_c=zoneout_c or None)
    result = reference.run(Call(layer, named, x, tuple(state), reverse, lengths, resets, masks, names))
    return [value.clone() for value in (result.output, *result.final, *(result.steps[name] for name in names))]


@_equations.register_fake
def _(
    x: Tensor, state: list[Tensor], weights: list[Tensor], lengths: Tensor | None, resets: Tensor | None, key: str,
    reverse: bool, keep: str, zoneout_h: float, zoneout_c: float,
) -> list[Tensor]:  # fmt: skip
    layer = layer_of(key)
    states = dict(zip(layer.state_names, layer.state_sizes, strict=True))
    T, B = x.shape[:2]
    return [
        x.new_empty(T, B, layer.output_size),
        *(value.new_empty(value.shape) for value in state),
        *(x.new_empty(T, B, states.get(name, layer.hidden_size)) for name in keep.split()),
    ]


def run_traced(call: Call) -> Result:
    """Runs a call as ``reference.run`` does, as one operator of a traced graph, to a :class:`Result`.

    Raises:
        RuntimeError: it cannot be one; the message says why, and what would be possible.
    """
    layer, weights, x, state, reverse, lengths, resets, masks, keep = call
    reason = refuses(layer, masks)
    if reason is not None and isinstance(x.shape[0], int):
        return reference.run(call)
    if reason is not None:
        raise RuntimeError(
            f"this layer cannot become a loop in ONNX: {reason}. It can be exported step after step, for a fixed "
            "number of steps: leave the axis of time out of dynamic_shapes"
        )
    names = [name for name in keep if name != "h"]
    output, *rest = _equations(
        x, list(state), list(weights.values()), lengths, resets, _key_of(layer), reverse, " ".join(names),
        float(masks.zoneout_h or 0.0), float(masks.zoneout_c or 0.0),
    )  # fmt: skip
    n = len(layer.state_names)
    every = {"h": output, **dict(zip(names, rest[n:], strict=True))}
    return Result(output, tuple(rest[:n]), {name: every[name] for name in keep})
