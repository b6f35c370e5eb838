"""``OnlineLSTM``: one layer of any pointwise cell that learns while its stream runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel import cells
from carrousel._format import Arrays, Declared, Format, fitted
from carrousel.cells import Cell
from carrousel.learning.online import _optimisers
from carrousel.learning.online._derive import derive
from carrousel.learning.online._derived_kernel import LOSSES, run
from carrousel.learning.online._derived_layout import lay_out
from carrousel.learning.online._network import check_counts
from carrousel.learning.online._optimisers import PENDING, Adam, Descent, Optimiser, update_steps
from carrousel.learning.online._progress import beginning, check_progress
from carrousel.learning.online._steps import checked_inputs, checked_targets

__all__ = ["OnlineLSTM"]

FORMAT = Format("carrousel-online-lstm", 3, "the state of an OnlineLSTM")
_FORWARD, _TRACE, _LEARN = 0, 1, 2


class OnlineLSTM:
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
        """Checks and keeps the arguments, and says what arrays a learner of these has."""
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
        """Has these arrays, its own and as they were declared, and the working space beside them."""
        self._parameters, self._gradient, self._moments = arrays["parameters"], arrays["gradient"], arrays["moments"]
        self._states, self._h, self._traces = arrays["states"], arrays["h"], arrays["traces"]
        self._rates, self._counters = arrays["rates"], arrays["counters"]
        n, H, dtype = len(self._derived.states), self.hidden_size, self.dtype
        self._slots, self._temporary = np.zeros((self._derived.slots, H), dtype), np.zeros((n, H), dtype)
        self._A, self._C = np.zeros((n, n, H), dtype), np.zeros((n, H), dtype)

    def _views(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of weights ``[rows, hidden]`` and the readout ``[outputs, hidden + 1]``, its last column the bias."""
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

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights under the names and in the shapes of ``carrousel.LSTM``, and the readout's.

        ``weight_ih [rows, input]``, ``weight_hh [rows, hidden]`` (``[rows]`` if diagonal), ``bias_ih [rows]``, for
        cells with split rows ``bias_hh [rows]`` (zero in other rows), ``weight_peephole [gates, hidden]``,
        ``readout [output, hidden]``, ``readout_bias [output]``. Assign to change them.
        """
        return self._named(self._parameters)

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        shapes = {name: w.shape for name, w in self.weights.items()}
        if set(weights) != set(shapes):
            raise ValueError(f"weights must be named {', '.join(shapes)}; got {', '.join(weights)}")
        for name, shape in shapes.items():
            value = np.asarray(weights[name])
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite numbers {list(shape)}, got {list(value.shape)}")
        rows, readout = self._views(self._parameters)
        H = self.hidden_size
        for part, (kind, row) in enumerate(self._derived.parts):
            lines = slice(self.cell.rows.index(row) * H, (self.cell.rows.index(row) + 1) * H)
            first, n_inputs, n_recurrent, _ = self._table[part]
            if n_inputs:
                rows[first : first + n_inputs] = weights["weight_ih"][lines].T
            if n_recurrent:
                into = rows[first + n_inputs : first + n_inputs + n_recurrent]
                into[...] = weights["weight_hh"][lines].T
            bias = "bias_hh" if kind == "z.recurrent" else "bias_ih"
            rows[first + n_inputs + n_recurrent] = weights[bias][lines]
        for gate in range(len(self.cell.peepholes)):
            rows[self._table[len(self._derived.parts) + gate, 0]] = weights["weight_peephole"][gate]
        readout[:, :-1], readout[:, -1] = weights["readout"], weights["readout_bias"]

    def _named(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        rows, readout = self._views(flat)
        cell, H, d = self.cell, self.hidden_size, self._derived
        named = {"weight_ih": np.zeros((len(cell.rows) * H, self.input_size), self.dtype)}
        if cell.recurrent:
            seen = (len(cell.rows) * H,) if self.diagonal else (len(cell.rows) * H, H)
            named["weight_hh"] = np.zeros(seen, self.dtype)
        named["bias_ih"] = np.zeros(len(cell.rows) * H, self.dtype)
        if cell.split:
            named["bias_hh"] = np.zeros(len(cell.rows) * H, self.dtype)
        for part, (kind, row) in enumerate(d.parts):
            lines = slice(cell.rows.index(row) * H, (cell.rows.index(row) + 1) * H)
            first, n_inputs, n_recurrent, _ = self._table[part]
            if n_inputs:
                named["weight_ih"][lines] = rows[first : first + n_inputs].T
            if n_recurrent:
                found = rows[first + n_inputs : first + n_inputs + n_recurrent]
                named["weight_hh"][lines] = found[0] if self.diagonal else found.T
            bias = "bias_hh" if kind == "z.recurrent" else "bias_ih"
            named[bias][lines] = rows[first + n_inputs + n_recurrent]
        if cell.peepholes:
            named["weight_peephole"] = rows[self._table[len(d.parts) :, 0]].copy()
        return {**named, "readout": readout[:, :-1].copy(), "readout_bias": readout[:, -1].copy()}

    @property
    def steps(self) -> int:
        """How many steps there were of learning."""
        return int(self._counters[_optimisers.STEPS])

    def learn_many(self, inputs: Any, targets: Any, *, tell: bool = False) -> np.ndarray | None:
        """Goes on with the stream for some steps, and learns from every step that has a target.

        Args:
            inputs: ``[steps, input_size]``.
            targets: ``[steps, output_size]``, a row of NaN being no target; or ``[steps]`` whole numbers, the one
                output that should be 1, -1 for no target.
            tell: give the outputs ``[steps, output_size]``, each from before its own target changed weights.

        Raises:
            ValueError: a shape is wrong or a number is not finite; nothing has changed then.
        """
        x, y = self._checked(inputs, targets)
        return self._run(x, y, _LEARN, tell)

    def learn_one(self, input: Any, target: Any) -> None:
        """One step of :meth:`learn_many`: ``[input_size]`` and ``[output_size]`` or a whole number."""
        self.learn_many(np.asarray(input)[None], np.asarray(target)[None])

    def observe_many(self, inputs: Any) -> None:
        """Goes on with the stream without learning; later errors still know what happened here."""
        self._run(*self._checked(inputs, None), _TRACE)

    def observe_one(self, input: Any) -> None:
        """One step of :meth:`observe_many`."""
        self.observe_many(np.asarray(input)[None])

    def predict_many(self, inputs: Any) -> np.ndarray:
        """The outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        states, h = self._states.copy(), self._h.copy()
        try:
            found = self._run(*self._checked(inputs, None), _FORWARD, True)
        finally:
            self._states[:], self._h[:] = states, h
        assert found is not None
        return found

    def predict_one(self, input: Any) -> np.ndarray:
        """The outputs of the next step, ``[output_size]``; nothing changes."""
        return self.predict_many(np.asarray(input)[None])[0]

    def reset(self) -> None:
        """A sequence's end: with ``update="end"`` the weights change now. States and traces begin again at zero."""
        if self._counters[PENDING] and self.update == "end":
            method = _optimisers.method(self.optimiser)
            _optimisers.apply(self._parameters, self._gradient, self._moments, self._rates, method, self._counters)
        for array in (self._states, self._h, self._traces):
            array[:] = 0

    def _checked(self, inputs: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
        x = checked_inputs(np.asarray(inputs, self.dtype), self.input_size, self.dtype)
        if targets is None:
            return x, np.full((len(x), self.output_size), np.nan, self.dtype)
        y = checked_targets(targets, len(x), self.output_size, self.dtype)
        if y.ndim == 1:
            codes, y = y, np.full((len(x), self.output_size), np.nan, self.dtype)
            y[codes >= 0] = np.eye(self.output_size, dtype=self.dtype)[codes[codes >= 0]]
        return x, y

    def _run(self, x: np.ndarray, y: np.ndarray, learning: int, tell: bool = False) -> np.ndarray | None:
        d = self._derived
        outputs = np.empty((len(x) if tell else 0, self.output_size), self.dtype)
        run(
            d.address, self._table, d.z, d.p, d.s, d.h, d.new, d.A, d.B, d.C, d.D, self._places,
            len(d.states) - 1 if "h" in d.states else -1, self.diagonal, self._through_h, LOSSES.index(self.loss),
            self._parameters, *self._views(self._parameters), self._gradient, *self._views(self._gradient),
            self._moments, self._slots, self._A, self._C, self._temporary,
            self._states, self._h, self._traces, self._counters, self._rates, x, y,
            (~np.isnan(y[:, 0])).astype(np.uint8), learning, outputs,
        )  # fmt: skip
        return outputs if tell else None

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Raises:
            ValueError: a weight or a state is NaN or infinite; what was at the path stays.
        """
        FORMAT.write(Path(path), self._arguments(), self._arrays())

    @classmethod
    def load(cls, path: str | Path, cell: Cell | None = None) -> OnlineLSTM:
        """The learner that :meth:`save` wrote, which goes on bit for bit as the saved one would have.

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
        """One without arrays yet: the arguments are checked, and the arrays' shapes known, before any is there."""
        learner = cls.__new__(cls)
        learner._declare(**arguments)
        return learner

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: Arrays) -> OnlineLSTM:
        """One with these arrays.

        Raises:
            ValueError: they are not what the arguments declare, or no learner of these comes to them.
        """
        learner = cls.declared(arguments)
        found = fitted(arrays, learner._declared)
        check_progress(learner.optimiser, update_steps(learner.update), found)
        learner._take(found)
        return learner

    def __reduce__(self) -> tuple[Any, ...]:
        # Compiled code stays behind.
        arguments = {**self._arguments(), "cell": self.cell, "optimiser": self.optimiser}
        return OnlineLSTM.restored, (arguments, self._arrays())

    def widened(self, input_size: int, output_size: int, seed: int = 0) -> OnlineLSTM:
        """The same learner with more inputs and outputs after those that it has; it remembers and goes on.

        New inputs begin with small random weights and no past; the readout of new outputs begins at zero.
        """
        changed = {"input_size": input_size, "output_size": output_size, "cell": self.cell, "optimiser": self.optimiser}
        wide = OnlineLSTM(**{**self._arguments(), **changed})
        fresh = OnlineLSTM(**{**self._arguments(), **changed, "seed": [seed, self.input_size]})
        wide._parameters[:] = fresh._parameters
        wide._views(wide._parameters)[1][self.output_size :] = 0
        for old, new in ((self._parameters, wide._parameters), (self._gradient, wide._gradient)):
            self._copy(old, wide, new)
        for old, new in zip(self._moments, wide._moments, strict=True):
            self._copy(old, wide, new)
        for old_first, new_first, lengths, new_lengths in self._blocks(wide):
            _copy_rows(self._traces, wide._traces, old_first, new_first, lengths, new_lengths)
        for name in ("rates", "states", "h", "counters"):
            getattr(wide, f"_{name}")[:] = getattr(self, f"_{name}")
        return wide

    def _copy(self, old: np.ndarray, wide: OnlineLSTM, new: np.ndarray) -> None:
        """Copies rows and readout between flat arrays of two widths."""
        rows, readout = self._views(old)
        new_rows, new_readout = wide._views(new)
        for line, new_line in zip(self._table, wide._table, strict=True):
            _copy_rows(rows, new_rows, line[0], new_line[0], line[1:], new_line[1:])
        new_readout[: self.output_size] = readout

    def _blocks(self, wide: OnlineLSTM) -> Any:
        """Where each trace begins here and there, and the lengths of its kinds of rows."""
        for a, part in np.argwhere(self._places >= 0):
            yield self._places[a, part], wide._places[a, part], self._table[part, 1:], wide._table[part, 1:]

    def _arguments(self) -> dict[str, Any]:
        names = ("input_size", "hidden_size", "output_size", "diagonal", "truncate", "update", "loss")
        own = {name: getattr(self, name) for name in names}
        optimiser = _optimisers.to_facts(self.optimiser)
        return {**own, "cell": self.cell.spec, "dtype": self.dtype.name, "optimiser": optimiser}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}") for name in self._declared}


def _copy_rows(
    old: np.ndarray, new: np.ndarray, old_first: int, new_first: int, lengths: np.ndarray, new_lengths: np.ndarray
) -> None:
    """Copies a part's rows, first those of inputs, then the others, of which there are as many."""
    inputs, rest = lengths[0], lengths[1:].sum()
    new[new_first : new_first + inputs] = old[old_first : old_first + inputs]
    at, new_at = old_first + inputs, new_first + new_lengths[0]
    new[new_at : new_at + rest] = old[at : at + rest]
