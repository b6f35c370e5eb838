"""Fast weights: a slow network programs the weights of a fast one, which so remembers what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import UNOBSERVED, Sensitive, checked_vector, checked_weights, unchanged
from carrousel.learning._steps import LEARN, TRACE, check_counts, one_hot

__all__ = ["FastWeights"]

INTERFACES = ("direct", "from-to")
UPDATES = ("squashed", "additive", "delta")


class FastWeights(Sensitive):
    """A slow network that changes the weights of a fast one in every step, taught by the exact gradient.

    The fast network's outputs are linear in what it sees, by weights w from 0 to 1. The slow network, linear too and
    without hidden units, says how each of these changes::

        out(t) = w(t-1) x_fast(t)        w(t) = logistic(T (w(t-1) + change(t) - 1/2))

    ``"direct"``: it has an output for each fast weight, which is its change. ``"from-to"``: it has an output for each
    source and each target unit of the fast network, and a weight's change is their product: an outer product, in which
    a source is a key and a target a value. Fast weights begin at 0. The gradient is carried forward (as in RTRL), in
    O(fast weights * inputs) a step; where weights change meanwhile it is theirs of then, as the paper has it.

    J. Schmidhuber: Learning to control fast-weight memories: an alternative to dynamic recurrent networks. Neural
    Computation 4(1), 1992. That a step's output comes before its change is a choice.

    Args:
        input_size, output_size: the numbers of inputs, and of the fast network's outputs.
        slow: which inputs the slow network sees, by their places; None for all.
        fast: which the fast network sees; None for all.
        interface: ``"direct"`` or ``"from-to"``.
        update: how fast weights change: ``"squashed"``, as the paper has it, ``"additive"`` or ``"delta"``; these two
            are outer products, and want ``"from-to"``.
        steepness: T; of ``"squashed"``.
        rate: of steepest descent on half the sum of squared errors, after every step with a target.
        init: first slow weights are uniform in [-init, init].
        seed: of these.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> inputs = np.eye(2)[[0, 1, 0, 1]]
    >>> learner = FastWeights(2, 1, steepness=10.0)
    >>> learner.observe_many(inputs, tell=True).shape, learner.weight_count
    ((4, 1), 4)
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        slow: Sequence[int] | None = None,
        fast: Sequence[int] | None = None,
        interface: str = "direct",
        update: str = "squashed",
        steepness: float = 10.0,
        rate: float = 0.5,
        init: float = 0.1,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        check_counts(input_size=input_size, output_size=output_size)
        if interface not in INTERFACES:
            raise ValueError(f"interface must be one of {', '.join(INTERFACES)}; got {interface!r}")
        if update not in UPDATES:
            raise ValueError(f"update must be one of {', '.join(UPDATES)}; got {update!r}")
        if update != "squashed" and interface != "from-to":
            raise ValueError(f"update {update!r} is of outer products: it wants interface='from-to', got {interface!r}")
        for name, value in (("steepness", steepness), ("rate", rate), ("init", init)):
            if not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise ValueError(f"{name} must be a number not negative, got {value!r}")
        self.input_size, self.output_size, self.interface = int(input_size), int(output_size), interface
        self.update = update
        self.steepness, self.rate, self.dtype = float(steepness), float(rate), np.dtype(np.float64)
        self._slow, self._fast = _places("slow", slow, input_size), _places("fast", fast, input_size)
        sources, targets = len(self._fast), output_size
        rows = sources * targets if interface == "direct" else sources + targets + (update == "delta")
        self._weights = np.random.default_rng(seed).uniform(-init, init, (rows, len(self._slow)))
        self._memory = np.zeros((targets, sources))
        # Derivatives of each fast weight by the rows of slow ones that it depends on: one; a source's and a target's;
        # or where keys are a softmax those of all sources, a target's, and that of b.
        depends = (1 if interface == "direct" else 2) if update == "squashed" else sources + 2
        self._traces = np.zeros((targets, sources, depends, len(self._slow)))
        self._derivatives = np.zeros((targets, *self._weights.shape))
        self._observed = False

    @property
    def weight_count(self) -> int:
        """The number of slow weights."""
        return self._weights.size

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the slow weights: ``"slow"``, ``[outputs of the slow network, inputs]``; assign to change them.

        With ``"direct"`` its outputs are the fast weights, target after target; with ``"from-to"`` all sources, then
        all targets, then b if the update is ``"delta"``.
        """
        return {"slow": self._weights.copy()}

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights[:] = checked_weights(weights, {"slow": self._weights.shape})["slow"]
        self._observed = False

    @property
    def vector(self) -> np.ndarray:
        """All slow weights ``[weights]``, not to be written to; assign another to change them."""
        vector = self._weights.ravel().view()
        vector.flags.writeable = False
        return vector

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._weights[:] = checked_vector(vector, self.weight_count, self.dtype).reshape(self._weights.shape)
        self._observed = False

    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what belongs to each weight, ``[weights]``, under the name and in the shape of ``weights``."""
        return {"slow": np.reshape(vector, self._weights.shape).copy()}

    @property
    def memory(self) -> np.ndarray:
        """A copy of the fast weights as they are now, ``[outputs, inputs of the fast network]``."""
        return self._memory.copy()

    @classmethod
    def example(cls, seed: int = 0) -> FastWeights:
        """Returns a small learner of this kind."""
        return cls(4, 2, slow=[0, 1, 2], fast=[1, 2, 3], interface="from-to", steepness=3.0, init=1.0, seed=seed)

    def sensitivities(self) -> np.ndarray:
        """Returns the derivatives ``[output_size, weights]`` of the last observed step's outputs."""
        if not self._observed:
            raise ValueError(UNOBSERVED)
        return self._derivatives.reshape(self.output_size, -1).copy()

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        with unchanged(self._memory, self._traces, self._derivatives):
            return self._run(self._inputs(inputs), np.zeros((0, 0)))

    def reset(self) -> None:
        """Begins a new sequence: the fast weights are 0."""
        self._memory[:], self._traces[:], self._observed = 0.0, 0.0, False

    def _inputs(self, inputs: Any) -> np.ndarray:
        return one_hot(super()._inputs(inputs), self.input_size)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return one_hot(super()._targets(targets, steps), self.output_size, np.nan)

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        outputs = self._run(inputs, targets if targets is not None and learning == LEARN else np.zeros((0, 0)))
        self._observed = learning == TRACE and (len(inputs) > 0 or self._observed)
        return outputs if tell else None

    def _run(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        outputs = np.zeros((len(inputs), self.output_size))
        slow, fast = (np.ascontiguousarray(inputs[:, places]) for places in (self._slow, self._fast))
        state = self._weights, self._memory, self._traces, self._derivatives
        if self.update == "squashed":
            _run(*state, self.steepness, self.rate, self.interface == "direct", slow, fast, targets, outputs)
        else:
            _run_products(*state, self.update == "delta", self.rate, slow, fast, targets, outputs)
        if not np.isfinite(outputs).all():
            step = int(np.argmax(~np.isfinite(outputs).all(axis=1)))
            raise ValueError(f"the fast weights grew without end, to no number at step {step}: a lower rate would help")
        return outputs


def _places(name: str, places: Sequence[int] | None, size: int) -> np.ndarray:
    """Returns the places of a network's inputs.

    Raises:
        ValueError: there are none, or one is not among the inputs.
    """
    found = np.arange(size) if places is None else np.asarray(places)
    if found.ndim != 1 or not len(found) or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"{name} must be places of inputs, whole numbers; got {places!r}")
    if found.min() < 0 or found.max() >= size:
        raise ValueError(f"{name} must be places from 0 to {size - 1}, got {places!r}")
    return found


