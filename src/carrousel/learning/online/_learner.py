"""The learner: a network of the papers with its weights, its running state, and the rule that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import Arrays, Declared, Format, fitted
from carrousel.learning.online import _optimisers
from carrousel.learning.online._kernel import EVERY_STEP, LAST_STEP, SILENT, refresh, run
from carrousel.learning.online._layout import Layout
from carrousel.learning.online._network import Network
from carrousel.learning.online._optimisers import PENDING, RATE, TOUCHED, Descent, Optimiser, update_steps
from carrousel.learning.online._progress import beginning, check_progress
from carrousel.learning.online._rehearse import rehearse
from carrousel.learning.online._steps import checked_inputs, checked_spans, checked_targets, joined

__all__ = ["Learner"]

FORMAT = Format("carrousel-online-network", 3, "a learner's state")
_FORWARD, _TRACE, _LEARN = 0, 1, 2


class Learner:
    """Learns online by the truncated gradient of the LSTM papers.

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
        """Checks and keeps the arguments, and says what arrays a learner of these has."""
        self.network = network
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
        # What changes from step to step, and is saved.
        self._declared: Declared = {
            "weights": ((layout.size,), self.dtype),
            "state": ((layout.head["y_hidden"] + 2 * layout.head["y_size"],), self.dtype),
            "traces": ((layout.trace_size,), self.dtype),
            "gradient": ((layout.size if collects else 0,), self.dtype),
            "moments": ((_optimisers.moments(self.optimiser), layout.size), self.dtype),
            "rates": ((4,), self.dtype),
            "touched": ((network.inputs + 1,), np.int64),
            "flags": ((network.inputs,), np.uint8),
            "counters": ((6,), np.int64),
        }

    def _take(self, arrays: Arrays) -> None:
        """Has these arrays, its own and as they were declared, and the working space beside them."""
        self._weights, self._gradient, self._moments = arrays["weights"], arrays["gradient"], arrays["moments"]
        self._state, self._traces, self._rates = arrays["state"], arrays["traces"], arrays["rates"]
        self._touched, self._flags, self._counters = arrays["touched"], arrays["flags"], arrays["counters"]
        layout, n, dtype = self._layout, self.network, self.dtype
        self._squash, self._masks = layout.squash.astype(dtype), layout.masks.astype(dtype)
        self._work, self._x = np.zeros(layout.work_size, dtype), np.zeros(n.inputs, dtype)
        self._active = np.zeros(n.inputs + 1, np.int64)
        self._back = np.zeros(n.outputs * layout.head["back_size"], dtype)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name, shaped as ``network.shapes()`` says; assign to change them."""
        return self._layout.unpack(self._weights)

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        shapes = self.network.shapes()
        if set(weights) != set(shapes):
            raise ValueError(f"weights must be named {', '.join(shapes)}; got {', '.join(weights)}")
        given = {name: np.asarray(weights[name], np.float64) for name in shapes}
        for name, value in given.items():
            if value.shape != shapes[name]:
                raise ValueError(f"{name} must have the shape {shapes[name]}, got {value.shape}")
            if not np.isfinite(value).all():
                raise ValueError(f"{name} holds a NaN or an infinity")
        self._set_packed(self._layout.pack(given, self.dtype))

    def _set_packed(self, packed: np.ndarray) -> None:
        self._weights = packed
        refresh(self._layout.plan, self._layout.sources, packed, self._back)

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

    def learn(self, inputs: Any, targets: Any) -> None:
        """Goes on with the stream for some steps, and learns from every step that has a target."""
        self._steps(inputs, targets, _LEARN)

    def observe(self, inputs: Any) -> None:
        """Goes on with the stream without learning; later errors still know what happened here."""
        self._steps(inputs, None, _TRACE)

    def learn_and_tell(self, inputs: Any, targets: Any) -> np.ndarray:
        """As :meth:`learn`; gives the outputs ``[steps, outputs]``, each from before its own target changed weights."""
        return self._steps(inputs, targets, _LEARN, EVERY_STEP)[0]

    def follow(self, inputs: Any, targets: Any, tolerance: float, learn: bool = True, spans: Any = None) -> int:
        """Goes on with the stream until a step that has an output further than ``tolerance`` from its target.

        That step is the last one: it is learned from too, and the running state is the one after it. Steps without a
        target are right.

        Args:
            inputs, targets: the steps.
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
        learning = _LEARN if learn else _FORWARD
        if spans is None:
            _, right = self._steps(inputs, targets, learning, tolerance=tolerance)
        else:
            _, right = self._sequences(inputs, targets, spans, learning, tolerance=tolerance)
        if not learn:
            self._traces[:], self._flags[:], self._counters[TOUCHED] = 0, 0, 0
        return right

    def rehearse(self, inputs: Any, targets: Any, learned: Any, tested: Any, tolerance: float) -> np.ndarray:
        """Learns from one stream and tests on another, in turn, until a test is right to its end.

        Each begins at a reset and ends at its first wrong step, as :meth:`follow` has it; a test changes no weights.

        Args:
            inputs, targets: the steps of all streams.
            learned, tested: ``[rounds, 2]``, where in the steps each round's two streams begin and end.
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
        inputs = checked_inputs(inputs, self.network.inputs, self.dtype)
        targets = checked_targets(targets, len(inputs), self.network.outputs, self.dtype)
        spans = [checked_spans(each, len(inputs)) for each in (learned, tested)]
        if len(spans[0][0]) != len(spans[1][0]):
            raise ValueError(f"there are {len(spans[0][0])} streams to learn from but {len(spans[1][0])} to test on")
        begin, end = (np.stack([streams[k] for streams in spans], 1) for k in range(2))
        right = np.zeros((len(begin), 2), np.int64)
        none = np.zeros((0, 0), self.dtype)
        made = rehearse(*self._arguments(inputs, targets), begin, end, none, float(tolerance), right)
        return right[:made]

    def outputs(self, inputs: Any) -> np.ndarray:
        """What the network would say in the next steps, ``[steps, outputs]``; nothing changes."""
        before = self._state.copy()
        try:
            return self._steps(inputs, None, _FORWARD, EVERY_STEP)[0]
        finally:
            self._state[:] = before

    def reset(self) -> None:
        """A sequence's end: with ``update="end"`` the weights change now. States and traces begin again at zero."""
        if self._counters[PENDING] and self.update == "end":
            self._apply()
        self._run(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64), True)

    def learn_sequences(self, inputs: Any, targets: Any, spans: Any = None) -> None:
        """Learns from sequences, the network being reset before each of them.

        Args:
            inputs, targets: a list of each sequence's steps; or, with ``spans``, the steps of all.
            spans: ``[sequences, 2]``, where in the steps each sequence begins and ends; they can overlap and recur.
        """
        self._sequences(inputs, targets, spans, _LEARN)

    def learn_and_answer(self, inputs: Any, targets: Any, spans: Any = None) -> np.ndarray:
        """As :meth:`learn_sequences`; gives each sequence's outputs at its last step, ``[sequences, outputs]``.

        They are from before that step, or the end of that sequence, changed weights.

        Raises:
            ValueError: a sequence has no step.
        """
        return self._sequences(inputs, targets, spans, _LEARN, LAST_STEP)[0]

    def sequence_outputs(self, inputs: Any, spans: Any = None) -> np.ndarray:
        """The outputs ``[steps of all sequences, outputs]``, the network being reset before each; nothing changes."""
        return self._look(inputs, spans, EVERY_STEP)

    def answers(self, inputs: Any, spans: Any = None) -> np.ndarray:
        """The outputs at each sequence's last step ``[sequences, outputs]``, as :meth:`sequence_outputs` has them.

        Raises:
            ValueError: a sequence has no step.
        """
        return self._look(inputs, spans, LAST_STEP)

    def _look(self, inputs: Any, spans: Any, telling: int) -> np.ndarray:
        """Outputs of sequences; nothing changes."""
        kept = self._state.copy(), self._traces.copy(), self._touched.copy(), self._flags.copy(), self._counters.copy()
        try:
            return self._sequences(inputs, None, spans, _FORWARD, telling)[0]
        finally:
            self._state, self._traces, self._touched, self._flags, self._counters = kept

    def _steps(
        self, inputs: Any, targets: Any, learning: int, telling: int = SILENT, tolerance: float = -1.0
    ) -> tuple[np.ndarray, int]:
        n = self.network
        inputs = checked_inputs(inputs, n.inputs, self.dtype)
        if targets is not None:
            targets = checked_targets(targets, len(inputs), n.outputs, self.dtype)
        begin, end = np.zeros(1, np.int64), np.full(1, len(inputs), np.int64)
        return self._run(inputs, targets, begin, end, False, learning, telling, tolerance)

    def _sequences(
        self,
        inputs: Any,
        targets: Any,
        spans: Any,
        learning: int,
        telling: int = SILENT,
        tolerance: float = -1.0,
    ) -> tuple[np.ndarray, int]:
        n = self.network
        if spans is None:
            inputs, targets, spans = joined(inputs, targets, n.inputs)
        inputs = checked_inputs(inputs, n.inputs, self.dtype)
        if targets is not None:
            targets = checked_targets(targets, len(inputs), n.outputs, self.dtype)
        begin, end = checked_spans(spans, len(inputs))
        if telling == LAST_STEP and (begin == end).any():
            raise ValueError(f"sequence {int(np.argmax(begin == end))} has no step, and so no last one")
        return self._run(inputs, targets, begin, end, True, learning, telling, tolerance)

    def _run(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        begin: np.ndarray,
        end: np.ndarray,
        resets: bool,
        learning: int = _FORWARD,
        telling: int = SILENT,
        tolerance: float = -1.0,
    ) -> tuple[np.ndarray, int]:
        """The outputs that are told, and how many steps there were until one was wrong."""
        told = 0
        if telling != SILENT:
            told = len(begin) if telling == LAST_STEP else int((end - begin).sum())
        outputs = np.empty((told, self.network.outputs), self.dtype)
        given = self._arguments(inputs, targets)
        right = run(*given, begin, end, resets, learning, telling, outputs, float(tolerance))
        return outputs, right

    def _arguments(self, inputs: np.ndarray, targets: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """The first arguments of the compiled functions: the network, what changes, the steps."""
        none, no_codes = np.zeros((0, 0), self.dtype), np.zeros(0, np.int64)
        coded = inputs.ndim == 1
        codes, dense, given = no_codes, none, np.zeros(0, np.uint8)
        if targets is not None and targets.ndim == 1:
            codes = targets
        elif targets is not None:
            dense, given = targets, (~np.isnan(targets[:, 0])).astype(np.uint8)
        return (
            self._layout.plan, self._layout.sources, self._squash, self._masks,
            self._weights, self._back, self._state, self._traces, self._gradient, self._moments, self._work,
            self._touched, self._flags, self._active, self._x, self._counters, self._rates,
            inputs if coded else no_codes, none if coded else inputs, codes, dense, given,
        )  # fmt: skip

    def _apply(self) -> None:
        method = _optimisers.method(self.optimiser)
        _optimisers.apply(self._weights, self._gradient, self._moments, self._rates, method, self._counters)
        refresh(self._layout.plan, self._layout.sources, self._weights, self._back)

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Raises:
            ValueError: a weight or a state is NaN or infinite; what was at the path stays.
        """
        facts = {
            "network": self.network.facts(),
            "optimiser": _optimisers.to_facts(self.optimiser),
            "update": self.update,
            "loss": self.loss,
            "insensitive": self.insensitive,
            "dtype": self.dtype.name,
        }
        FORMAT.write(Path(path), facts, self._arrays())

    @classmethod
    def load(cls, path: str | Path) -> Learner:
        """The learner that :meth:`save` wrote, which goes on bit for bit as the saved one would have.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        with FORMAT.reading(path) as (facts, arrays):
            network, optimiser = Network(**facts.pop("network")), _optimisers.from_facts(facts.pop("optimiser"))
            if max(network.weight_count, network.inputs) > (held := sum(array.size for array in arrays.values())):
                raise ValueError(f"its network has {network.weight_count:,} weights, and it holds {held:,} numbers")
            learner = cls.__new__(cls)
            learner._declare(network, optimiser, **facts)
            found = fitted(arrays, learner._declared)
            check_progress(optimiser, update_steps(learner.update), found)
            learner._take(found)
            learner._set_packed(learner._weights)
        return learner

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}") for name in self._declared}
