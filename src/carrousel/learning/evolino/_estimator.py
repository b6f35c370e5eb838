"""Evolino as an estimator of scikit-learn's kind: a regressor of sequences, and a generator in closed loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score

from carrousel._format import Format, fitted, whole
from carrousel._spread import spreading
from carrousel.learning._steps import check_counts
from carrousel.learning.evolino._candidates import Cells, Lessons, ReadoutFitness
from carrousel.learning.evolino._readout import READOUTS, with_ones
from carrousel.learning.evolution import SubPopulations, evolve

__all__ = ["FORMAT", "Evolino"]

FORMAT = Format("carrousel-evolino", 1, "an Evolino")


class Evolino(RegressorMixin, BaseEstimator):
    """Learns sequences with memory cells whose weights are evolved; those of the outputs are computed for each network.

    A network of cells is driven with a sequence, the right outputs of the step before being fed back. The outputs'
    weights are then the best ones for what its cells said, by pseudo-inverse or by support vectors. A network is as fit
    as its outputs are near to the right ones when, after the washout, they hear themselves. Each cell has a
    subpopulation of its own (:class:`carrousel.learning.evolution.SubPopulations`).

    J. Schmidhuber, D. Wierstra, M. Gagliolo, F. Gomez: Training recurrent networks by Evolino. Neural Computation 19,
    2007; with support vectors J. Schmidhuber, M. Gagliolo, D. Wierstra, F. Gomez: Evolino for recurrent support vector
    machines, 2005. A cell's output is its output gate times the tanh of its state, as in LSTM.

    Args:
        cells: the number of memory cells.
        readout: ``"pinv"`` or ``"svm"``.
        washout: steps at the beginning of each sequence that count for nothing.
        feedback: outputs of the step before are inputs by this factor; 0 for none, where there are inputs.
        forget_bias: what biases of forget gates are at first, but for ``spread``: a large one lets cells remember.
        held: the share of each sequence, its last steps, that outputs are not fitted to, but networks are judged by;
            with 0 all steps are for both.
        generations: how many there are.
        target: the root mean squared error with which evolution ends before.
        population: chromosomes of each cell.
        trials: networks that each chromosome is tried in.
        spread: first weights are uniform within this of 0.
        parents: the share of a subpopulation that has children, and lives on.
        crossover: the probability of a second parent.
        mutation: the probability with which a child's weight is changed.
        scale: of the change, which is Cauchy distributed.
        patience: generations without a better network before a burst around the best one; None for never.
        burst: scale of the burst.
        C: what an error costs a support vector machine.
        epsilon: errors up to this cost it nothing.
        state: a file from which a killed evolution goes on.
        jobs: support vector machines that are fitted at a time.
        random_state: a whole number, the seed.

    Attributes:
        weights_: ``[weights]``, those of the fittest network's cells.
        readout_: ``[outputs, features + 1]``; features are the cells, then the inputs, then 1.
        error_: root mean squared error of the fittest network, as it was judged.
        generations_, n_features_in_: numbers of generations and of inputs.

    >>> wave = np.sin(0.3 * np.arange(300))
    >>> model = Evolino(4, washout=30, generations=15, random_state=0).fit(None, wave[:200])
    >>> ahead = model.generate(50, wave[:200])
    >>> bool(np.abs(ahead - wave[200:250]).max() < 0.2)
    True
    """

    def __init__(
        self,
        cells: int = 10,
        *,
        readout: str = "pinv",
        washout: int = 100,
        feedback: float = 0.001,
        forget_bias: float = 0.0,
        held: float = 0.0,
        generations: int = 50,
        target: float | None = None,
        population: int = 20,
        trials: int = 2,
        spread: float = 0.1,
        parents: float = 0.25,
        crossover: float = 0.5,
        mutation: float = 0.5,
        scale: float = 0.003,
        patience: int | None = 20,
        burst: float = 0.1,
        C: float = 100.0,
        epsilon: float = 1e-3,
        state: str | Path | None = None,
        jobs: int = 1,
        random_state: int = 0,
    ) -> None:
        self.cells = cells
        self.readout = readout
        self.washout = washout
        self.feedback = feedback
        self.forget_bias = forget_bias
        self.held = held
        self.generations = generations
        self.target = target
        self.population = population
        self.trials = trials
        self.spread = spread
        self.parents = parents
        self.crossover = crossover
        self.mutation = mutation
        self.scale = scale
        self.patience = patience
        self.burst = burst
        self.C = C
        self.epsilon = epsilon
        self.state = state
        self.jobs = jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Evolves networks for sequences.

        Args:
            X: each sequence's inputs: a list of arrays ``[steps, inputs]``, or one array for one sequence; None for
                sequences that are generated from nothing but what they were.
            y: each sequence's right outputs ``[steps]`` or ``[steps, outputs]``, likewise.

        Raises:
            ValueError: an argument, a shape or a number is wrong; the message says which.
        """
        self._check()
        wanted = _sequences(y, "y")
        self._flat = wanted[0].ndim == 1
        wanted = [each.reshape(len(each), -1) for each in wanted]
        inputs = [np.zeros((len(each), 0)) for each in wanted] if X is None else _sequences(X, "X")
        inputs = [each.reshape(len(each), -1) for each in inputs]
        lengths = [len(each) for each in wanted]
        if [len(each) for each in inputs] != lengths:
            raise ValueError("X and y must have the same sequences, of the same lengths")
        if min(lengths) <= self.washout + 1:
            raise ValueError(f"a sequence has {min(lengths)} steps, of which washout={self.washout} leave too few")
        if not inputs[0].shape[1] and self.feedback == 0:
            raise ValueError("without X a network hears nothing but its feedback, which must not be 0")
        self._network = Cells(inputs[0].shape[1], wanted[0].shape[1], self.cells, self.feedback, self.forget_bias)
        ends = np.cumsum(lengths)
        spans = np.stack([ends - lengths, ends], axis=1)
        lessons = Lessons(np.concatenate(inputs), np.concatenate(wanted), spans, self.washout, self.held)
        fitness = ReadoutFitness(self._network, lessons, self.readout, C=self.C, epsilon=self.epsilon)
        search = SubPopulations(
            self._network.parts, self.population, trials=self.trials, spread=self.spread, credit="best",
            parents=self.parents, survivors=self.parents, crossover=self.crossover, mutation=self.mutation,
            scale=self.scale, patience=self.patience, burst=self.burst, seed=self.random_state,
        )  # fmt: skip
        target = None if self.target is None else -(self.target**2)
        found = evolve(search, fitness, generations=self.generations, target=target, state=self.state, jobs=self.jobs)
        with spreading(1, "loky") as spread:
            readout = fitness.fitted(found.weights[None], spread)[1][0]
        self.weights_, self.readout_ = found.weights, readout.T.copy()
        self.error_, self.generations_ = float(np.sqrt(-found.fitness)), found.generations
        self.n_features_in_ = self._network.inputs
        return self

    def predict(self, X: Any) -> Any:
        """Returns what the network says to sequences, of which it is told no right output: shaped as ``y`` was.

        Args:
            X: each sequence's inputs, as for :meth:`fit`.

        Raises:
            ValueError: there are no inputs, or another number of them than in fitting.
        """
        self._fitted()
        sequences = _sequences(X, "X")
        said = [self._run(each.reshape(len(each), -1), np.zeros((0, self._network.outputs))) for each in sequences]
        return said if isinstance(X, list | tuple) else said[0]

    def generate(self, steps: int, y: Any, X: Any = None) -> np.ndarray:
        """Returns the steps that follow on ``y``, of which each but the first hears the one before it.

        Args:
            steps: how many.
            y: what was so far, ``[steps before]`` or ``[steps before, outputs]``.
            X: inputs of all these steps and of those that follow, where the network has some.

        Returns:
            ``[steps]`` or ``[steps, outputs]``.
        """
        self._fitted()
        check_counts(steps=steps)
        told = _sequences(y, "y")[0]
        told = told.reshape(len(told), -1)
        if told.shape[1] != self._network.outputs:
            raise ValueError(f"y has {told.shape[1]} outputs, and {self._network.outputs} were fitted")
        count = len(told) + steps
        inputs = np.zeros((count, 0)) if X is None else _sequences(X, "X")[0].reshape(count, -1)
        return self._run(inputs, told)[len(told) :]

    def score(self, X: Any, y: Any) -> float:
        """Returns R² of :meth:`predict` for the steps of all sequences after their washout."""
        wanted = _sequences(y, "y")
        said = _sequences(self.predict(X), "X")
        pairs = [(a[self.washout :], b[self.washout :]) for a, b in zip(wanted, said, strict=True)]
        return float(r2_score(*(np.concatenate(each) for each in zip(*pairs, strict=True))))

    def save(self, path: str | Path) -> None:
        """Writes the fitted network to one safetensors file, whole or not at all; see :meth:`load`."""
        self._fitted()
        params = {name: value for name, value in self.get_params().items() if name != "state"}
        about = {"inputs": self._network.inputs, "outputs": self._network.outputs, "flat": self._flat}
        facts = {"params": params, **about, "error": self.error_, "generations": self.generations_}
        FORMAT.write(Path(path), facts, {"weights": self.weights_, "readout": self.readout_})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads what :meth:`save` wrote.

        Raises:
            ValueError: it is not such a file, or is damaged.
        """
        with FORMAT.reading(path) as (facts, arrays):
            model = cls(**facts["params"])
            model._check()
            inputs, outputs = whole(facts["inputs"], "its inputs"), whole(facts["outputs"], "its outputs", least=1)
            check_counts(cells=model.cells)
            features = model.cells + inputs + 1
            if arrays["readout"].shape != (outputs, features):
                raise ValueError(f"its readout is {list(arrays['readout'].shape)}, not {[outputs, features]}")
            heard = max(inputs + outputs * (model.feedback != 0), 1)
            size = 4 * model.cells * (heard + model.cells + 1)
            arrays = fitted(arrays, {"weights": ((size,), np.float64), "readout": ((outputs, features), np.float64)})
            if not isinstance(facts["flat"], bool) or (facts["flat"] and outputs > 1):
                raise ValueError(f"its outputs cannot be flat={facts['flat']!r}")
            model._network = Cells(inputs, outputs, model.cells, model.feedback, model.forget_bias)
            model._flat = facts["flat"]
            model.weights_, model.readout_ = arrays["weights"], arrays["readout"]
            model.error_, model.generations_ = facts["error"], whole(facts["generations"], "its generations")
            model.n_features_in_ = inputs
        return model

    def _check(self) -> None:
        check_counts(cells=self.cells, generations=self.generations)
        check_counts(0, washout=self.washout)
        if self.readout not in READOUTS:
            raise ValueError(f"readout must be one of {', '.join(READOUTS)}; got {self.readout!r}")
        if not isinstance(self.feedback, int | float) or not np.isfinite(self.feedback):
            raise ValueError(f"feedback must be a finite number, got {self.feedback!r}")
        if not isinstance(self.forget_bias, int | float) or not np.isfinite(self.forget_bias):
            raise ValueError(f"forget_bias must be a finite number, got {self.forget_bias!r}")
        if not isinstance(self.held, int | float) or not 0 <= self.held < 1:
            raise ValueError(f"held must be a share from 0 to less than 1, got {self.held!r}")

    def _fitted(self) -> None:
        if not hasattr(self, "weights_"):
            raise NotFittedError("this Evolino is not fitted yet; call fit first")

    def _run(self, inputs: np.ndarray, told: np.ndarray) -> np.ndarray:
        if inputs.shape[1] != self._network.inputs:
            raise ValueError(f"X has {inputs.shape[1]} inputs, and {self._network.inputs} were fitted")
        population, readouts = self.weights_[None], self.readout_.T[None]
        if self.feedback == 0:  # nothing waits for what was said: all steps at once
            lessons = Lessons(
                inputs, np.zeros((len(inputs), self._network.outputs)), np.array([[0, len(inputs)]]), 0, 0.0
            )
            said = (with_ones(self._network.forced(population, lessons)) @ readouts)[0]
        else:
            said = self._network.free(population, readouts, inputs[None], told[None], len(inputs))[0]
        return said[:, 0] if self._flat else said


def _sequences(values: Any, name: str) -> list[np.ndarray]:
    """Returns sequences as a list of arrays ``[steps, ...]`` of finite numbers.

    Raises:
        ValueError: there are none, or one is no such array.
    """
    if values is None:
        raise ValueError(f"{name} must be sequences, got None")
    arrays = [np.asarray(each, np.float64) for each in (values if isinstance(values, list | tuple) else [values])]
    if not arrays or any(each.ndim not in (1, 2) or not len(each) for each in arrays):
        raise ValueError(f"{name} must be a list of arrays [steps, numbers], or one such array")
    if len({each.shape[1:] for each in arrays}) > 1:
        raise ValueError(f"the sequences of {name} have different numbers of columns")
    for number, each in enumerate(arrays):
        if not np.isfinite(each).all():
            raise ValueError(f"sequence {number} of {name} holds a NaN or an infinity")
    return arrays