@jit
def _product(row, x):
    total = 0.0
    for j in range(len(x)):
        total += row[j] * x[j]
    return total


@entry
def _run(weights, memory, traces, derivatives, steepness, rate, direct, slow, fast, targets, outputs):
    """Runs a stream; learns from steps whose target is not NaN, if there are targets."""
    n_targets, n_sources = memory.shape
    for t in range(len(slow)):
        x, seen = slow[t], fast[t]
        derivatives[:] = 0.0
        for o in range(n_targets):
            total = 0.0
            for s in range(n_sources):
                total += memory[o, s] * seen[s]
                for j in range(len(x)):
                    if direct:
                        derivatives[o, o * n_sources + s, j] += seen[s] * traces[o, s, 0, j]
                    else:
                        derivatives[o, s, j] += seen[s] * traces[o, s, 0, j]
                        derivatives[o, n_sources + o, j] += seen[s] * traces[o, s, 1, j]
            outputs[t, o] = total
        for o in range(n_targets):
            for s in range(n_sources):
                if direct:
                    change = _product(weights[o * n_sources + s], x)
                else:
                    source, target = _product(weights[s], x), _product(weights[n_sources + o], x)
                    change = source * target
                w = logistic(steepness * (memory[o, s] + change - 0.5))
                slope = steepness * w * (1.0 - w)
                memory[o, s] = w
                for j in range(len(x)):
                    if direct:
                        traces[o, s, 0, j] = slope * (traces[o, s, 0, j] + x[j])
                    else:
                        traces[o, s, 0, j] = slope * (traces[o, s, 0, j] + target * x[j])
                        traces[o, s, 1, j] = slope * (traces[o, s, 1, j] + source * x[j])
        _learn(weights, derivatives, rate, targets, t, x, outputs)


