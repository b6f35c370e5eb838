"""What learners have in common: four roles, each a few verbs. A learner has the roles that it can fill.

Inputs are ``[steps, input_size]``, or ``[steps]`` whole numbers, each the one input unit that is 1, -1 for none.
Targets are ``[steps, output_size]``, a row of NaN being no target, or ``[steps]`` whole numbers, each the one output
unit that should be 1, -1 for no target. A learner that takes less says so, and refuses the rest.

A role checks what it is given, with the same words for every learner, and leaves to the learner one method, whose
name begins with an underscore.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from carrousel.learning._steps import (
    EVERY_STEP,
    LAST_STEP,
    LEARN,
    SILENT,
    TRACE,
    checked_inputs,
    checked_spans,
    checked_targets,
    joined,
)

__all__ = [
    "UNOBSERVED",
    "Acting",
    "Responding",
    "Sensitive",
    "Sequential",
    "Streaming",
    "checked_vector",
    "checked_weights",
    "unchanged",
]

UNOBSERVED = "sensitivities are those of the last step that was observed: call observe_many or observe_one first"


class _Learner(ABC):
    """A learner of any role.

    Attributes:
        input_size, output_size: the numbers of input and output units.
        dtype: that of the weights.
    """

    input_size: int
    output_size: int
    dtype: np.dtype = np.dtype(np.float64)

    @property
    @abstractmethod
    def weight_count(self) -> int:
        """The number of weights."""

    @classmethod
    @abstractmethod
    def example(cls, seed: int = 0) -> Self:
        """Returns a small learner of this kind, on which the contract of its roles is tested."""

    def _inputs(self, inputs: Any) -> np.ndarray:
        return checked_inputs(inputs, self.input_size, self.dtype)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return checked_targets(targets, steps, self.output_size, self.dtype)


class Sequential(_Learner):
    """A learner that is taught by whole sequences, and begins each of them anew.

    Wherever a method takes ``spans``, inputs and targets are the steps of all sequences, and ``spans``
    ``[sequences, 2]`` says where in them each begins and ends; they can overlap and recur. Without spans they are lists
    of each sequence's steps.
    """

    @property
    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name; assign to change them."""

    @property
    def weight_count(self) -> int:
        """The number of weights."""
        return sum(w.size for w in self.weights.values())

    def learn_sequences(self, inputs: Any, targets: Any, spans: Any = None) -> None:
        """Learns from sequences."""
        self._whole(inputs, targets, spans, True, SILENT)

    def learn_and_answer(self, inputs: Any, targets: Any, spans: Any = None) -> np.ndarray:
        """Learns from sequences; returns the outputs at each one's last step, ``[sequences, output_size]``.

        They are from before that step, or the end of that sequence, changed weights.

        Raises:
            ValueError: a sequence has no step.
        """
        return self._whole(inputs, targets, spans, True, LAST_STEP)

    def sequence_outputs(self, inputs: Any, spans: Any = None) -> np.ndarray:
        """Returns the outputs ``[steps of all sequences, output_size]``; nothing changes."""
        return self._whole(inputs, None, spans, False, EVERY_STEP)

    def answers(self, inputs: Any, spans: Any = None) -> np.ndarray:
        """Returns the outputs at each sequence's last step, ``[sequences, output_size]``; nothing changes.

        Raises:
            ValueError: a sequence has no step.
        """
        return self._whole(inputs, None, spans, False, LAST_STEP)

    def ready(self) -> None:
        """Compiles what teaching needs; nothing changes."""
        none = np.zeros(0, np.int64)
        inputs, targets = self._inputs(none), self._targets(none, 0)
        self._sequences(inputs, targets, none, none, SILENT)
        self._sequences(inputs, None, none, none, LAST_STEP)

    def _whole(self, inputs: Any, targets: Any, spans: Any, learns: bool, telling: int, **more: Any) -> np.ndarray:
        if spans is None:
            inputs, targets, spans = joined(inputs, targets, self.input_size)
        inputs = self._inputs(inputs)
        targets = self._targets(targets, len(inputs)) if learns else None
        begin, end = checked_spans(spans, len(inputs), nonempty=telling == LAST_STEP)
        return self._sequences(inputs, targets, begin, end, telling, **more)

    @abstractmethod
    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        """Learns from checked sequences, or without targets changes nothing; returns the outputs that are wanted.

        Args:
            inputs: ``[steps, inputs]`` in the learner's dtype, or ``[steps]`` codes.
            targets: ``[steps, outputs]``, or ``[steps]`` codes; None for a forward pass alone.
            begin: the first step of each sequence, ``[sequences]``.
            end: the step after its last, likewise.
            telling: SILENT, EVERY_STEP or LAST_STEP: which outputs are wanted.
        """


