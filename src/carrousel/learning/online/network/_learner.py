"""The learner: a network of the papers with its weights, its running state, and the rule that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import Arrays, Declared
from carrousel.learning import _optimisers
from carrousel.learning._optimisers import PENDING, RATE, TOUCHED, Descent, Optimiser, update_steps
from carrousel.learning._progress import beginning
from carrousel.learning._protocol import (
    UNOBSERVED,
    Sensitive,
    Sequential,
    checked_vector,
    checked_weights,
    unchanged,
)
from carrousel.learning._steps import EVERY_STEP, FORWARD, LAST_STEP, LEARN, SILENT, TRACE, checked_spans
from carrousel.learning.online.network import _saved
from carrousel.learning.online.network._answering import Answering
from carrousel.learning.online.network._kernel import refreshed, run
from carrousel.learning.online.network._layout import Layout
from carrousel.learning.online.network._memory import Net, Steps
from carrousel.learning.online.network._network import Network
from carrousel.learning.online.network._rehearse import rehearse
from carrousel.learning.online.network._sense import sense

__all__ = ["Learner"]

_NO_CODES, _NO_FLAGS, _START = np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(1, np.int64)
_NO_SPANS = np.zeros((0, 2), np.int64)


class Learner(Sequential, Sensitive, Answering):
    """A learner of the LSTM papers: online, by the truncated gradient.

    Errors flow back for ever inside the carrousel, and are cut where they would leave through recurrent weights or
    peepholes. Cost and memory of a step do not depend on how many steps there were.

    Hochreiter & Schmidhuber 1997; with forget gates Gers, Schmidhuber & Cummins 2000; with peepholes Gers,
    Schraudolph & Schmidhuber 2002.

    Inputs are ``[steps, inputs]``, or ``[steps]`` whole numbers, each the one input unit that is 1, -1 for none.
    Targets are ``[steps, outputs]``, a row of NaN being no target, or ``[steps]`` whole numbers, each the one output
    unit that should be 1, -1 for no target.

    Args:
        network: the network.
        optimiser: how errors change weights; a number is the rate of plain steepest descent.
        update: when they do: ``"step"``, after every step with a target; ``"end"``, at a sequence's end; a whole
            number k, after every k-th step.
        loss: ``"squared"``, half the sum of squared errors as in the papers, or ``"cross_entropy"`` for outputs in
            [0, 1], whose delta is the plain error.
        insensitive: an output's error of less than this counts as none.
        dtype: float32 or float64.
        seed: of the initial weights.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> learner = Learner(Network(2, 1, blocks=2, init=0.5), 2.0, seed=1)
    >>> for _ in range(500):  # what was the first of these two?
    ...     learner.learn_sequences([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], [[[np.nan], [1]], [[np.nan], [0]]])
    >>> learner.sequence_outputs([[[1, 0], [0, 0]], [[0, 1], [0, 0]]])[[1, 3]].round().tolist()
    [[1.0], [0.0]]
    """

    def __init__(
        self,
        network: Network,
        optimiser: Optimiser | float = 0.1,
        *,
        update: str | int = "step",
        loss: str = "squared",
        insensitive: float = 0.0,
        dtype: Any = np.float32,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        self._declare(network, optimiser, update, loss, insensitive, dtype)
        self._take(beginning(self._declared, self.optimiser, update_steps(update)))
        self.weights = network.initial_weights(np.random.default_rng(seed))

    def _declare(self, network: Network, optimiser: Any, update: Any, loss: str, insensitive: Any, dtype: Any) -> None:
        """Checks and keeps the arguments, and declares the arrays of a learner of these."""
        self.network, self.input_size, self.output_size = network, network.inputs, network.outputs
        self.optimiser = optimiser if isinstance(optimiser, Optimiser) else Descent(optimiser)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype}")
        if loss not in ("squared", "cross_entropy"):
            raise ValueError(f"loss must be 'squared' or 'cross_entropy', got {loss!r}")
        if loss == "cross_entropy" and network.unit_squash != "sigmoid":
            raise ValueError(f"cross entropy wants unit_squash='sigmoid', got {network.unit_squash!r}")
        if not (isinstance(insensitive, int | float) and 0 <= insensitive <= np.finfo(self.dtype).max):
            raise ValueError(f"insensitive must be a number of at least 0, got {insensitive!r}")
        self.loss, self.insensitive, every = loss, float(insensitive), update_steps(update)
        self.update = update if isinstance(update, str) else every
        layout = self._layout = Layout(network, loss == "cross_entropy", self.insensitive)
        collects = _optimisers.method(self.optimiser) != 0 or every != 1
        self._declared: Declared = layout.declared(self.dtype, _optimisers.moments(self.optimiser), collects)

    def _take(self, arrays: Arrays) -> None:
        """Keeps arrays as they were declared, which nobody else may hold, and makes the working space beside them."""
        self._weights, self._gradient, self._moments = arrays["weights"], arrays["gradient"], arrays["moments"]
        self._state, self._traces, self._rates = arrays["state"], arrays["traces"], arrays["rates"]
        self._touched, self._flags, self._counters = arrays["touched"], arrays["flags"], arrays["counters"]
        layout, n, dtype = self._layout, self.network, self.dtype
        self._none = np.zeros((0, 0), dtype)
        self._observed: np.ndarray | None = None  # the last step, if it was observed
        # The arrays that a forward pass changes.
        self._passing = self._state, self._traces, self._touched, self._flags, self._counters
        self._net = Net(
            plan=layout.plan,
            sources=layout.sources,
            squash=layout.squash.astype(dtype),
            masks=layout.masks.astype(dtype),
            back=np.zeros(n.outputs * layout.head["back_size"], dtype),
            work=np.zeros(layout.work_size, dtype),
            active=np.zeros(n.inputs + 1, np.int64),
            x=np.zeros(n.inputs, dtype),
            **arrays,
        )

    @classmethod
    def example(cls, seed: int = 0) -> Learner:
        """Returns a small learner with all that a network can have."""
        network = Network(3, 2, 2, 2, hidden=2, forget_gates=True, peepholes=True, init=0.5)
        return cls(network.biased("cell output"), 0.3, dtype=np.float64, seed=seed)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name, shaped as ``network.shapes()`` says; assign to change them."""
        return self._layout.unpack(self._weights)

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        self._set_packed(self._layout.pack(checked_weights(weights, self.network.shapes()), self.dtype))

    @property
    def weight_count(self) -> int:
        """The number of weights, biases and peepholes included."""
        return self.network.weight_count

    @property
    def vector(self) -> np.ndarray:
        """All weights ``[weights]`` in the order of ``weights``, not to be written to; assign another to change them.

        It is a copy: between the weights lies what fills vectors.
        """
        vector = self._weights[self._layout.weight_places]
        vector.flags.writeable = False
        return vector

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._weights[self._layout.weight_places] = checked_vector(vector, self.weight_count, self.dtype)
        self._refresh()

    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what belongs to each weight, ``[weights]``, under the names and in the shapes of ``weights``."""
        vector = np.asarray(vector)
        flat = np.zeros(self._layout.size, vector.dtype)
        flat[self._layout.weight_places] = vector
        return self._layout.unpack(flat)

    def sensitivities(self) -> np.ndarray:
        """Returns the derivatives ``[outputs, weights]`` of the last observed step's outputs, by its rule.

        Raises:
            ValueError: no step was observed since the beginning, a reset, or a change of weights.
        """
        if self._observed is None:
            raise ValueError(UNOBSERVED)
        derivatives = np.zeros((self.network.outputs, self._layout.size), self.dtype)
        sense(*self._arguments(self._observed, None), derivatives)
        return derivatives[:, self._layout.weight_places]

    def _set_packed(self, packed: np.ndarray) -> None:
        self._weights[:] = packed
        self._refresh()

    def _refresh(self) -> None:
        """Copies the weights that errors go backwards through, when weights have changed."""
        refreshed(self._net.plan, self._net.sources, self._net.weights, self._net.back)
        self._observed = None

    @property
    def activations(self) -> dict[str, np.ndarray]:
        """The last step's activations of the hidden layer's groups by name, and the cells' ``"state"``: copies."""
        return self._layout.activations(self._state)

    @property
    def steps(self) -> int:
        """How many steps there were of learning."""
        return int(self._counters[_optimisers.STEPS])

    @property
    def rate(self) -> float:
        """The rate as it is now, which may have decayed; assign to change it."""
        return float(self._rates[RATE])

    @rate.setter
    def rate(self, rate: float) -> None:
        if not 0 <= rate < np.inf:
            raise ValueError(f"rate must be a number not negative, got {rate!r}")
        self._rates[RATE] = rate

    def follow(self, inputs: Any, targets: Any, tolerance: float, learn: bool = True, spans: Any = None) -> int:
        """Goes on with the stream until a step that has an output further than ``tolerance`` from its target.

        That step is the last one: it is learned from too, and the running state is the one after it. Steps without a
        target are right.

        Args:
            inputs: the steps.
            targets: a target for each, or none.
            tolerance: at least 0.
            learn: whether weights change. Without it the partial derivatives begin again at zero, for a forward pass
                is all that is done: later errors know nothing of what happened until then.
            spans: ``[sequences, 2]``, where in the steps sequences begin and end; the network is reset before each.
                Without them the stream goes on from the running state.

        Returns:
            The number of steps before the wrong one; if none was wrong, of all.

        >>> learner = Learner(Network(2, 2), 0.1)  # whose outputs are near 0.5 yet
        >>> learner.follow([0, 1, 0], [-1, -1, 1], tolerance=0.4)
        2
        >>> learner.follow([0, 1, 0], [-1, -1, 1], tolerance=0.6)
        3
        """
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be a number not negative, got {tolerance!r}")
        learning = LEARN if learn else FORWARD
        inputs = self._inputs(inputs)
        targets = self._targets(targets, len(inputs))
        if spans is None:
            _, right = self._steps(inputs, targets, learning, tolerance=tolerance)
        else:
            begin, end = checked_spans(spans, len(inputs))
            _, right = self._run(inputs, targets, begin, end, True, learning, tolerance=tolerance)
        self._observed = None
        if not learn:
            self._traces[:], self._flags[:], self._counters[TOUCHED] = 0, 0, 0
        return right

    def rehearse(self, inputs: Any, targets: Any, learned: Any, tested: Any, tolerance: float) -> np.ndarray:
        """Learns from one stream and tests on another, in turn, until a test is right to its end.

        Each begins at a reset and ends at its first wrong step, as :meth:`follow` has it; a test changes no weights.

        Args:
            inputs: the steps of all streams.
            targets: a target for each, or none.
            learned: ``[rounds, 2]``, where in the steps each round's stream to learn from begins and ends.
            tested: the same of its stream to test on.
            tolerance: at least 0.

        Returns:
            ``[rounds made, 2]``: the number of right steps of the stream learned from, and of the one tested on.

        >>> learner = Learner(Network(1, 1, feeds={"output": "cell bias"}), 1.0)
        >>> right = learner.rehearse([0, 0, 0], [[1.0]] * 3, [[0, 3]] * 99, [[0, 3]] * 99, tolerance=0.4)
        >>> right[[0, -1], 1].tolist()  # the first test, and the last
        [0, 3]
        """
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be a number not negative, got {tolerance!r}")
        inputs = self._inputs(inputs)
        targets = self._targets(targets, len(inputs))
        spans = [checked_spans(each, len(inputs)) for each in (learned, tested)]
        if len(spans[0][0]) != len(spans[1][0]):
            raise ValueError(f"there are {len(spans[0][0])} streams to learn from but {len(spans[1][0])} to test on")
        begin, end = (np.stack([streams[k] for streams in spans], 1) for k in range(2))
        right = np.zeros((len(begin), 2), np.int64)
        self._observed = None
        rounds = rehearse(*self._arguments(inputs, targets), begin, end, self._none, float(tolerance), right)
        return right[:rounds]

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, outputs]``; nothing changes."""
        with unchanged(self._state):
            return self._steps(self._inputs(inputs), None, FORWARD, EVERY_STEP)[0]

    def reset(self) -> None:
        """Ends a sequence: with ``update="end"`` the weights change now. States and traces begin again at zero."""
        if self._counters[PENDING] and self.update == "end":
            self._apply()
        self._run(_NO_CODES, None, _START, _START, True)
        self._observed = None

    def ready(self) -> None:
        """Compiles what teaching needs; nothing changes."""
        self._steps(_NO_CODES, None, FORWARD)
        rehearse(*self._arguments(_NO_CODES, None), _NO_SPANS, _NO_SPANS, self._none, -1.0, _NO_SPANS)

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        outputs, _ = self._steps(inputs, targets, learning, EVERY_STEP if tell else SILENT)
        if learning == TRACE and len(inputs):
            self._observed = inputs[-1:].copy()
        return outputs if tell else None

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        if targets is not None:
            return self._run(inputs, targets, begin, end, True, LEARN, telling)[0]
        with unchanged(*self._passing):
            return self._run(inputs, None, begin, end, True, FORWARD, telling)[0]

    def _steps(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        learning: int,
        telling: int = SILENT,
        tolerance: float = -1.0,
    ) -> tuple[np.ndarray, int]:
        """Runs checked steps from the running state on; returns what :meth:`_run` returns."""
        return self._run(inputs, targets, _START, np.array([len(inputs)]), False, learning, telling, tolerance)

    def _run(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        begin: np.ndarray,
        end: np.ndarray,
        resets: bool,
        learning: int = FORWARD,
        telling: int = SILENT,
        tolerance: float = -1.0,
    ) -> tuple[np.ndarray, int]:
        """Runs checked spans; returns the outputs that ``telling`` names, and the steps before the first wrong one."""
        if learning != FORWARD:
            self._observed = None
        rows = 0
        if telling != SILENT:
            rows = len(begin) if telling == LAST_STEP else int((end - begin).sum())
        outputs = np.empty((rows, self.network.outputs), self.dtype)
        arguments = self._arguments(inputs, targets)
        right = run(*arguments, begin, end, resets, learning, telling, outputs, float(tolerance))
        return outputs, right

    def _arguments(self, inputs: np.ndarray, targets: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Returns the first arguments of the compiled functions: the network's arrays and the steps."""
        codes, dense = (inputs, self._none) if inputs.ndim == 1 else (_NO_CODES, inputs)
        target_codes, goals, has_target = _NO_CODES, self._none, _NO_FLAGS
        if targets is not None and targets.ndim == 1:
            target_codes = targets
        elif targets is not None:
            goals, has_target = targets, (~np.isnan(targets[:, 0])).astype(np.uint8)
        return (*self._net, *Steps(codes, dense, target_codes, goals, has_target))

    def _apply(self) -> None:
        method = _optimisers.method(self.optimiser)
        _optimisers.apply(self._weights, self._gradient, self._moments, self._rates, method, self._counters)
        self._refresh()

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Raises:
            ValueError: a weight or a state is NaN or infinite; what was at the path stays.
        """
        _saved.write(path, self, self._arrays())

    @classmethod
    def load(cls, path: str | Path) -> Learner:
        """Reads the learner that :meth:`save` wrote, which goes on bit for bit as the saved one would have.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        with _saved.read(path) as (arguments, arrays):
            return cls.restored(arguments, arrays)

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: Arrays) -> Learner:
        """Returns a learner with these arrays.

        Raises:
            ValueError: they are not what the arguments declare, or no learner of these comes to them.
        """
        learner = cls.__new__(cls)
        learner._declare(**arguments)
        learner._take(_saved.checked(learner.optimiser, learner.update, arrays, learner._declared))
        learner._refresh()
        return learner

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}") for name in self._declared}
