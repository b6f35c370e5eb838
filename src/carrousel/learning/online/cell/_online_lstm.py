"""``OnlineLSTM``: one layer of any pointwise cell that learns while its stream runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel import cells
from carrousel._format import Arrays, Declared, Format, fitted
from carrousel.cells import Cell
from carrousel.learning import _optimisers
from carrousel.learning._optimisers import PENDING, Adam, Descent, Optimiser, update_steps
from carrousel.learning._progress import beginning, check_progress
from carrousel.learning._protocol import UNOBSERVED, Sensitive, checked_vector, checked_weights, unchanged
from carrousel.learning._steps import FORWARD, TRACE, check_counts, one_hot
from carrousel.learning.online.cell._answering import Answering
from carrousel.learning.online.cell._derive import derive
from carrousel.learning.online.cell._kernel import LOSSES, Layer, Rule, run, slopes_of
from carrousel.learning.online.cell._layout import copy_parts, copy_traces, lay_out
from carrousel.learning.online.cell._names import named_rows, set_rows
from carrousel.learning.online.cell._sequences import InSequences

__all__ = ["OnlineLSTM"]

FORMAT = Format("carrousel-online-lstm", 3, "the state of an OnlineLSTM")


class OnlineLSTM(Sensitive, InSequences, Answering):
    """A layer of an LSTM cell and a linear readout that learn online, in constant time and memory a step.

    The rule is that of the 1997-2002 papers, derived from the cell's own equations: the derivatives of a unit's
    states by its incoming weights are carried forward, so an error at any step reaches what was stored at any time
    before. Nothing that grows with the stream is kept.

    Args:
        input_size, hidden_size, output_size: the numbers of inputs, units and outputs.
        cell: a member of the family, or your own.
        diagonal: each unit sees of the old outputs only its own.
        truncate: what errors do not flow back through. ``"paper"``: recurrent weights and peepholes, as in the
            papers. ``"recurrent"``: recurrent weights. None: nothing, the gradient is exact; for this the recurrence
            has to be diagonal, or the cell without recurrent weights.
        optimiser: how errors change weights; a number is the rate of plain steepest descent. By default Adam.
        update: when they do: ``"step"``, ``"end"`` (of a sequence, that is at :meth:`reset`), or every so many steps.
        loss: ``"squared"``, ``"logistic"`` (each output a probability of its own) or ``"softmax"``.
        forget_bias: first bias of the forget gate, where the cell has a row ``f``; other weights begin uniform in
            ±1/√hidden_size, biases at zero.
        dtype: float32 or float64.
        seed: of the initial weights.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> x = np.random.default_rng(0).choice([-1.0, 1.0], (3000, 1))
    >>> before = np.roll(x, 1, axis=0)  # what was the input a step ago?
    >>> lstm = OnlineLSTM(1, 8, 1, cell="peephole")
    >>> lstm.learn_many(x, before)
    >>> said = lstm.predict_many(x[:100])[1:]
    >>> bool((np.sign(said) == before[1:100]).all())
    True
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int = 1,
        *,
        cell: str | Cell = "lstm",
        diagonal: bool = False,
        truncate: str | None = "paper",
        optimiser: Optimiser | float | None = None,
        update: str | int = "step",
        loss: str = "squared",
        forget_bias: float = 1.0,
        dtype: Any = np.float32,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        self._declare(input_size, hidden_size, output_size, cell, diagonal, truncate, optimiser, update, loss, dtype)
        self._take(beginning(self._declared, self.optimiser, update_steps(update)))
        self._begin(np.random.default_rng(seed), forget_bias)

    def _declare(
        self, input_size: int, hidden_size: int, output_size: int, cell: Any, diagonal: Any, truncate: Any,
        optimiser: Any, update: Any, loss: str, dtype: Any,
    ) -> None:  # fmt: skip
        """Checks and keeps the arguments, and declares the arrays of a learner of these."""
        check_counts(0, input_size=input_size)
        check_counts(hidden_size=hidden_size, output_size=output_size)
        self.cell = cells.get(cell)
        self.input_size, self.hidden_size, self.output_size = int(input_size), int(hidden_size), int(output_size)
        self.diagonal = bool(diagonal) and self.cell.recurrent
        if truncate not in ("paper", "recurrent", None):
            raise ValueError(f"truncate must be 'paper', 'recurrent' or None, got {truncate!r}")
        if truncate is None and self.cell.recurrent and not diagonal:
            raise ValueError(
                "truncate=None, the exact gradient, costs what the others do only where each unit sees its own output: "
                "it wants diagonal=True"
            )
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}; got {loss!r}")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype}")
        every = update_steps(update)
        self.truncate, self.loss, self.update = truncate, loss, update if isinstance(update, str) else every
        if optimiser is None:
            optimiser = Adam(0.01)
        self.optimiser = optimiser if isinstance(optimiser, Optimiser) else Descent(optimiser)
        self._through_h = truncate is None and self.cell.recurrent
        self._derived = derive(self.cell, truncate != "paper", self._through_h, self.dtype.itemsize * 8)
        H = self.hidden_size
        self._table, self._places, rows, traces = lay_out(
            self._derived, self.cell, self.input_size, 1 if self.diagonal else H, self._through_h
        )
        flat = rows * H + self.output_size * (H + 1)
        self._declared: Declared = {
            "parameters": ((flat,), self.dtype),
            "gradient": ((flat,), self.dtype),
            "moments": ((_optimisers.moments(self.optimiser), flat), self.dtype),
            "rates": ((4,), self.dtype),
            "states": ((len(self._derived.states), H), self.dtype),
            "h": ((H,), self.dtype),
            "traces": ((traces, H), self.dtype),
            "counters": ((6,), np.int64),
        }

    def _take(self, arrays: Arrays) -> None:
        """Keeps arrays as they were declared, which nobody else may hold, and makes the working space beside them."""
        self._parameters, self._gradient, self._moments = arrays["parameters"], arrays["gradient"], arrays["moments"]
        self._states, self._h, self._traces = arrays["states"], arrays["h"], arrays["traces"]
        self._rates, self._counters = arrays["rates"], arrays["counters"]
        self._observed = False  # whether the last step was
        d, n, H, dtype = self._derived, len(self._derived.states), self.hidden_size, self.dtype
        self._rule = Rule(
            d.address, self._table, d.z, d.p, d.s, d.h, d.new, d.A, d.B, d.C, d.D, self._places,
            n - 1 if "h" in d.states else -1, self.diagonal, self._through_h, LOSSES.index(self.loss),
        )  # fmt: skip
        weights, readout = self._views(self._parameters)
        weight_gradient, readout_gradient = self._views(self._gradient)
        self._layer = Layer(
            weights=weights,
            readout=readout,
            weight_gradient=weight_gradient,
            readout_gradient=readout_gradient,
            slots=np.zeros((d.slots, H), dtype),
            A=np.zeros((n, n, H), dtype),
            C=np.zeros((n, H), dtype),
            temporary=np.zeros((n, H), dtype),
            sensed=np.zeros_like(weights),
            **arrays,
        )

    def _views(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns views: rows of weights ``[rows, hidden]``, and the readout ``[outputs, hidden + 1]``, bias last."""
        readout = self.output_size * (self.hidden_size + 1)
        cut = len(flat) - readout
        return flat[:cut].reshape(-1, self.hidden_size), flat[cut:].reshape(self.output_size, self.hidden_size + 1)

    def _begin(self, rng: np.random.Generator, forget_bias: float) -> None:
        bound = self.hidden_size**-0.5
        weights = {name: rng.uniform(-bound, bound, w.shape) for name, w in self.weights.items()}
        for name in weights:
            if name.startswith("bias") or name == "readout_bias":
                weights[name][:] = 0
        if "f" in self.cell.rows:
            at = self.cell.rows.index("f") * self.hidden_size
            weights["bias_ih"][at : at + self.hidden_size] = forget_bias
        self.weights = weights

    @classmethod
    def example(cls, seed: int = 0) -> OnlineLSTM:
        """Returns a small learner of this kind."""
        return cls(3, 4, 2, cell="peephole", optimiser=0.3, dtype=np.float64, seed=seed)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights under the names and in the shapes of ``carrousel.LSTM``, and the readout's.

        ``weight_ih [rows, input]``, ``weight_hh [rows, hidden]`` (``[rows]`` if diagonal), ``bias_ih [rows]``, for
        cells with split rows ``bias_hh [rows]`` (zero in other rows), ``weight_peephole [gates, hidden]``,
        ``readout [output, hidden]``, ``readout_bias [output]``. Assign to change them.
        """
        return self.named(self._parameters)

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        weights = checked_weights(weights, {name: w.shape for name, w in self.weights.items()})
        self._observed = False
        readout = self._layer.readout
        set_rows(self._derived, self.cell, self._table, self._layer.weights, weights, self.diagonal)
        readout[:, :-1], readout[:, -1] = weights["readout"], weights["readout_bias"]

    @property
    def weight_count(self) -> int:
        """The number of weights, the readout's included."""
        return len(self._parameters)

    @property
    def vector(self) -> np.ndarray:
        """All weights ``[weights]``, not to be written to; assign another to change them. It changes with them."""
        vector = self._parameters.view()
        vector.flags.writeable = False
        return vector

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._parameters[:] = checked_vector(vector, self.weight_count, self.dtype)
        self._observed = False

    def sensitivities(self) -> np.ndarray:
        """Returns the derivatives ``[output_size, weights]`` of the last observed step's outputs, by its rule.

        Raises:
            ValueError: no step was observed since the beginning, a reset, or a change of weights.

        >>> lstm = OnlineLSTM(1, 4, 2, seed=1)
        >>> lstm.observe_many(np.ones((5, 1)))
        >>> lstm.named(lstm.sensitivities()[0])["readout"].shape
        (2, 4)
        """
        if not self._observed:
            raise ValueError(UNOBSERVED)
        readout = self._layer.readout
        seen = np.append(self._h, self.dtype.type(1))
        slopes = slopes_of(self.loss, readout @ seen)
        by_rows = (slopes @ readout[:, :-1])[:, None] * self._layer.sensed  # [outputs, rows, hidden]
        by_readout = slopes[:, :, None] * seen  # [outputs, outputs, hidden + 1]
        return np.concatenate([part.reshape(self.output_size, -1) for part in (by_rows, by_readout)], 1)

    def named(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        rows, readout = self._views(np.array(flat))
        named = named_rows(self._derived, self.cell, self._table, rows, self.input_size, self.diagonal)
        return {**named, "readout": readout[:, :-1].copy(), "readout_bias": readout[:, -1].copy()}

    @property
    def steps(self) -> int:
        """How many steps there were of learning."""
        return int(self._counters[_optimisers.STEPS])

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        with unchanged(self._states, self._h):
            return self._run(self._inputs(inputs), None, FORWARD, True)

    def hidden_one(self, input: Any) -> np.ndarray:
        """Returns what the units say in the next step, ``[hidden_size]``; nothing changes."""
        with unchanged(self._states, self._h):
            self._run(self._inputs(np.asarray(input)[None]), None, FORWARD, False)
            return self._h.copy()

    def reset(self) -> None:
        """Ends a sequence: with ``update="end"`` the weights change now. States and traces begin again at zero."""
        if self._counters[PENDING] and self.update == "end":
            method = _optimisers.method(self.optimiser)
            _optimisers.apply(self._parameters, self._gradient, self._moments, self._rates, method, self._counters)
        for array in (self._states, self._h, self._traces):
            array[:] = 0
        self._observed = False

    def _inputs(self, inputs: Any) -> np.ndarray:
        return one_hot(super()._inputs(inputs), self.input_size, dtype=self.dtype)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return one_hot(super()._targets(targets, steps), self.output_size, np.nan, self.dtype)

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        outputs = self._run(inputs, targets, learning, tell)
        self._observed = learning == TRACE and (len(inputs) > 0 or self._observed)
        return outputs if tell else None

    def _run(self, x: np.ndarray, y: np.ndarray | None, learning: int, tell: bool) -> np.ndarray:
        outputs = np.empty((len(x) if tell else 0, self.output_size), self.dtype)
        if y is None:
            y, has_target = np.zeros((0, self.output_size), self.dtype), np.zeros(len(x), np.uint8)
        else:
            has_target = (~np.isnan(y[:, 0])).astype(np.uint8)
        run(*self._rule, *self._layer, x, y, has_target, learning, outputs)
        return outputs

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Raises:
            ValueError: a weight or a state is NaN or infinite; what was at the path stays.
        """
        FORMAT.write(Path(path), self._arguments(), self._arrays())

    @classmethod
    def load(cls, path: str | Path, cell: Cell | None = None) -> OnlineLSTM:
        """Reads the learner that :meth:`save` wrote, which goes on bit for bit as the saved one would have.

        Args:
            path: the file.
            cell: the cell, if it is one of your own and not registered.

        Raises:
            ValueError: the file is not such a file, or is damaged, or was saved with another cell.
        """
        with FORMAT.reading(path) as (facts, arrays):
            if cell is not None and cell.spec != facts["cell"]:
                raise ValueError(f"it was saved with the cell {facts['cell']}, not {cell.spec}")
            optimiser = _optimisers.from_facts(facts["optimiser"])
            return cls.restored({**facts, "cell": cell or facts["cell"], "optimiser": optimiser}, arrays)

    @classmethod
    def declared(cls, arguments: Mapping[str, Any]) -> OnlineLSTM:
        """Returns a learner without arrays yet: its arguments are checked, and the arrays' shapes known."""
        learner = cls.__new__(cls)
        learner._declare(**arguments)
        return learner

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: Arrays) -> OnlineLSTM:
        """Returns a learner with these arrays.

        Raises:
            ValueError: they are not what the arguments declare, or no learner of these comes to them.
        """
        learner = cls.declared(arguments)
        arrays = fitted(arrays, learner._declared)
        check_progress(learner.optimiser, update_steps(learner.update), arrays)
        learner._take(arrays)
        return learner

    def __reduce__(self) -> tuple[Any, ...]:
        # Compiled code stays behind.
        arguments = {**self._arguments(), "cell": self.cell, "optimiser": self.optimiser}
        return OnlineLSTM.restored, (arguments, self._arrays())

    def widened(self, input_size: int, output_size: int, seed: int = 0) -> OnlineLSTM:
        """Returns the same learner with more inputs and outputs after those that it has; it remembers and goes on.

        New inputs begin with small random weights and no past; the readout of new outputs begins at zero.
        """
        changed = {"input_size": input_size, "output_size": output_size, "cell": self.cell, "optimiser": self.optimiser}
        wide = OnlineLSTM(**{**self._arguments(), **changed})
        fresh = OnlineLSTM(**{**self._arguments(), **changed, "seed": [seed, self.input_size]})
        wide._parameters[:] = fresh._parameters
        wide._layer.readout[self.output_size :] = 0
        flat = (self._parameters, wide._parameters), (self._gradient, wide._gradient)
        for old, new in (*flat, *zip(self._moments, wide._moments, strict=True)):
            (rows, readout), (new_rows, new_readout) = self._views(old), wide._views(new)
            copy_parts(self._table, wide._table, rows, new_rows)
            new_readout[: self.output_size] = readout
        copy_traces(self._table, wide._table, self._places, wide._places, self._traces, wide._traces)
        for name in ("rates", "states", "h", "counters"):
            getattr(wide, f"_{name}")[:] = getattr(self, f"_{name}")
        return wide

    def _arguments(self) -> dict[str, Any]:
        names = ("input_size", "hidden_size", "output_size", "diagonal", "truncate", "update", "loss")
        arguments = {name: getattr(self, name) for name in names}
        optimiser = _optimisers.to_facts(self.optimiser)
        return {**arguments, "cell": self.cell.spec, "dtype": self.dtype.name, "optimiser": optimiser}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}") for name in self._declared}