class Streaming(_Learner):
    """A learner that is taught by a stream, step after step, of which it remembers what it needs."""

    def learn_many(self, inputs: Any, targets: Any, *, tell: bool = False) -> np.ndarray | None:
        """Goes on with the stream for some steps, and learns from every step that has a target.

        Args:
            inputs: the steps.
            targets: a target for each, or none.
            tell: whether to return the outputs ``[steps, output_size]``, each from before its target changed weights.

        Raises:
            ValueError: a shape is wrong or a number is not finite; nothing has changed then.
        """
        inputs = self._inputs(inputs)
        return self._stream(inputs, self._targets(targets, len(inputs)), LEARN, tell)

    def learn_one(self, input: Any, target: Any) -> None:
        """Learns from one step of :meth:`learn_many`."""
        self.learn_many(np.asarray(input)[None], np.asarray(target)[None])

    def observe_many(self, inputs: Any, *, tell: bool = False) -> np.ndarray | None:
        """Goes on with the stream without learning; later errors still know what happened here.

        Args:
            inputs: the steps.
            tell: whether to return the outputs ``[steps, output_size]``.
        """
        return self._stream(self._inputs(inputs), None, TRACE, tell)

    def observe_one(self, input: Any) -> None:
        """Observes one step of :meth:`observe_many`."""
        self.observe_many(np.asarray(input)[None])

    @abstractmethod
    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""

    def predict_one(self, input: Any) -> np.ndarray:
        """Returns the outputs of the next step, ``[output_size]``; nothing changes."""
        return self.predict_many(np.asarray(input)[None])[0]

    @abstractmethod
    def reset(self) -> None:
        """Begins a new sequence: the stream so far is forgotten, what was learned is not."""

    def ready(self) -> None:
        """Compiles what the stream needs; nothing changes."""
        self._stream(self._inputs(np.zeros((0, self.input_size))), None, TRACE, False)

    @abstractmethod
    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        """Goes on with checked steps; returns the outputs with ``tell``. ``learning`` is TRACE or LEARN."""


class Sensitive(Streaming):
    """A learner that knows its outputs' derivatives by its weights: filters and eligibility traces need them."""

    @property
    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name; assign to change them."""

    @property
    @abstractmethod
    def vector(self) -> np.ndarray:
        """All weights ``[weights]``, not to be written to; assign another to change them."""

    @abstractmethod
    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what belongs to each weight, ``[weights]``, under the names and in the shapes of ``weights``."""

    @abstractmethod
    def sensitivities(self) -> np.ndarray:
        """Returns the derivatives ``[output_size, weights]`` of the last observed step's outputs, by its rule.

        Raises:
            ValueError: no step was observed since the beginning, a reset, or a change of weights.
        """


class Responding(_Learner):
    """A learner that answers for a whole population of weights, from which guessing and evolution choose."""

    def respond(self, population: Any, inputs: Any, spans: Any, *, hidden: bool = False) -> np.ndarray:
        """Returns each member's outputs for sequences, each from the beginning; the learner itself does not change.

        Args:
            population: ``[members, weight_count]``.
            inputs: the steps of all sequences.
            spans: ``[sequences, 2]``, where in the steps each sequence begins and ends.
            hidden: whether to return the activations of the hidden units, and not the outputs.

        Returns:
            ``[members, steps of all sequences, output_size or hidden units]``.
        """
        inputs = self._inputs(inputs)
        begin, end = checked_spans(spans, len(inputs))
        return self._respond(self._population(population), inputs, begin, end, hidden)

    def acting(self, population: Any) -> Acting:
        """Returns a population at the beginning of a sequence, each member of which is given inputs of its own.

        Args:
            population: ``[members, weight_count]``.
        """
        return Acting(self, self._population(population))

    def units(self) -> list[np.ndarray]:
        """Returns which weights belong to which unit: their places, each in one of the arrays; for evolution by parts.

        A learner that does not say otherwise is one part.
        """
        return [np.arange(self.weight_count)]

    def _population(self, population: Any) -> np.ndarray:
        population = np.ascontiguousarray(population, self.dtype)
        if population.ndim != 2 or population.shape[1] != self.weight_count:
            raise ValueError(f"a population must be [members, {self.weight_count}], got {list(population.shape)}")
        if not np.isfinite(population).all():
            raise ValueError("a population must be of finite numbers")
        return population

    @abstractmethod
    def _respond(
        self, population: np.ndarray, inputs: np.ndarray, begin: np.ndarray, end: np.ndarray, hidden: bool
    ) -> np.ndarray:
        """Returns the outputs of a checked population for checked sequences."""

    def _begun(self, population: np.ndarray) -> Any:
        """Returns what a checked population remembers before its first step; here all that it will be given."""
        return [[] for _ in population]

    def _advance(
        self, population: np.ndarray, memory: Any, inputs: np.ndarray, awake: np.ndarray, hidden: bool
    ) -> np.ndarray:
        """Takes members that are ``awake`` a step on and returns outputs of all, 0 of the others.

        Here every step goes through all that were before it. A learner that can hold its members' states does better.
        """
        told = None
        for member in np.flatnonzero(awake):
            memory[member].append(inputs[member])
            span = np.zeros(1, np.int64), np.array([len(memory[member])])
            steps = np.stack(memory[member])
            said = self._respond(population[member : member + 1], steps, *span, hidden)[0, -1]
            if told is None:
                told = np.zeros((len(population), len(said)), said.dtype)
            told[member] = said
        return np.zeros((len(population), self.output_size), self.dtype) if told is None else told


