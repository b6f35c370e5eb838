"""What a layer of a cell answers with weights that are not its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from carrousel.learning._protocol import Responding, unchanged
from carrousel.learning._steps import one_hot
from carrousel.learning.online.cell._kernel import Layer, Rule, advance
from carrousel.learning.online.cell._population import respond

__all__ = ["Answering"]


class Answering(Responding):
    """The part of a learner that answers for a population, by the compiled rule and the learner's own arrays."""

    hidden_size: int
    _rule: Rule
    _layer: Layer
    _parameters: np.ndarray
    _states: np.ndarray
    _h: np.ndarray

    def _respond(
        self, population: np.ndarray, inputs: np.ndarray, begin: np.ndarray, end: np.ndarray, hidden: bool
    ) -> np.ndarray:
        x = one_hot(inputs, self.input_size, dtype=self.dtype)
        units = self.hidden_size if hidden else self.output_size
        responses = np.zeros((len(population), int((end - begin).sum()), units), self.dtype)
        respond(*self._rule, *self._layer, population, x, begin, end, hidden, responses)
        return responses

    def _begun(self, population: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        members = len(population)
        return np.zeros((members, *self._states.shape), self.dtype), np.zeros((members, self.hidden_size), self.dtype)

    def _advance(
        self, population: np.ndarray, memory: Any, inputs: np.ndarray, awake: np.ndarray, hidden: bool
    ) -> np.ndarray:
        units = self.hidden_size if hidden else self.output_size
        responses = np.zeros((len(population), units), self.dtype)
        with unchanged(self._parameters, self._states, self._h):
            advance(*self._rule, *self._layer, population, inputs, *memory, awake, hidden, responses)
        return responses
