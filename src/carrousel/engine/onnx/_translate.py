"""From carrousel's operators, as ``torch.onnx.export`` meets them in a graph, to ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnxscript import evaluator

from carrousel.engine import _key
from carrousel.engine._layer import Layer
from carrousel.engine.onnx import _operator, _scan, _standard
from carrousel.engine.onnx._emit import Emitter

__all__ = ["equations", "sequence"]

Value = Any
"""A value of ONNX. The exporter reads annotations, and knows no name for its own."""


def sequence(
    x: Value, state: Sequence[Value], weights: Sequence[Value], lengths: Value | None,
    resets: Value | None, key: str, reverse: bool, all_states: bool,
) -> Sequence[Value]:  # fmt: skip
    """Translates the operator ``carrousel::sequence``."""
    layer = _key.layer_of(key)
    keep = layer.cell.states if all_states else ()
    return _written(x, state, weights, lengths, resets, layer, reverse, keep, (0.0, 0.0))


def equations(
    x: Value, state: Sequence[Value], weights: Sequence[Value], lengths: Value | None,
    resets: Value | None, key: str, reverse: bool, keep: str, zoneout_h: float, zoneout_c: float,
) -> Sequence[Value]:  # fmt: skip
    """Translates the operator ``carrousel::equations``."""
    layer = _operator.layer_of(key)
    return _written(x, state, weights, lengths, resets, layer, reverse, keep.split(), (zoneout_h, zoneout_c))


def _written(
    x: Value, state: Sequence[Value], weights: Sequence[Value], lengths: Value | None,
    resets: Value | None, layer: Layer, reverse: bool, keep: Sequence[str], zoneout: tuple[float, float],
) -> Sequence[Value]:  # fmt: skip
    """Writes a layer into the graph that the exporter is making."""
    named = dict(zip(layer.shapes(), weights, strict=True))
    if x.dtype is None:
        raise TypeError("the exporter does not say what type of numbers a layer computes with")
    emit = Emitter(x.dtype)
    operator = None if keep or any(zoneout) or resets is not None else _standard.operator_of(layer, x.dtype)
    if operator is not None:
        results = _standard.run(emit, operator, layer, named, x, state, lengths=lengths, reverse=reverse)
    else:
        results = _scan.run(
            emit, layer, named, x, state, lengths=lengths, resets=resets, reverse=reverse, keep=keep, zoneout=zoneout
        )
    # onnxscript's functions record in the same way; none of them writes an operation with any number of results.
    recorder: Any = evaluator.default()
    recorder.nodes.extend(emit.nodes)
    return results
