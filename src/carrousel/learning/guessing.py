"""Random weight guessing: small recurrent networks whose weights are drawn again and again until one is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import tanh
from typing import Any

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import Responding, checked_vector
from carrousel.learning._steps import checked_spans

__all__ = ["Guess", "GuessedNetwork", "go_forward"]

_SQUASHES = ("logistic", "tanh")
_WORDS = ("input", "hidden", "self", "output", "bias")
_LARGEST = 4096  # draws that are held at a time


@dataclass(frozen=True)
class Guess:
    """The result of a search.

    Attributes:
        weights: ``[weights]``, the first draw that was right on every sequence; None if there was none.
        draws: how many were drawn, that one included.
        steps: how many steps of sequences all of them took together.
    """

    weights: np.ndarray | None
    draws: int
    steps: int


@dataclass(frozen=True)
class GuessedNetwork(Responding):
    """A layer of hidden units and one output unit, with weights that are guessed.

    In a step all hidden units are computed from the step's input and the activations of the step before, then the
    output unit from the step's input, the new activations of the hidden units and its own of the step before. All
    activations are 0 when a sequence begins. A sequence is right if the output after its last step is near the target.

    Schmidhuber & Hochreiter 1996, "Guessing can outperform many long time lag algorithms".

    Args:
        inputs, hidden: the numbers of units.
        feeds: what ``"hidden"`` and ``"output"`` see, words out of ``input hidden self output bias``; ``hidden`` is
            the whole layer, ``self`` the unit itself. What is not named sees everything.
        squash: of all units, ``"logistic"`` or ``"tanh"``.
        unweighted: how many of the inputs, the last ones, come with a weight that is 1 and not guessed.

    Raises:
        ValueError: a group, a word or a squashing function is not among these.

    >>> latch = GuessedNetwork(1, 0, {"output": "input self bias"}, "tanh")
    >>> steps, spans = [[1.0], [0.0], [0.0], [-1.0], [0.0], [0.0]], [[0, 2], [3, 5], [0, 3], [3, 6]]
    >>> guess = latch.guess(steps, [1.0, -1.0, 1.0, -1.0], spans, seed=0)
    >>> latch.answers(guess.weights, [[-1.0], [0.0], [0.0], [0.0]], [[0, 4]]).round().tolist()
    [-1.0]
    """

    inputs: int
    hidden: int
    feeds: Mapping[str, str] = field(default_factory=dict)
    squash: str = "logistic"
    unweighted: int = 0

    def __post_init__(self) -> None:
        if self.squash not in _SQUASHES:
            raise ValueError(f"squash must be one of {', '.join(_SQUASHES)}; got {self.squash!r}")
        if not 0 <= self.unweighted <= self.inputs:
            raise ValueError(f"unweighted must be at most the {self.inputs} inputs, got {self.unweighted}")
        for group, words in self.feeds.items():
            unknown = [word for word in words.split() if word not in _WORDS]
            if group not in ("hidden", "output") or unknown:
                raise ValueError(f"feeds are those of hidden and output, out of {' '.join(_WORDS)}; got {self.feeds}")

    @property
    def input_size(self) -> int:  # type: ignore[override]
        """The number of inputs."""
        return self.inputs

    @property
    def output_size(self) -> int:  # type: ignore[override]
        """The number of outputs, one."""
        return 1

    @property
    def weight_count(self) -> int:
        """The number of weights that are guessed."""
        return int(self._is_guessed.sum())

    def guess(
        self,
        inputs: Any,
        targets: Any,
        spans: Any,
        *,
        tolerance: float = 0.1,
        reach: float = 100.0,
        limit: int = 1_000_000,
        seed: int | np.random.Generator | None = 0,
    ) -> Guess:
        """Draws weights until all sequences are right.

        Most draws fail on the first or second sequence and cost no more: both classes should come early.

        Args:
            inputs: ``[steps, inputs]``, of all sequences.
            targets: ``[sequences]``.
            spans: ``[sequences, 2]``, where in the steps each sequence begins and ends.
            tolerance: an output is right if it is less than this from its target.
            reach: weights are uniform in [-reach, reach].
            limit: the number of draws after which the search ends without success.
            seed: of the draws.
        """
        rng = np.random.default_rng(seed)
        inputs = self._inputs(inputs)
        spans = np.stack(checked_spans(spans, len(inputs)), 1)
        targets = np.asarray(targets, np.float64)
        if targets.shape != (len(spans),):
            raise ValueError(f"there must be a target for each of {len(spans)} sequences, got {targets.shape}")
        draws, steps, size = 0, 0, 64
        while draws < limit:
            drawn = rng.uniform(-reach, reach, (min(size, limit - draws), self.weight_count))
            hit, taken = _search(*self._arguments, self._with_ones(drawn), inputs, spans, targets, tolerance)
            steps += taken
            if hit < len(drawn):
                return Guess(drawn[hit], draws + hit + 1, steps)
            draws, size = draws + len(drawn), min(2 * size, _LARGEST)
        return Guess(None, draws, steps)

    def answers(self, weights: np.ndarray, inputs: Any, spans: Any) -> np.ndarray:
        """Returns the outputs after the last step of each sequence, ``[sequences]``, 0 where it has none."""
        weights = checked_vector(weights, self.weight_count, self.dtype)
        inputs = self._inputs(inputs)
        spans = np.stack(checked_spans(spans, len(inputs)), 1)
        return _answers(*self._arguments, self._with_ones(weights[None])[0], inputs, spans)

    @classmethod
    def example(cls, seed: int = 0) -> GuessedNetwork:
        """Returns a small learner of this kind; it has no weights of its own, and so no use for a seed."""
        return cls(2, 3, squash="tanh", unweighted=1)

    def _inputs(self, inputs: Any) -> np.ndarray:
        steps = super()._inputs(inputs)
        if steps.ndim == 2:
            return steps
        return np.where(steps[:, None] == np.arange(self.inputs), 1.0, 0.0)

    def _respond(
        self, population: np.ndarray, inputs: np.ndarray, begin: np.ndarray, end: np.ndarray, hidden: bool
    ) -> np.ndarray:
        units = self.hidden if hidden else 1
        responses = np.zeros((len(population), int((end - begin).sum()), units))
        members = self._with_ones(population)
        _respond(*self._arguments, members, inputs, np.stack([begin, end], 1), hidden, responses)
        return responses

    def _begun(self, population: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.zeros((len(population), self.inputs + 2 * (self.hidden + 2)))
        values[:, self.inputs] = 1.0
        return self._with_ones(population), values

    def compiled(self, population: np.ndarray) -> tuple[Any, ...]:
        """Returns what :func:`go_forward` takes before its step: wiring, and all weights ``[members, connections]``."""
        return (*self._arguments, self._with_ones(population))

    def _advance(
        self, population: np.ndarray, memory: Any, inputs: np.ndarray, awake: np.ndarray, hidden: bool
    ) -> np.ndarray:
        outputs = np.zeros((len(population), self.hidden if hidden else 1))
        weights, values = memory
        _advance(*self._arguments, weights, inputs, awake, hidden, values, outputs)
        return outputs

    def units(self) -> list[np.ndarray]:
        """Returns which weights belong to which hidden unit: those into it, and its own to the output unit.

        What the output unit sees besides is a part of its own, if there is any.
        """
        sources, starts, _, _ = self._arguments
        place = np.cumsum(self._is_guessed) - 1
        owner = np.repeat(np.arange(self.hidden + 1), np.diff(starts))
        shown = sources - (self.inputs + 2 + self.hidden)  # the hidden unit of this step that the output sees
        owner = np.where((owner == self.hidden) & (shown >= 0), shown, owner)
        parts = [place[self._is_guessed & (owner == unit)] for unit in range(self.hidden + 1)]
        return [part for part in parts if len(part)]

    @cached_property
    def _wiring(self) -> tuple[list[int], list[int]]:
        """The sources of all units one after the other, and where each unit's begin.

        Sources are places in a step's values: inputs, 1 for the bias, hidden units and output of the step before,
        hidden units of this step.
        """
        i, h = self.inputs, self.hidden
        old, new = list(range(i + 1, i + 1 + h)), list(range(i + 2 + h, i + 2 + 2 * h))
        sources: list[int] = []
        starts = [0]
        for unit in range(h + 1):
            group = "hidden" if unit < h else "output"
            words = self.feeds.get(group, "input hidden output bias").split()
            sources += range(i) if "input" in words else ()
            sources += [i] if "bias" in words else ()
            if unit < h:
                sources += old if "hidden" in words else [old[unit]] if "self" in words else []
                sources += [i + 1 + h] if "output" in words else []
            else:
                sources += new if "hidden" in words else []
                sources += [i + 1 + h] if "output" in words or "self" in words else []
            starts.append(len(sources))
        return sources, starts

    @cached_property
    def _arguments(self) -> tuple[np.ndarray, np.ndarray, int, bool]:
        """The first arguments of the compiled functions."""
        sources, starts = self._wiring
        return np.array(sources, np.int64), np.array(starts, np.int64), self.inputs, self.squash == "tanh"

    @cached_property
    def _is_guessed(self) -> np.ndarray:
        """Whether the weight is guessed, ``[connections]``."""
        sources = self._arguments[0]
        return (sources < self.inputs - self.unweighted) | (sources >= self.inputs)

    def _with_ones(self, guessed: np.ndarray) -> np.ndarray:
        """Returns guessed weights ``[draws, weights]`` with those that are 1 among them, ``[draws, connections]``."""
        if self._is_guessed.all():
            return guessed
        weights = np.ones((len(guessed), len(self._is_guessed)))
        weights[:, self._is_guessed] = guessed
        return weights


@jit
def _squashed(x, is_tanh):
    if is_tanh:
        return tanh(x)
    # Beyond 40 the logistic function is 1 to the last bit, or so near to 0 that no weight brings it back.
    if x > 40.0:
        return 1.0
    if x < -40.0:
        return 0.0
    return logistic(x)


@jit
def go_forward(sources, starts, n_inputs, is_tanh, weights, inputs, t, values):
    """Goes a step forward; ``values`` are inputs, 1, old hidden units, the output, new hidden units."""
    n = len(starts) - 2
    new = n_inputs + 2 + n
    for k in range(n_inputs):
        values[k] = inputs[t, k]
    for unit in range(n + 1):
        total = 0.0
        for k in range(starts[unit], starts[unit + 1]):
            total += weights[k] * values[sources[k]]
        # The output comes last, so nothing of this step sees its new value.
        values[new + unit if unit < n else new - 1] = _squashed(total, is_tanh)
    for unit in range(n):
        values[n_inputs + 1 + unit] = values[new + unit]


@jit
def _answer(sources, starts, n_inputs, is_tanh, weights, inputs, begin, end, values):
    values[:] = 0.0
    values[n_inputs] = 1.0
    for t in range(begin, end):
        go_forward(sources, starts, n_inputs, is_tanh, weights, inputs, t, values)
    return values[n_inputs + len(starts) - 1]


@entry
def _respond(sources, starts, n_inputs, is_tanh, population, inputs, spans, hidden, responses):
    """Writes all steps' outputs, or hidden activations, of a population ``[members, connections]``."""
    n = len(starts) - 2
    values = np.zeros(n_inputs + 2 * len(starts))
    first = n_inputs + 1 if hidden else n_inputs + 1 + n
    for member in range(len(population)):
        written = 0
        for s in range(len(spans)):
            values[:] = 0.0
            values[n_inputs] = 1.0
            for t in range(spans[s, 0], spans[s, 1]):
                go_forward(sources, starts, n_inputs, is_tanh, population[member], inputs, t, values)
                for k in range(responses.shape[2]):
                    responses[member, written, k] = values[first + k]
                written += 1


