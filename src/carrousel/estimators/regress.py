"""Sequences to a value or a vector each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, check_consistent_length

from carrousel import pictures
from carrousel.data import Sequences
from carrousel.estimators import _saved
from carrousel.estimators._baselines import LinearBaseline, fit_ridge
from carrousel.estimators._report import Report, Score
from carrousel.estimators._rivals import fit_rivals
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequence_estimator import Part, SequenceEstimator, arrays_of, paired_error
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._weights import item_weights, part, parts_of, without_zeros
from carrousel.nets._losses import SquaredError
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LSTMRegressor"]


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMRegressor(RegressorMixin, SequenceEstimator):
    """Predicts a value, or a vector, for each sequence with an LSTM or any other cell of the family.

    As LSTMClassifier, but for numbers: the squared error is minimised, on targets standardised by the training data.

    Args:
        hidden_size: cells in each layer and direction.

    Of pooling, patches, missing values, validation and rivals see ``SequenceEstimator``. All other parameters are those
    of the room's recipe: the options of ``carrousel.LSTM``, under their names there, and of the training
    (learning_rate, batch_size, ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        n_channels_, channel_names_: channels, and their names (list of str).
        n_features_in_: channels; but T if X was a 2-D array [N, T], N sequences of one channel and T steps: then 2-D
            arrays of another width are refused, as scikit-learn wants it.
        feature_names_in_: as in LSTMClassifier.
        history_: one dict per epoch: epoch, learning_rate, train_loss, valid_loss, MAE (of the validation part, in the
            target's units).
        best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    Raises:
        ValueError: as LSTMClassifier, and for a target with NaN or infinity.

    How many pulses did a sequence have?

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.integers(0, 2, size=(rng.integers(4, 12), 1)) for _ in range(120)]
    >>> y = [float(x.sum()) for x in X]
    >>> model = LSTMRegressor(hidden_size=16, pooling="last", random_state=0).fit(X[:100], y[:100])
    >>> bool(model.score(X[100:], y[100:]) > 0.9)
    True
    """

    hidden_size: int = field(default=64, kw_only=False)
    dropout: float = 0.2
    input_noise: float = 0.0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        channel_names: list[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMRegressor:
        """Trains on the sequences X and their values y, ``[N]`` or ``[N, D]``; the rest as in LSTMClassifier.fit."""
        self._check_options()
        if y is None:
            raise ValueError("LSTMRegressor requires y to be passed, but the target y is None")
        sequences = self._read(X)
        targets = self._targets(y, len(sequences))
        weights = item_weights(sample_weight, len(sequences))
        persons = self._groups(groups, len(sequences), validation_data)
        self._single = np.asarray(y).ndim == 1
        self._width = targets.shape[1]
        self._check_channels(X, sequences, channel_names)
        if weights is not None:
            persons = part(persons, np.flatnonzero(weights))
            sequences, targets, weights = without_zeros(sequences, targets, weights)
        seed = self._draw_seed(checkpoint, resume)
        data: list[Any] = [sequences.values, sequences.lengths, targets, str(self._single)]
        data += [*parts_of(weights), *parts_of(persons)]
        self.mean_ = np.average(targets, axis=0, weights=weights)

        valid: Part | None
        if validation_data is not None:
            train_part, valid = np.arange(len(sequences)), self._validation(*validation_data)
            data += arrays_of(valid)
        else:
            train_part, valid = self._set_aside(sequences, targets, weights, persons, seed, None)
        self.target_scaler_ = Scaler.fit(targets[train_part], part(weights, train_part))
        scale = self.target_scaler_

        def mean_absolute_error(predicted: np.ndarray, actual: np.ndarray, weights: np.ndarray | None) -> float:
            return float(np.average(np.abs((predicted - actual) * scale.scale).mean(axis=1), weights=weights))

        self._train(
            sequences.take(train_part),
            scale(targets[train_part]),
            part(weights, train_part),
            None if valid is None else (valid[0], scale(valid[1]), valid[2]),
            SquaredError(),
            "MAE",
            mean_absolute_error,
            seed,
            self._identity(seed, data),
            {"checkpoint": checkpoint, "resume": resume, "progress": progress},
        )

        def linear(some: Ragged, features: str, steps: int, targets: np.ndarray, weights: Any) -> LinearBaseline:
            return fit_ridge(some, features, steps, targets, weights)

        self.rivals_ = fit_rivals(self.rivals, self._plain(sequences), self.scaler_, targets, weights, linear)
        return self

    def _targets(self, y: Any, count: int) -> np.ndarray:  # [N, D]
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(np.empty(count), targets)
        if targets.ndim == 1:
            targets = targets[:, None]
        if targets.ndim != 2 or targets.shape[1] == 0:
            raise ValueError(f"y must be [N] or [N, D], got the shape {np.shape(y)}")
        return targets

    def _validation(self, X: Any, y: Any, sample_weight: Any = None) -> Part:
        sequences = self._accepted(X, "validation_data's X")
        targets = self._known_width(self._targets(y, len(sequences)), "validation_data's y")
        weights = item_weights(sample_weight, len(sequences))
        return (sequences, targets, None) if weights is None else without_zeros(sequences, targets, weights)

    def _known_width(self, targets: np.ndarray, what: str) -> np.ndarray:
        if targets.shape[1] != self._width:
            raise ValueError(f"{what} has {targets.shape[1]} values per sequence, the training data had {self._width}")
        return targets

    _of_classes: ClassVar[bool] = False

    @property
    def _n_outputs(self) -> int:
        return self._width

    def _loss(self) -> SquaredError:
        return SquaredError()

    def predict(self, X: Any) -> np.ndarray:
        """Returns the value of each sequence, [N], or [N, D] if y had two dimensions in ``fit``."""
        sequences = self._sequences(X)
        values = self.target_scaler_.inverse(self._outputs(sequences))
        return values[:, 0] if self._single else values

    def table(self, data: Sequences) -> pd.DataFrame:
        """Returns the value of each sequence under ``prediction``, or its values under ``prediction 0`` and so on."""
        values = np.asarray(self.predict(self._given(data.X))).reshape(len(data), -1)
        one = values.shape[1] == 1
        columns = {"prediction" if one else f"prediction {k}": column for k, column in enumerate(values.T)}
        return pd.DataFrame({"id": data.ids} | columns)

    def targets_of(self, data: Sequences, *, training: bool = False) -> np.ndarray:
        """Returns the values of sequences as ``carrousel.data`` reads them."""
        return data.values()

    def _learned(self, targets: np.ndarray) -> np.ndarray:
        return self.target_scaler_(self._known_width(self._targets(targets, len(targets)), "y"))

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        return {"values": pictures.draw_values(actual, predicted, title=f"{name}: predicted and actual")}

    def report(self, X: Any, y: Any) -> Report:
        """Compares the model with simple methods; MAE decides.

        These are a ridge regression on the steps (resampled to one length), one on summary features of each channel,
        the nearest neighbour, the mean of the targets, and with ``rivals="all"`` random convolutions: as in
        LSTMClassifier.report. MAE and RMSE are in the target's units, averaged over its D values.
        """
        sequences = self._sequences(X)
        targets = self._known_width(self._targets(y, len(sequences)), "y")
        plain = self._plain(sequences)
        guesses = {self._method: self.target_scaler_.inverse(self._outputs(sequences))}
        guesses |= {f"ridge on {rival.features}": rival(plain) for rival in self.rivals_.linear}
        others, notes = self._learned_again(plain, False, self._closeness)
        guesses |= others
        guesses["mean"] = np.broadcast_to(self.mean_, targets.shape)
        errors = {method: np.abs(guess - targets).mean(axis=1) for method, guess in guesses.items()}
        scores = tuple(
            Score(
                method,
                method != self._method,
                {
                    "MAE": float(errors[method].mean()),
                    "RMSE": float(np.sqrt(((guess - targets) ** 2).mean())),
                    "R2": float(r2_score(targets, guess)) if len(targets) > 1 else float("nan"),
                },
            )
            for method, guess in guesses.items()
        )
        best = min(scores[1:], key=lambda score: score.metrics["MAE"])
        error = paired_error(errors[self._method], errors[best.method])
        return Report("regression", "MAE", False, scores, len(targets), error, notes)

    def _closeness(self, found: np.ndarray, actual: np.ndarray) -> float:
        """Returns how near values [N, D] are to the actual ones; a target counts by its deviation in training."""
        return -float((np.abs(found - actual) / self.target_scaler_.scale).mean())

    def _facts(self) -> dict[str, Any]:
        scale = self.target_scaler_
        target = {"mean": scale.mean.tolist(), "scale": scale.scale.tolist(), "single": bool(self._single)}
        return {**super()._facts(), "target": target, "mean": self.mean_.tolist()}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.mean_ = _saved.numbers(facts["mean"], len(facts["mean"]), "mean")
        self._width = len(self.mean_)
        self._single = _saved.truth(facts["target"]["single"], "single")
        self.target_scaler_ = _saved.scaler(facts["target"], self._width)
        super()._restore(facts, arrays)
