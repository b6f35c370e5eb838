"""Learning from a stream of records: dicts of features with a number or a class to predict."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import Arrays, Format
from carrousel.learning.online import Adam, Descent, OnlineLSTM, Optimiser, RMSprop
from carrousel.streams._standardise import LARGEST, Standardiser

__all__ = ["FORMAT", "DivergedError", "StreamClassifier", "StreamRegressor"]

FORMAT = Format("carrousel-stream", 3, "the state of a stream's learner")
_OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "rmsprop": RMSprop, "descent": Descent}
_PARAMETERS = ("hidden_size", "cell", "rate", "optimiser", "diagonal", "truncate", "update", "seed")


class _Stream:
    """The part that regressor and classifier share.

    Features are numbers; each becomes an input, standardised by its values so far. A feature that is
    missing from a record (absent, or None) counts as its mean. One that is new when learning becomes a new input with
    small random weights; when predicting it is ignored. NaN, infinities and numbers beyond 1e100 are refused, and
    then nothing has changed.

    Args:
        hidden_size: the number of units.
        cell: a member of the family, or your own.
        rate: step size.
        optimiser: ``"adam"``, ``"rmsprop"`` or ``"descent"``.
        diagonal: see :class:`carrousel.OnlineLSTM`.
        truncate: see there.
        update: see there.
        seed: of the initial weights.
    """

    _loss = "squared"

    def __init__(
        self,
        hidden_size: int = 16,
        cell: Any = "lstm",
        rate: float = 0.01,
        optimiser: str = "adam",
        diagonal: bool = False,
        truncate: str | None = "paper",
        update: Any = "step",
        seed: int = 0,
    ) -> None:
        self.hidden_size, self.cell, self.rate, self.optimiser = hidden_size, cell, rate, optimiser
        self.diagonal, self.truncate, self.update, self.seed = diagonal, truncate, update, seed
        self._features: dict[Any, int] = {}
        self._classes: dict[Any, int] = {}
        self._inputs = Standardiser()
        self._lstm: OnlineLSTM | None = None
        self.notes: dict[str, Any] = {}

    def _begin(self, outputs: int) -> OnlineLSTM:
        if self._lstm is None:
            self._lstm = OnlineLSTM(**self._arguments(outputs), seed=self.seed)
        return self._lstm

    def _arguments(self, outputs: int) -> dict[str, Any]:
        """Returns the network's arguments, but for the seed of its first weights."""
        if self.optimiser not in _OPTIMISERS:
            raise ValueError(f"optimiser must be one of {', '.join(_OPTIMISERS)}; got {self.optimiser!r}")
        return {
            "input_size": len(self._features),
            "hidden_size": self.hidden_size,
            "output_size": outputs,
            "cell": self.cell,
            "diagonal": self.diagonal,
            "truncate": self.truncate,
            "optimiser": _OPTIMISERS[self.optimiser](self.rate),
            "update": self.update,
            "loss": self._loss,
            "dtype": np.float32,
        }

    def _read(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Returns the record's features that are there, as numbers."""
        numbers = {}
        for name, value in x.items():
            if value is None:
                continue
            if not isinstance(value, Real | np.bool_):
                raise ValueError(f"feature {name!r} is {value!r}: a number is wanted; encode categories first")
            numbers[name] = _finite(value, f"feature {name!r}")
        return numbers

    def _row(self, read: Mapping[Any, float]) -> np.ndarray:
        """Returns the inputs ``[1, features]``, NaN where one is missing."""
        row = np.full((1, len(self._features)), np.nan)
        for name, value in read.items():
            if name in self._features:
                row[0, self._features[name]] = value
        return row

    def _widen(self, read: Mapping[Any, float], outputs: int) -> OnlineLSTM:
        """Makes room for features and classes that are new, in an order that is not that of the record."""
        for name in sorted(read.keys() - self._features.keys(), key=lambda name: (str(name), type(name).__name__)):
            self._features[name] = len(self._features)
        lstm = self._begin(outputs)
        if len(self._features) > lstm.input_size or outputs > lstm.output_size:
            lstm = self._lstm = lstm.widened(len(self._features), outputs)
        self._inputs.widen(len(self._features))
        return lstm

    def observe_one(self, x: Mapping[Any, Any]) -> None:
        """Goes on with the stream without learning weights; later errors still know what happened here."""
        read = self._read(x)
        self._widen(read, max(1, self._outputs)).observe_many(self._inputs.learn(self._row(read)))

    def reset(self) -> None:
        """Starts a sequence: what the network remembers of the stream is forgotten, not what it learned."""
        if self._lstm is not None:
            self._lstm.reset()

    @property
    def _outputs(self) -> int:
        return 1

    def _array(self, inputs: Any) -> np.ndarray:
        """Returns records ``[n, features]``, and notes the features' names: those of the columns, or numbers from 0."""
        names = list(getattr(inputs, "columns", range(np.shape(inputs)[1] if np.ndim(inputs) == 2 else 0)))
        rows = np.asarray(inputs, np.float64)
        if rows.ndim != 2:
            raise ValueError(f"inputs must be [steps, features], got {list(rows.shape)}")
        bad = ~(np.abs(rows) <= LARGEST)
        if bad.any():
            t, k = np.argwhere(bad)[0]
            raise ValueError(f"feature {names[k]!r} of step {t} is {rows[t, k]}: a finite number is wanted")
        self._names = names
        return rows

    def _in_place(self, rows: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        placed = np.full((len(rows), len(self._features)), np.nan)
        for column, name in enumerate(names):
            if name in self._features:
                placed[:, self._features[name]] = rows[:, column]
        return placed

    def _look(self, rows: np.ndarray) -> np.ndarray:
        """Looks ahead: the outputs ``[n, outputs]`` after records ``[n, features]``.

        Raises:
            DivergedError: they are not finite.
        """
        assert self._lstm is not None
        outputs = self._lstm.predict_many(self._inputs.look(rows))
        if not np.isfinite(outputs).all():
            raise DivergedError("learning diverged: what it predicts is not finite; a lower rate would do")
        return outputs

    def save(self, path: str | Path, **more: Any) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Args:
            path: the file.
            **more: JSON values to save with it; :meth:`load` sets them as ``notes``.

        Raises:
            ValueError: a name of a feature or class is none of text, numbers and truth values; or a weight or a state
                is NaN or infinite. What was at the path stays.
        """
        parameters = {name: _plain(getattr(self, name)) for name in _PARAMETERS}
        if not isinstance(self.cell, str):
            parameters["cell"] = self.cell.spec
        facts = {
            "kind": type(self).__name__,
            "parameters": parameters,
            "features": _checked_names([_plain(name) for name in self._features]),
            "classes": _checked_names(list(self._classes)),
            "notes": more,
        }
        groups = {group: vars(standardiser) for group, standardiser in self._standardisers().items()}
        if self._lstm is not None:
            groups["lstm"] = self._lstm._arrays()
        arrays = {f"{group}.{name}": array for group, part in groups.items() for name, array in part.items()}
        FORMAT.write(Path(path), facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Any:
        """Reads what :meth:`save` wrote; it goes on bit for bit as the saved one would have.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        with FORMAT.reading(path) as (facts, arrays):
            if facts["kind"] != cls.__name__:
                raise ValueError(f"it holds a {facts['kind']}, not a {cls.__name__}")
            stream = cls(**facts["parameters"])
            for into, names in ((stream._features, facts["features"]), (stream._classes, facts["classes"])):
                into.update((name, place) for place, name in enumerate(_checked_names(names)))
            stream._restore(arrays)
            stream.notes = dict(facts["notes"])
        return stream

    def _restore(self, arrays: Arrays) -> None:
        """Takes the arrays of a saved learner whose features and classes are set."""
        groups: dict[str, dict[str, np.ndarray]] = {}
        for name, array in arrays.items():
            group, _, rest = name.partition(".")
            groups.setdefault(group, {})[rest] = array
        self._inputs.widen(len(self._features))
        for group, standardiser in self._standardisers().items():
            restored = Standardiser.restored(len(standardiser.count), groups.pop(group))
            vars(standardiser).update(vars(restored))
        arguments = self._arguments(max(1, self._outputs))
        if "lstm" in groups:
            self._lstm = OnlineLSTM.restored(arguments, groups.pop("lstm"))
        else:
            OnlineLSTM.declared(arguments)
            np.random.default_rng(self.seed)
        if groups:
            raise ValueError(f"it holds arrays that are not part of it: {', '.join(groups)}")

    def _standardisers(self) -> dict[str, Standardiser]:
        return {"inputs": self._inputs}


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


class DivergedError(ValueError):
    """Says that a learner predicts numbers that are not finite."""


def _finite(value: Any, what: str) -> float:
    number = float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(f"{what} is {value!r}: a finite number of at most 1e100 is wanted")
    return number


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


class StreamRegressor(_Stream):
    """Predicts a number for every record of a stream and learns from each, in constant time and memory.

    The target is standardised like the features.

    >>> model = StreamRegressor(hidden_size=8, rate=0.02)
    >>> wave = [{"u": float(np.sin(0.3 * t))} for t in range(3000)]
    >>> for x, later in zip(wave, wave[2:]):
    ...     model.learn_one(x, later["u"])
    >>> bool(abs(model.predict_one(wave[-2]) - np.sin(0.3 * 3000)) < 0.2)
    True
    """

    def __init__(
        self,
        hidden_size: int = 16,
        cell: Any = "lstm",
        rate: float = 0.01,
        optimiser: str = "adam",
        diagonal: bool = False,
        truncate: str | None = "paper",
        update: Any = "step",
        seed: int = 0,
    ) -> None:
        super().__init__(hidden_size, cell, rate, optimiser, diagonal, truncate, update, seed)
        self._target = Standardiser(1)

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from one record and its target."""
        read, target = self._read(x), _finite(y, "the target")
        lstm = self._widen(read, 1)
        lstm.learn_many(self._inputs.learn(self._row(read)), self._target.learn(np.array([[target]])))

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Returns the target of the next record, 0.0 before anything was learned; nothing changes."""
        read = self._read(x)
        if self._lstm is None:
            return 0.0
        outputs = self._look(self._row(read))
        return float(self._target.back(outputs.astype(np.float64))[0, 0])

    def learn_many(self, inputs: Any, targets: Any) -> None:
        """Learns from records one after the other: ``[n, features]`` or a data frame, and targets ``[n]``."""
        rows = self._array(inputs)
        y = np.asarray(targets, np.float64)
        if y.shape != rows.shape[:1] or not (np.abs(y) <= LARGEST).all():
            raise ValueError(f"targets must be {len(rows)} finite numbers, got {list(y.shape)}")
        lstm = self._widen(dict.fromkeys(self._names, 0.0), 1)
        placed = self._inputs.learn(self._in_place(rows, self._names))
        lstm.learn_many(placed, self._target.learn(y[:, None]))

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the targets ``[n]`` of the next records, one after the other; nothing changes."""
        rows = self._array(inputs)
        if self._lstm is None:
            return np.zeros(len(rows))
        outputs = self._look(self._in_place(rows, self._names))
        return self._target.back(outputs.astype(np.float64))[:, 0]

    def _standardisers(self) -> dict[str, Standardiser]:
        return {"inputs": self._inputs, "target": self._target}


class StreamClassifier(_Stream):
    """Predicts a class for every record of a stream and learns from each, in constant time and memory.

    A class that was not seen before gets an output of its own when it is first learned.

    >>> model = StreamClassifier(hidden_size=8)
    >>> bits = np.random.default_rng(0).integers(0, 2, 3000)
    >>> for now, before in zip(bits[1:], bits):
    ...     model.learn_one({"bit": int(now)}, "same" if now == before else "other")
    >>> model.predict_one({"bit": int(bits[-1])})
    'same'
    """

    _loss = "softmax"

    @property
    def classes(self) -> list[Any]:
        """The classes seen so far, in the order of their first records."""
        return list(self._classes)

    @property
    def _outputs(self) -> int:
        return len(self._classes)

    def _code(self, y: Any) -> int:
        if y is None or y != y:
            raise ValueError(f"the class is {y!r}: a label is wanted")
        return self._classes.setdefault(_plain(y), len(self._classes))

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from one record and its class."""
        read = self._read(x)
        code = self._code(y)
        self._widen(read, len(self._classes)).learn_many(self._inputs.learn(self._row(read)), [code])

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Returns the probability of every class seen so far; nothing changes."""
        read = self._read(x)
        if self._lstm is None or not self._classes:
            return {}
        outputs = self._look(self._row(read))[0].astype(np.float64)
        return dict(zip(self._classes, (outputs / outputs.sum()).tolist(), strict=True))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Returns the most probable class, None before anything was learned; nothing changes."""
        shares = self.predict_proba_one(x)
        return max(shares, key=lambda label: shares[label]) if shares else None

    def learn_many(self, inputs: Any, targets: Any) -> None:
        """Learns from records one after the other: ``[n, features]`` or a data frame, and classes ``[n]``."""
        rows, labels = self._array(inputs), list(targets)
        if len(labels) != len(rows):
            raise ValueError(f"there are {len(rows)} records but {len(labels)} classes")
        if any(label is None or label != label for label in labels):
            raise ValueError("a class is missing: a label is wanted for every record")
        # A class becomes an output at the record where it is first seen, not before.
        new = [t for t, label in enumerate(labels) if _plain(label) not in self._classes]
        first = [t for k, t in enumerate(new) if _plain(labels[t]) not in {_plain(labels[u]) for u in new[:k]}]
        bounds = sorted({0, *first, len(rows)})
        for begin, end in itertools.pairwise(bounds):
            codes = [self._code(label) for label in labels[begin:end]]
            lstm = self._widen(dict.fromkeys(self._names, 0.0), len(self._classes))
            lstm.learn_many(self._inputs.learn(self._in_place(rows[begin:end], self._names)), np.array(codes))

    def predict_many(self, inputs: Any) -> list[Any]:
        """Returns the most probable classes of the next records, one after the other; nothing changes."""
        rows = self._array(inputs)
        if self._lstm is None or not self._classes:
            return [None] * len(rows)
        outputs = self._look(self._in_place(rows, self._names))
        names = list(self._classes)
        return [names[k] for k in outputs.argmax(1)]