class Acting:
    """A population in the middle of sequences, one for each member: what it says next depends on what it was given.

    Made by :meth:`Responding.acting`.
    """

    def __init__(self, learner: Responding, population: np.ndarray) -> None:
        self._learner, self._population = learner, population
        self._memory = learner._begun(population)
        self._all = np.ones(len(population), bool)

    def step(self, inputs: Any, awake: np.ndarray | None = None, *, hidden: bool = False) -> np.ndarray:
        """Gives each member an input and returns their outputs.

        Args:
            inputs: ``[members, input_size]``.
            awake: bools ``[members]``, which of them go on; None for all. The others stay where they are.
            hidden: whether to return the activations of the hidden units, and not the outputs.

        Returns:
            ``[members, output_size or hidden units]``; 0 for members that did not go on.

        Raises:
            ValueError: a shape is wrong, or a number is not finite; nothing has changed then.
        """
        learner, members = self._learner, len(self._population)
        inputs = np.ascontiguousarray(inputs, learner.dtype)
        if inputs.shape != (members, learner.input_size):
            raise ValueError(f"inputs must be [{members}, {learner.input_size}], got {list(inputs.shape)}")
        awake = self._all if awake is None else np.ascontiguousarray(awake, bool)
        if awake.shape != (members,):
            raise ValueError(f"awake must be [{members}] bools, got {list(awake.shape)}")
        if not np.isfinite(inputs).all():
            raise ValueError(f"an input of member {int(np.argmin(np.isfinite(inputs).all(1)))} is not finite")
        return learner._advance(self._population, self._memory, inputs, awake, hidden)


@contextmanager
def unchanged(*arrays: np.ndarray) -> Iterator[None]:
    """Undoes what happens to arrays within the ``with``."""
    before = [array.copy() for array in arrays]
    try:
        yield
    finally:
        for array, old in zip(arrays, before, strict=True):
            array[:] = old


def checked_weights(weights: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Returns weights by name in float64, in the order of ``shapes``.

    Raises:
        ValueError: a name is missing or unknown, a shape is another, or a number is not finite.
    """
    if set(weights) != set(shapes):
        raise ValueError(f"weights must be named {', '.join(shapes)}; got {', '.join(weights)}")
    arrays = {name: np.asarray(weights[name], np.float64) for name in shapes}
    for name, value in arrays.items():
        if value.shape != shapes[name]:
            raise ValueError(f"{name} must have the shape {shapes[name]}, got {value.shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds a NaN or an infinity")
    return arrays


def checked_vector(vector: Any, count: int, dtype: np.dtype) -> np.ndarray:
    """Returns a vector of weights ``[count]``.

    Raises:
        ValueError: the shape is another, or a number is not finite.
    """
    weights = np.asarray(vector, dtype)
    if weights.shape != (count,):
        raise ValueError(f"there must be {count} weights, got {list(weights.shape)}")
    if not np.isfinite(weights).all():
        raise ValueError(f"weight {int(np.argmin(np.isfinite(weights)))} is a NaN or an infinity")
    return weights
