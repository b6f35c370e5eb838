"""All methods beside which a classifier or regressor of sequences is set, and how a saved model keeps them.

Linear methods are kept as their weights. The nearest neighbour and the random convolutions are learned anew in each
report, from training sequences that the model keeps: resampled, as one array of at most a million numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from carrousel._format import fitted, whole
from carrousel.estimators import _saved
from carrousel.estimators._baselines import ALPHAS, LinearBaseline
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._summaries import FEATURES, resampled, steps_kept, width

__all__ = ["CONVOLUTIONS", "KINDS", "NEAREST", "Examples", "Rivals", "fit_rivals"]

KINDS = ("linear", "nearest", "all")
MOST_NUMBERS = 2**20  # of all training sequences that a model keeps
MOST_LINEAR = 10_000  # sequences from which a linear method on raw steps learns
SHORTEST = 9  # steps that MiniRocket needs
NEAREST, CONVOLUTIONS = "1-nearest neighbour", "random convolutions (MiniRocket)"


@dataclass(frozen=True)
class Examples:
    """Training sequences that a model keeps.

    Attributes:
        values: standardised by channel and resampled, float32 [M, R, C].
        targets: numbers of classes, or values, [M, D].
        weights: how much each counts, [M].
        whole: how many training sequences there were.
    """

    values: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    whole: int

    def nearest(self, values: np.ndarray, right: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
        """Returns the targets of the example nearest to each sequence of ``values`` [N, R, C], [N, D].

        Distances are Euclidean, either of the values as they are or of each sequence's with mean 0 and deviation 1:
        whichever finds better targets for the examples among each other, by ``right(found, actual)``.
        """
        best: tuple[float, np.ndarray] | None = None
        for form in (_as_it_is, _normalised):
            known = form(self.values)
            index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known)
            merit = 0.0
            if len(known) > 1:
                others = index.kneighbors(return_distance=False)[:, 0]
                merit = right(self.targets[others], self.targets)
            if best is None or merit > best[0]:
                best = merit, self.targets[index.kneighbors(form(values), return_distance=False)[:, 0]]
        assert best is not None
        return best[1]

    def convolved(self, values: np.ndarray, seed: int, classes: bool) -> np.ndarray:
        """Returns the targets that a linear method on random convolutions says for ``values`` [N, R, C], [N, D].

        Dempster, Schmidt & Webb 2021, "MiniRocket", in the form for several channels.

        Raises:
            ImportError: sktime or what it needs for this is not installed.
        """
        from sktime.transformations.panel.rocket import MiniRocketMultivariate

        known, new = (_at_least(v, SHORTEST).transpose(0, 2, 1) for v in (self.values, values))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a few constant features, and of what sktime will call otherwise
            kernels = MiniRocketMultivariate(random_state=seed).fit(known)
            seen, asked = (np.asarray(kernels.transform(v)) for v in (known, new))
            linear = make_pipeline(StandardScaler(), RidgeClassifierCV(ALPHAS) if classes else RidgeCV(ALPHAS))
            last = linear.steps[-1][0]
            targets = self.targets[:, 0] if classes else self.targets
            linear.fit(seen, targets, **{f"{last}__sample_weight": self.weights})
            return np.asarray(linear.predict(asked)).reshape(len(values), -1)


def _as_it_is(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _normalised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=1, keepdims=True)
    scale = centred.std(axis=1, keepdims=True)
    return (centred / np.where(scale > 1e-6, scale, 1.0)).reshape(len(values), -1)


def _at_least(values: np.ndarray, steps: int) -> np.ndarray:
    """Returns sequences [N, R, C] of ``steps`` steps where they have fewer, by linear interpolation."""
    n, there, channels = values.shape
    if there >= steps:
        return values
    short = Ragged(values.reshape(-1, channels).astype(np.float64), np.full(n, there, dtype=np.int64))
    return resampled(short, steps).astype(np.float32)


@dataclass(frozen=True)
class Rivals:
    """The methods beside which a model is set, as it keeps them.

    Attributes:
        linear: linear methods.
        examples: training sequences for the others; None if none are kept.
    """

    linear: tuple[LinearBaseline, ...]
    examples: Examples | None

    def facts(self) -> dict[str, Any]:
        """Returns what a saved model says of them."""
        facts: dict[str, Any] = {
            "linear": [{"features": each.features, "steps": each.steps} for each in self.linear],
            "examples": None,
        }
        if self.examples is not None:
            count, steps, _ = self.examples.values.shape
            facts["examples"] = {"count": count, "steps": steps, "whole": self.examples.whole}
        return facts

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays of a saved model."""
        arrays = {
            f"rival.{k}.{name}": value for k, each in enumerate(self.linear) for name, value in each.tensors().items()
        }
        if self.examples is not None:
            arrays |= {f"examples.{n}": getattr(self.examples, n) for n in ("values", "targets", "weights")}
        return arrays

    @classmethod
    def restore(cls, facts: Any, arrays: dict[str, np.ndarray], channels: int, outputs: int, classes: bool) -> Rivals:
        """Returns the rivals of what ``facts`` and ``arrays`` returned, after checking them."""
        linear = []
        for k, each in enumerate(facts["linear"]):
            if each["features"] not in FEATURES:
                raise ValueError(f"unknown features {each['features']!r}")
            steps = whole(each["steps"], "the steps of a rival", 1, 2**24)
            wide = (width(each["features"], channels, steps),)
            shapes = {"mean": wide, "scale": wide, "weight": (outputs, *wide), "bias": (outputs,)}
            found = {name: _saved.array(arrays, f"rival.{k}.{name}", shape) for name, shape in shapes.items()}
            scaler = Scaler(found["mean"], found["scale"])
            linear.append(LinearBaseline(each["features"], steps, scaler, found["weight"], found["bias"]))
        return cls(tuple(linear), _examples(facts["examples"], arrays, channels, outputs, classes))

    @classmethod
    def of_older(cls, arrays: dict[str, np.ndarray], channels: int, outputs: int) -> Rivals:
        """Returns the one rival of a model that was saved before there were more."""
        wide = (2 * channels,)
        shapes = {"mean": wide, "scale": wide, "weight": (outputs, *wide), "bias": (outputs,)}
        found = {name: _saved.array(arrays, f"baseline.{name}", shape) for name, shape in shapes.items()}
        for name in shapes:
            arrays[f"rival.0.{name}"] = arrays.pop(f"baseline.{name}")
        scaler = Scaler(found["mean"], found["scale"])
        return cls((LinearBaseline("mean and deviation", 1, scaler, found["weight"], found["bias"]),), None)


