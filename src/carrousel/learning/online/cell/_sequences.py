"""Sequences under the derived rule, many in one call."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from carrousel._jit import entry
from carrousel.learning._optimisers import EVERY, METHOD, PENDING, apply
from carrousel.learning._protocol import Sequential, Streaming, unchanged
from carrousel.learning._steps import EVERY_STEP, FORWARD, LAST_STEP, LEARN, SILENT, one_hot
from carrousel.learning.online.cell._kernel import Layer, Rule, run

__all__ = ["InSequences", "run_sequences"]

RULE_END = len(Rule._fields)
LAYER_END = RULE_END + len(Layer._fields)


@entry
def run_sequences(*flat):
    """Runs spans of a stream of steps, each from a reset, and learns.

    The arguments are those of :class:`Rule`, those of :class:`Layer`, and then: ``inputs [steps, inputs]``,
    ``targets [steps, outputs]`` (empty if nothing is learned), ``has_target [steps]``; ``begin`` and ``end`` of each
    span; ``learning``, FORWARD or LEARN; ``telling``: ``outputs`` receives the outputs, span after span, if it is
    EVERY_STEP, or those of each span's last step if it is LAST_STEP; ``together``, whether weights change after the
    last span alone, and not at each one's end if ``counters[EVERY]`` is 0.
    """
    layer = Layer(*flat[RULE_END:LAYER_END])
    inputs, targets, has_target, begin, end, learning, telling, together, outputs = flat[LAYER_END:]
    counters = layer.counters
    written = 0
    for q in range(len(begin)):
        layer.states[:] = 0
        layer.h[:] = 0
        layer.traces[:] = 0
        a, b = begin[q], end[q]
        pieces = 2 if telling == LAST_STEP else 1
        for piece in range(pieces):  # one call, for it is compiled where it stands
            first = a if piece == 0 else b - 1
            last = b - 1 if piece + 1 < pieces else b
            told = last - first if telling == EVERY_STEP or piece == 1 else 0
            y = targets[first:last] if len(targets) else targets
            how = inputs[first:last], y, has_target[first:last], learning, outputs[written : written + told]
            run(*(flat[:LAYER_END] + how))
            written += told
        done = not together or q == len(begin) - 1
        if learning == LEARN and done and counters[EVERY] == 0 and counters[PENDING]:
            apply(layer.parameters, layer.gradient, layer.moments, layer.rates, counters[METHOD], counters)


class InSequences(Sequential, Streaming):
    """The part of a learner that is taught by whole sequences, by the compiled rule and the learner's own arrays."""

    _rule: Rule
    _layer: Layer
    _counters: np.ndarray
    _states: np.ndarray
    _h: np.ndarray
    _traces: np.ndarray
    _observed: bool

    def learn_batch(self, inputs: Any, targets: Any, spans: Any = None) -> None:
        """Learns from sequences at once: what each asks of the weights is summed up, and they change once, in the end.

        Args:
            inputs: the steps of all sequences, as :meth:`learn_sequences` takes them.
            targets: a target for each, or none.
            spans: where each sequence begins and ends.
        """
        with unchanged(self._counters[EVERY : EVERY + 1]):
            self._counters[EVERY] = 0
            self._whole(inputs, targets, spans, True, SILENT, together=True)

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int,
        together: bool = False,
    ) -> np.ndarray:  # fmt: skip
        lengths = end - begin
        rows = {SILENT: 0, EVERY_STEP: int(lengths.sum()), LAST_STEP: len(begin)}[telling]
        outputs = np.empty((rows, self.output_size), self.dtype)
        inputs = one_hot(inputs, self.input_size, dtype=self.dtype)
        y = np.full((0, self.output_size), np.nan, self.dtype) if targets is None else targets
        has_target = np.zeros(len(inputs), np.uint8) if targets is None else (~np.isnan(y[:, 0])).astype(np.uint8)
        learning, self._observed = (FORWARD if targets is None else LEARN), self._observed and targets is None
        run = partial(run_sequences, *self._rule, *self._layer, inputs, y, has_target, begin, end)
        with unchanged(*(self._states, self._h, self._traces) if targets is None else ()):
            run(learning, telling, together, outputs)
        return outputs

    def ready(self) -> None:
        """Compiles what teaching needs; nothing changes."""
        Streaming.ready(self)
        Sequential.ready(self)
