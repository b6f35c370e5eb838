"""What evolution chooses among: networks of memory cells, as fit as their outputs are right once these are fitted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from carrousel._spread import Spread
from carrousel.learning.evolino._readout import fitted_readout, with_ones
from carrousel.learning.evolution import Fitness
from carrousel.learning.online import Learner, Network

__all__ = ["Cells", "Lessons", "ReadoutFitness"]


@dataclass(frozen=True)
class Lessons:
    """Sequences that are learned from.

    Attributes:
        inputs: ``[steps, inputs]``, of all sequences.
        wanted: ``[steps, outputs]``.
        spans: ``[sequences, 2]``, where each begins and ends.
        washout: steps at the beginning of each that count for nothing.
        held: the share of each sequence's other steps, the last ones, that the readout is not fitted to.
    """

    inputs: np.ndarray
    wanted: np.ndarray
    spans: np.ndarray
    washout: int
    held: float

    def places(self, last: bool) -> np.ndarray:
        """Returns the steps that the readout is fitted to; or those that say how fit a network is."""
        found = []
        for begin, end in self.spans:
            first = begin + self.washout
            cut = end - round(self.held * (end - first))
            found.append(np.arange(cut, end) if last and self.held else np.arange(first, end if last else cut))
        return np.concatenate(found)


class Cells:
    """A layer of memory cells with forget gates that sees inputs and, if asked, what the outputs said a step before.

    The input of a cell is not squashed, its state is by tanh on the way out; every unit has a bias.

    Attributes:
        size: the number of weights that are evolved.
        parts: those of each cell, for subpopulations.

    Biases of forget gates are evolved as their differences from ``forget_bias``.
    """

    def __init__(self, inputs: int, outputs: int, cells: int, feedback: float, forget_bias: float = 0.0) -> None:
        self.inputs, self.outputs, self.cells, self.feedback = inputs, outputs, cells, float(feedback)
        seen = inputs + outputs * (feedback != 0)
        groups = ("cell", "input_gate", "forget_gate", "output_gate")
        network = Network(
            max(seen, 1), 1, cells, forget_gates=True, input_squash="identity", output_squash="tanh",
            feeds=dict.fromkeys(groups, "input cell bias"),
        )  # fmt: skip
        self._learner = Learner(network, dtype=np.float64)
        self.size = network.weight_count - cells  # the network's own output unit is not used
        self.parts = [part[part < self.size] for part in network.units()]
        self._around = np.zeros(network.weight_count)
        self._around[self._learner.named(np.arange(network.weight_count))["forget_gate"][:, -1]] = forget_bias

    def _whole(self, population: np.ndarray) -> np.ndarray:
        return np.concatenate([population, np.zeros((len(population), self.cells))], axis=1) + self._around

    def _given(self, inputs: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Returns what the cells are given: inputs, and outputs of the step before by the factor of the feedback."""
        given = inputs if self.feedback == 0 else np.concatenate([inputs, self.feedback * said], axis=-1)
        return given if given.shape[-1] else np.zeros((*given.shape[:-1], 1))

    def forced(self, population: np.ndarray, lessons: Lessons) -> np.ndarray:
        """Returns what readouts see where the right outputs are fed back, ``[members, steps, features]``.

        Features are the cells' outputs and the inputs.
        """
        before = np.zeros_like(lessons.wanted)
        for begin, end in lessons.spans:
            before[begin + 1 : end] = lessons.wanted[begin : end - 1]
        given = self._given(lessons.inputs, before)
        cells = self._learner.respond(self._whole(population), given, lessons.spans, hidden=True)[:, :, : self.cells]
        inputs = np.broadcast_to(lessons.inputs, (len(population), *lessons.inputs.shape))
        return np.concatenate([cells, inputs], axis=2)

    def free(
        self, population: np.ndarray, readouts: np.ndarray, inputs: np.ndarray, told: np.ndarray, steps: int
    ) -> np.ndarray:
        """Returns what outputs say who hear themselves as soon as they are told no more.

        Args:
            population: ``[members, size]``.
            readouts: ``[members, features + 1, outputs]``.
            inputs: ``[members, steps, inputs]``.
            told: ``[members, steps told, outputs]``, the right outputs of the first steps.
            steps: how many there are.

        Returns:
            ``[members, steps, outputs]``.
        """
        acting = self._learner.acting(self._whole(population))
        said = np.zeros((len(population), steps, self.outputs))
        heard = np.zeros((len(population), self.outputs))
        for t in range(steps):
            cells = acting.step(self._given(inputs[:, t], heard), hidden=True)[:, : self.cells]
            features = with_ones(np.concatenate([cells, inputs[:, t]], axis=1))
            said[:, t] = (features[:, None] @ readouts)[:, 0]
            heard = told[:, t] if t < told.shape[1] else said[:, t]
        return said


class ReadoutFitness(Fitness):
    """Minus the mean squared error of networks whose readouts are fitted to sequences.

    Where outputs are fed back, they are their own after the washout: a network is as fit as it goes on alone.
    """

    def __init__(self, cells: Cells, lessons: Lessons, readout: str, **about: Any) -> None:
        self.cells, self.lessons, self.readout, self.about = cells, lessons, readout, about
        self._fit, self._judge = lessons.places(last=False), lessons.places(last=True)

    def fitted(self, population: np.ndarray, spread: Spread) -> tuple[np.ndarray, np.ndarray]:
        """Returns what readouts see ``[members, steps, features]``, and them ``[members, features + 1, outputs]``."""
        seen, wanted = self.cells.forced(population, self.lessons), self.lessons.wanted[self._fit]
        if self.readout == "pinv":
            return seen, fitted_readout(seen[:, self._fit], wanted)
        fit = partial(fitted_readout, how=self.readout, **self.about)
        return seen, np.stack(spread(fit, [(each[self._fit], wanted) for each in seen]))

    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns the fitness of each member, ``[members]``."""
        seen, readouts = self.fitted(population, spread)
        said = with_ones(seen) @ readouts
        if self.cells.feedback:
            for begin, end in self.lessons.spans:
                shape = len(population), end - begin
                inputs = np.broadcast_to(self.lessons.inputs[begin:end], (*shape, self.cells.inputs))
                told = self.lessons.wanted[begin : begin + self.lessons.washout]
                told = np.broadcast_to(told, (len(population), *told.shape))
                said[:, begin:end] = self.cells.free(population, readouts, inputs, told, end - begin)
        off = said[:, self._judge] - self.lessons.wanted[self._judge]
        return -np.minimum(np.mean(off**2, axis=(1, 2)), 1e300)  # a readout that is far off says so by a number