def _examples(facts: Any, arrays: dict[str, np.ndarray], channels: int, outputs: int, classes: bool) -> Examples | None:
    if facts is None:
        return None
    count = whole(facts["count"], "the number of its examples", 1, MOST_NUMBERS)
    steps = whole(facts["steps"], "the steps of its examples", 1, MOST_NUMBERS)
    declared: dict[str, tuple[tuple[int, ...], Any]] = {
        "examples.values": ((count, steps, channels), np.float32),
        "examples.targets": ((count, 1 if classes else outputs), np.float64),
        "examples.weights": ((count,), np.float64),
    }
    found = fitted({name: array for name, array in arrays.items() if name in declared}, declared)
    values, targets, weights = (found[name] for name in declared)
    if classes and not (np.isin(targets, np.arange(outputs))).all():
        raise ValueError("the class of an example is none of its classes")
    if (weights < 0).any():
        raise ValueError("the weight of an example is negative")
    return Examples(values, targets, weights, whole(facts["whole"], "the number of its training sequences", count))


def fit_rivals(
    kind: str,
    sequences: Ragged,
    scaler: Scaler,
    targets: np.ndarray,
    weights: np.ndarray | None,
    linear: Callable[[Ragged, str, int, np.ndarray, np.ndarray | None], LinearBaseline],
) -> Rivals:
    """Learns the linear methods, and keeps examples for the others.

    Args:
        kind: of ``KINDS``; ``"linear"`` keeps no training sequence.
        sequences: what is trained on, without gaps.
        scaler: of the channels.
        targets: numbers of classes [N], or values [N, D].
        weights: how much each counts [N]; None: all alike.
        linear: learns a linear method of features (a name in ``FEATURES``).
    """
    steps = steps_kept(sequences)
    some = np.arange(len(sequences))
    if len(some) > MOST_LINEAR:
        some = np.unique(np.linspace(0, len(some) - 1, MOST_LINEAR).astype(int))
    fewer = sequences if len(some) == len(sequences) else sequences.take(some)
    features = "raw steps" if sequences.sizes is None else "pixels"
    raw = linear(fewer, features, steps, targets[some], None if weights is None else weights[some])
    methods = (raw, linear(sequences, "summary features", 1, targets, weights))
    if kind == "linear":
        return Rivals(methods, None)
    most = max(1, MOST_NUMBERS // (steps * sequences.channels))
    some = np.arange(len(sequences))
    if len(some) > most:
        some = np.unique(np.linspace(0, len(some) - 1, most).astype(int))
    chosen = sequences.take(some)
    standard = Ragged(scaler(chosen.values).astype(np.float64), chosen.lengths)
    examples = Examples(
        resampled(standard, steps).astype(np.float32),
        targets[some].astype(np.float64).reshape(len(some), -1),
        np.ones(len(some)) if weights is None else weights[some],
        len(sequences),
    )
    return Rivals(methods, examples)
