"""The part that learners of streams of records share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import Arrays, Format, fitted
from carrousel.learning._steps import LEARN
from carrousel.streams._mixture import Mixture, Ranks, Weighing
from carrousel.streams._networks import OPTIMISERS, Network, begun, check, optimiser_of, rates_of, restored
from carrousel.streams._standardise import LARGEST, Standardiser

__all__ = ["FORMAT", "DivergedError", "Stream", "finite", "plain"]

FORMAT = Format("carrousel-stream", 5, "the state of a stream's learner")
MISSING = ("mean", "mask", "last")


class DivergedError(ValueError):
    """Says that a learner predicts numbers that are not finite."""


class Stream:
    """What a regressor and a classifier of streams have in common; see there."""

    _loss = "squared"
    _optimisers: tuple[str, ...] = OPTIMISERS
    _parameters: tuple[str, ...] = (
        "hidden_size", "cell", "rate", "optimiser", "diagonal", "truncate", "update", "seed", "past", "missing",
    )  # fmt: skip

    def __init__(
        self, hidden_size: int, cell: Any, rate: Any, optimiser: str, diagonal: bool, truncate: str | None,
        update: Any, seed: int, past: bool, missing: str,
    ) -> None:  # fmt: skip
        self.hidden_size, self.cell, self.rate, self.optimiser = hidden_size, cell, rate, optimiser
        self.diagonal, self.truncate, self.update, self.seed = diagonal, truncate, update, seed
        self.past, self.missing = past, missing
        self._features: dict[Any, int] = {}
        self._classes: dict[Any, int] = {}
        self._inputs = Standardiser()
        self._lasts = np.zeros(0)  # the last value of every feature
        self._ranks = Ranks()
        self._networks: list[Network] = []
        self.notes: dict[str, Any] = {}
        self.beside: dict[str, np.ndarray] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments, as JSON can hold them."""
        parameters = {name: plain(getattr(self, name)) for name in self._parameters}
        for name, value in parameters.items():
            if isinstance(value, tuple | list | np.ndarray):
                parameters[name] = [plain(each) for each in value]
        if not isinstance(self.cell, str):
            parameters["cell"] = self.cell.spec
        return parameters

    @property
    def _rates(self) -> tuple[float, ...]:
        rates = rates_of(self.optimiser) if self.rate is None else tuple(np.ravel(self.rate).tolist())
        if not 1 <= len(rates) <= 16:
            raise ValueError(f"rate must be a number, or 1 to 16 of them, got {len(rates)}")
        return rates

    @property
    def _networks_a_rate(self) -> int:
        """How many networks learn at each rate."""
        return 1

    @property
    def _past_inputs(self) -> int:
        """How many inputs come before the features."""
        return 0

    @property
    def _outputs(self) -> int:
        return 1

    def _arguments(self, rate: float) -> dict[str, Any]:
        """Returns a network's arguments, but for the seed of its first weights."""
        if self.optimiser not in self._optimisers:
            raise ValueError(f"optimiser must be one of {', '.join(self._optimisers)}; got {self.optimiser!r}")
        if self.optimiser == "kalman" and self.update not in ("step", 1):
            raise ValueError(f"update must be 'step' for kalman, which learns from every record; got {self.update!r}")
        if self.missing not in MISSING:
            raise ValueError(f"missing must be one of {', '.join(MISSING)}; got {self.missing!r}")
        return {
            "input_size": self._past_inputs + len(self._features),
            "hidden_size": self.hidden_size,
            "output_size": max(1, self._outputs),
            "cell": self.cell,
            "diagonal": self.diagonal,
            "truncate": self.truncate,
            "optimiser": optimiser_of(self.optimiser, rate),
            "update": self.update,
            "loss": self._loss,
            "dtype": np.float32,
        }

    def _all_arguments(self) -> list[dict[str, Any]]:
        return [self._arguments(rate) for _ in range(self._networks_a_rate) for rate in self._rates]

    def _number(self, name: Any, value: Any) -> float:
        """Returns a feature's value, NaN if it is missing."""
        if value is None:
            return np.nan
        if not isinstance(value, Real | np.bool_):
            raise ValueError(f"feature {name!r} is {value!r}: a number is wanted; encode categories first")
        if self.missing != "mean" and value != value:
            return np.nan
        return finite(value, f"feature {name!r}")

    def _read(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Returns the record's features that are there, as numbers."""
        read = {name: self._number(name, value) for name, value in x.items()}
        return {name: value for name, value in read.items() if value == value}

    def _array(self, inputs: Any) -> tuple[np.ndarray, list[Any]]:
        """Returns records ``[n, features]``, and the features' names: those of the columns, or numbers from 0."""
        names = list(getattr(inputs, "columns", range(np.shape(inputs)[1] if np.ndim(inputs) == 2 else 0)))
        rows = np.asarray(inputs, np.float64)
        if rows.ndim != 2:
            raise ValueError(f"inputs must be [steps, features], got {list(rows.shape)}")
        bad = ~(np.abs(rows) <= LARGEST)
        if self.missing != "mean":
            bad &= ~np.isnan(rows)
        if bad.any():
            t, k = np.argwhere(bad)[0]
            raise ValueError(f"feature {names[k]!r} of step {t} is {rows[t, k]}: a finite number is wanted")
        return rows, names

    def _one(self, x: Mapping[Any, Any]) -> tuple[np.ndarray, list[Any]]:
        """Returns the record ``[1, features]`` and the names of those of its features that are there."""
        read = self._read(x)
        return np.array([list(read.values())], np.float64).reshape(1, -1), list(read)

    def _placed(self, rows: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        """Returns records as the networks know them ``[n, features]``, NaN where a value is missing."""
        placed = np.full((len(rows), len(self._features)), np.nan)
        for column, name in enumerate(names):
            if name in self._features:
                placed[:, self._features[name]] = rows[:, column]
        if self.missing == "mask":
            for name, place in self._features.items():
                if (mask := _mask(name)) in self._features:
                    placed[:, self._features[mask]] = np.isnan(placed[:, place])
        if self.missing == "last":
            before = np.where(self._inputs.count > 0, self._lasts, np.nan)
            for row in placed:
                row[:] = before = np.where(np.isnan(row), before, row)
        return placed

    def _widen(self, names: Sequence[Any]) -> None:
        """Makes room for features and classes that are new, in an order that is not that of the record."""
        new = set(names) - self._features.keys()
        if self.missing == "mask":
            new |= {_mask(name) for name in new}
        for name in sorted(new, key=lambda name: (str(name), type(name).__name__)):
            self._features[name] = len(self._features)
        if not self._networks:
            self._networks = [begun(arguments, self.seed) for arguments in self._all_arguments()]
        inputs, outputs = self._past_inputs + len(self._features), max(1, self._outputs)
        first = self._networks[0]
        if inputs > first.input_size or outputs > first.output_size:
            self._networks = [network.widened(inputs, outputs) for network in self._networks]
        self._inputs.widen(len(self._features))
        self._lasts = np.concatenate([self._lasts, np.zeros(len(self._features) - len(self._lasts))])

    def _features_learned(self, placed: np.ndarray) -> np.ndarray:
        """Takes records into account and returns them standardised."""
        for row in placed:
            self._lasts = np.where(np.isnan(row), self._lasts, row)
        return self._inputs.learn(placed)

    def _teach(self, network: Network, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Has a network learn, and returns what it said before each step."""
        inputs = np.ascontiguousarray(inputs, network.dtype)
        said = network._stream(inputs, np.ascontiguousarray(targets, network.dtype), LEARN, True)
        assert said is not None
        return said.astype(np.float64)

    def _ask(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Returns what every network would say of inputs ``[n, inputs]``: ``[n, outputs]`` each; nothing changes.

        Raises:
            DivergedError: it is not finite.
        """
        said = [network.predict_many(inputs).astype(np.float64) for network in self._networks]
        if not all(np.isfinite(outputs).all() for outputs in said):
            raise DivergedError("learning diverged: what it predicts is not finite; a lower rate would do")
        return said

    def reset(self) -> None:
        """Starts a sequence: what the networks remember of the stream is forgotten, not what they learned."""
        for network in self._networks:
            network.reset()

    def save(self, path: str | Path, beside: Arrays | None = None, /, **more: Any) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Args:
            path: the file.
            beside: arrays to save with it; :meth:`load` sets them as ``beside``.
            **more: JSON values to save with it; :meth:`load` sets them as ``notes``.

        Raises:
            ValueError: a name of a feature or class is none of text, numbers and truth values; or a weight or a state
                is NaN or infinite. What was at the path stays.
        """
        facts = {
            "kind": type(self).__name__,
            "parameters": self.parameters,
            "features": _checked_names([plain(name) for name in self._features]),
            "classes": _checked_names(list(self._classes)),
            **self._facts(),
            "notes": more,
        }
        groups = {**self._groups(), "beside": beside or {}}
        for k, network in enumerate(self._networks):
            groups[f"network{k}"] = network._arrays()
        arrays = {f"{group}.{name}": array for group, part in groups.items() for name, array in part.items()}
        FORMAT.write(Path(path), facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Any:
        """Reads what :meth:`save` wrote; it goes on bit for bit as the saved one would have.

        Raises:
            ValueError: the file is not such a file, or is damaged, or an earlier version wrote it.
        """
        with FORMAT.reading(path) as (facts, arrays):
            if facts["kind"] != cls.__name__:
                raise ValueError(f"it holds a {facts['kind']}, not a {cls.__name__}")
            stream = cls(**facts["parameters"])
            for into, names in ((stream._features, facts["features"]), (stream._classes, facts["classes"])):
                into.update((name, place) for place, name in enumerate(_checked_names(names)))
            groups: dict[str, dict[str, np.ndarray]] = {}
            for name, array in arrays.items():
                group, _, rest = name.partition(".")
                groups.setdefault(group, {})[rest] = array
            stream.beside = dict(groups.pop("beside", {}))
            stream._restore(facts, groups)
            if groups:
                raise ValueError(f"it holds arrays that are not part of it: {', '.join(groups)}")
            stream.notes = dict(facts["notes"])
        return stream

    def _facts(self) -> dict[str, Any]:
        """Returns what else is saved, as JSON can hold it."""
        return {}

    def _groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Returns the arrays that are saved, but for the networks'."""
        lasts = {"values": self._lasts}
        return {"inputs": vars(self._inputs), "lasts": lasts, "ranks": self._ranks.arrays, "mixture": self._mix.arrays}

    def _restore(self, facts: Mapping[str, Any], groups: dict[str, Any]) -> None:
        """Takes the arrays of a saved learner whose features and classes are set, out of the groups."""
        width = len(self._features)
        self._inputs = Standardiser.restored(width, groups.pop("inputs"))
        self._lasts = _fitted_lasts(groups.pop("lasts"), width)
        self._ranks.restore(groups.pop("ranks"))
        arguments = self._all_arguments()
        if "network0" in groups:
            self._networks = [restored(each, groups.pop(f"network{k}")) for k, each in enumerate(arguments)]
        else:
            check(arguments[0])
            np.random.default_rng(self.seed)
        self._mix.restore(groups.pop("mixture"))

    @property
    def _mix(self) -> Mixture | Weighing:
        raise NotImplementedError


def _fitted_lasts(arrays: Arrays, width: int) -> np.ndarray:
    lasts = fitted(arrays, {"values": ((width,), np.float64)})["values"]
    if not (np.abs(lasts) <= LARGEST).all():
        raise ValueError("it holds values of features that are too large")
    return lasts


def _mask(name: Any) -> str:
    """Returns the name of the input that says whether a feature is missing."""
    return f"{name} is missing"


def _checked_names(names: Any) -> list[Any]:
    """Returns names of features or classes that JSON can hold, each once.

    Raises:
        ValueError: one is something else, or there twice.
    """
    if not isinstance(names, list) or not all(type(name) in (str, int, float, bool) for name in names):
        raise ValueError(f"names of features and classes must be text, numbers or truth values, got {names}")
    if len(set(names)) < len(names):
        raise ValueError(f"a feature or a class is named twice: {names}")
    return names


def finite(value: Any, what: str) -> float:
    """Returns a number as a float.

    Raises:
        ValueError: it is NaN, infinite or beyond 1e100.
    """
    number = float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(f"{what} is {value!r}: a finite number of at most 1e100 is wanted")
    return number


def plain(label: Any) -> Any:
    """Returns a label or a value, not as NumPy has it but as Python has it."""
    return label.item() if isinstance(label, np.generic) else label