@entry
def _advance(sources, starts, n_inputs, is_tanh, population, inputs, awake, hidden, values, outputs):
    """Takes members ``[members, connections]`` that are awake a step on; writes outputs, or hidden activations."""
    first = n_inputs + 1 if hidden else n_inputs + len(starts) - 1
    for member in range(len(population)):
        if awake[member]:
            go_forward(sources, starts, n_inputs, is_tanh, population[member], inputs, member, values[member])
            for k in range(outputs.shape[1]):
                outputs[member, k] = values[member, first + k]


@entry
def _search(sources, starts, n_inputs, is_tanh, weights, inputs, spans, targets, tolerance):
    """Returns the first of the draws ``[draws, connections]`` that is right, or their number; and the steps it took."""
    values = np.zeros(n_inputs + 2 * len(starts))
    steps = 0
    for draw in range(len(weights)):
        right = True
        for s in range(len(spans)):
            begin, end = spans[s]
            steps += end - begin
            out = _answer(sources, starts, n_inputs, is_tanh, weights[draw], inputs, begin, end, values)
            if not abs(out - targets[s]) < tolerance:
                right = False
                break
        if right:
            return draw, steps
    return len(weights), steps


@entry
def _answers(sources, starts, n_inputs, is_tanh, weights, inputs, spans):
    values = np.zeros(n_inputs + 2 * len(starts))
    answers = np.zeros(len(spans))
    for s in range(len(spans)):
        answers[s] = _answer(sources, starts, n_inputs, is_tanh, weights, inputs, spans[s, 0], spans[s, 1], values)
    return answers
