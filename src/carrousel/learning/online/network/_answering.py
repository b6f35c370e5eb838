"""What a network of the papers answers with weights that are not its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from carrousel.learning._protocol import Responding, unchanged
from carrousel.learning.online.network._layout import Layout
from carrousel.learning.online.network._network import Network
from carrousel.learning.online.network._sense import advance, respond

__all__ = ["Answering"]

_NONE = np.zeros(0, np.int64)


class Answering(Responding):
    """The part of a learner that answers for a population, by the compiled rule and the learner's own arrays."""

    network: Network
    _layout: Layout
    _weights: np.ndarray
    _state: np.ndarray
    _passing: tuple[np.ndarray, ...]
    _arguments: Any

    def _respond(
        self, population: np.ndarray, inputs: np.ndarray, begin: np.ndarray, end: np.ndarray, hidden: bool
    ) -> np.ndarray:
        layout = self._layout
        units = layout.hidden_places if hidden else _NONE
        shape = len(population), int((end - begin).sum()), len(units) if hidden else self.network.outputs
        responses = np.zeros(shape, self.dtype)
        if responses.size:
            with unchanged(self._weights, *self._passing):
                arguments = self._arguments(inputs, None)
                respond(*arguments, population, layout.weight_places, begin, end, units, responses)
        return responses

    def _begun(self, population: np.ndarray) -> np.ndarray:
        return np.zeros((len(population), len(self._state)), self.dtype)

    def _advance(
        self, population: np.ndarray, memory: Any, inputs: np.ndarray, awake: np.ndarray, hidden: bool
    ) -> np.ndarray:
        layout = self._layout
        units = layout.hidden_places if hidden else _NONE
        responses = np.zeros((len(population), len(units) if hidden else self.network.outputs), self.dtype)
        with unchanged(self._weights, *self._passing):
            places = layout.weight_places
            advance(*self._arguments(inputs, None), population, places, memory, awake, units, responses)
        return responses

    def units(self) -> list[np.ndarray]:
        """Returns which weights belong to which block or conventional unit: :meth:`Network.units`."""
        return self.network.units()