@jit
def _learn(weights, derivatives, rate, targets, t, x, outputs):
    """Changes the slow weights by the errors of step t, unless its target is NaN or there are no targets."""
    if len(targets) and targets[t, 0] == targets[t, 0]:
        for o in range(outputs.shape[1]):
            error = targets[t, o] - outputs[t, o]
            for k in range(weights.shape[0]):
                for j in range(len(x)):
                    weights[k, j] += rate * error * derivatives[o, k, j]


@jit
def _keys(weights, x, keys):
    """Computes the softmax of the slow network's outputs for the sources."""
    highest = -np.inf
    for s in range(len(keys)):
        keys[s] = _product(weights[s], x)
        highest = max(highest, keys[s])
    total = 0.0
    for s in range(len(keys)):
        keys[s] = np.exp(keys[s] - highest)
        total += keys[s]
    for s in range(len(keys)):
        keys[s] /= total


@entry
def _run_products(weights, memory, traces, derivatives, delta, rate, slow, fast, targets, outputs):
    """Runs a stream as ``_run`` does, by outer products; ``traces [targets, sources, rows, inputs]``."""
    n_targets, n_sources = memory.shape
    keys, passed = np.zeros(n_sources), np.zeros(n_sources + 2)
    for t in range(len(slow)):
        x, seen = slow[t], fast[t]
        derivatives[:] = 0.0
        for o in range(n_targets):
            for s in range(n_sources):
                outputs[t, o] += memory[o, s] * seen[s]
                for j in range(len(x)):
                    for r in range(n_sources):
                        derivatives[o, r, j] += seen[s] * traces[o, s, r, j]
                    derivatives[o, n_sources + o, j] += seen[s] * traces[o, s, n_sources, j]
                    if delta:
                        derivatives[o, n_sources + n_targets, j] += seen[s] * traces[o, s, n_sources + 1, j]
        _keys(weights, x, keys)
        strength = logistic(_product(weights[n_sources + n_targets], x)) if delta else 1.0
        for o in range(n_targets):
            value = _product(weights[n_sources + o], x)
            held = 0.0
            if delta:
                for s in range(n_sources):
                    held += memory[o, s] * keys[s]
            off = value - held
            for j in range(len(x)):
                # What was held under the key, by each row: of what there was, and of the key itself.
                for r in range(n_sources + 2):
                    passed[r] = 0.0
                    if delta:
                        for s in range(n_sources):
                            passed[r] += keys[s] * traces[o, s, r, j]
                if delta:
                    for r in range(n_sources):
                        passed[r] += keys[r] * (memory[o, r] - held) * x[j]
                for s in range(n_sources):
                    for r in range(n_sources):
                        by_key = keys[s] * ((1.0 if r == s else 0.0) - keys[r]) * x[j]
                        traces[o, s, r, j] += strength * (off * by_key - passed[r] * keys[s])
                    traces[o, s, n_sources, j] += strength * (x[j] - passed[n_sources]) * keys[s]
                    if delta:
                        change = strength * (1.0 - strength) * x[j] * off - strength * passed[n_sources + 1]
                        traces[o, s, n_sources + 1, j] += change * keys[s]
            for s in range(n_sources):
                memory[o, s] += strength * off * keys[s]
        _learn(weights, derivatives, rate, targets, t, x, outputs)
