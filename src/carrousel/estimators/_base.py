"""What the classifier and the regressor share: checking, splitting, training, predicting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from carrousel import cells
from carrousel._format import whole
from carrousel.estimators import _saved
from carrousel.estimators._baselines import LinearBaseline
from carrousel.estimators._features import check_features, restore_features, stored_features
from carrousel.estimators._params import lstm_options, stored_params, training_options
from carrousel.estimators._recipe import Recipe
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Sequences, as_sequences
from carrousel.estimators._weights import mean_one
from carrousel.nets._losses import ItemLoss
from carrousel.nets.pooled import SequenceNet
from carrousel.training._batches import Batches, SequenceDataset
from carrousel.training._callbacks import Metric
from carrousel.training._checkpoint import digest, stored_seed
from carrousel.training._loop import Job, Trained, train
from carrousel.training._threads import threads_worth

PREDICT_BATCH = 256
SEEDS = 2**31 - 1


class Trainable(Recipe):
    """An estimator around a network with ``network_``: its seed, its training run, its directory.

    Subclasses say what their network is (``_build``), and what beside parameters and weights must be kept
    (``_facts``, ``_arrays`` and their inverse ``_restore``).
    """

    reads: ClassVar[str]
    """What it learns from: ``"sequences"``, each with a target, or one ``"series"``."""
    network_: nn.Module

    def _draw_seed(self, checkpoint: str | Path | None, resume: bool) -> int:
        if self.random_state is None and resume and checkpoint is not None and Path(checkpoint).exists():
            return stored_seed(Path(checkpoint))
        return int(check_random_state(self.random_state).randint(SEEDS))

    def _identity(self, seed: int, data: list[Any]) -> dict[str, Any]:
        params = stored_params(self)
        params.pop("random_state")
        name = type(self).__name__
        return {"estimator": name, "seed": seed, "torch": torch.__version__, "params": params, "data": digest(data)}

    def _keep(self, trained: Trained, seed: int) -> None:
        self.network_ = trained.network
        self.history_ = trained.history
        self.best_epoch_ = trained.best_epoch
        self.stopped_early_ = trained.stopped_early
        self.fit_seconds_ = trained.seconds
        self.seed_ = seed

    def save(self, path: str | Path) -> None:
        """Write the fitted model as a directory: ``model.json`` and ``model.safetensors``, no pickle.

        The directory appears in one step: after a crash the old model or the new one is there. An older model at
        ``path`` is replaced, other files beside it are kept.

        Raises
        ------
        FileExistsError : ``path`` is a file, or a directory that holds something else than a model.
        """
        self._check_fitted()
        _saved.save(self, Path(path))

    def _check_fitted(self) -> None:
        check_is_fitted(self)

    @property
    def _method(self) -> str:
        """The model's name in a report."""
        spec = cells.get(self.cell).spec
        return "LSTM" if spec == "lstm" else spec

    def _build(self) -> nn.Module:
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        raise NotImplementedError

    def _arrays(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator(Trainable):
    """A classifier or regressor of whole sequences."""

    reads: ClassVar[str] = "sequences"
    pictured: ClassVar[str]
    """The picture of what it predicts beside what came: ``"confusion"`` or ``"values"``."""
    bidirectional: bool = True
    pooling: str = "mean"
    standardise: bool = True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _sequences(self, X: Any, what: str = "X") -> Sequences:
        """X as a fitted estimator accepts it."""
        self._check_fitted()
        name = type(self).__name__
        check_features(self, X, reset=False)
        found = as_sequences(X, channels=self.n_channels_, estimator=name, what=what)
        if None not in (found.flat, self._flat) and found.flat != self._flat:
            raise ValueError(
                f"{what} has {found.flat} features, but {name} is expecting {self._flat} features as input: it was "
                "fitted on a 2-D array. Sequences of another length are given as a list or as [N, T, 1]"
            )
        return found

    def _check_channels(self, X: Any, sequences: Sequences, names: Any) -> None:
        check_features(self, X, reset=True)
        self.n_channels_, self._flat = sequences.channels, sequences.flat
        self.n_features_in_ = sequences.channels if sequences.flat is None else sequences.flat
        if names is None:
            names = sequences.names or [str(k) for k in range(sequences.channels)]
        if len(names) != sequences.channels:
            raise ValueError(f"channel_names has {len(names)} names for {sequences.channels} channels")
        self.channel_names_ = [str(name) for name in names]

    def _train(
        self,
        sequences: Sequences,
        targets: np.ndarray,
        weights: np.ndarray | None,
        valid: tuple[Sequences, np.ndarray, np.ndarray | None] | None,
        criterion: ItemLoss,
        metric_name: str,
        metric: Metric,
        seed: int,
        identity: dict[str, Any],
        run: dict[str, Any],
    ) -> None:
        """Standardise with what the training part tells, and train."""
        options = training_options(self)
        of_steps = None if weights is None else np.repeat(weights, sequences.lengths)
        self.scaler_ = (
            Scaler.fit(sequences.values, of_steps) if self.standardise else Scaler.identity(sequences.channels)
        )
        job = Job(
            build=lambda: self._build(criterion),
            train=self._dataset(sequences, targets, weights),
            valid=None if valid is None else self._dataset(*valid),
            metric_name=metric_name,
            metric=metric,
        )
        self._keep(train(job, options, seed, identity=identity, **run), seed)

    def _dataset(self, sequences: Sequences, targets: np.ndarray, weights: np.ndarray | None = None) -> SequenceDataset:
        values = self.scaler_(sequences.values)
        if not np.isfinite(values).all():
            raise ValueError("X has values too large for float32; rescale it, or leave standardise=True")
        return SequenceDataset(values, sequences.lengths, targets, mean_one(weights))

    def _build(self, loss: ItemLoss | None = None) -> nn.Module:
        return SequenceNet(
            self.n_channels_,
            self._n_outputs,
            pooling=self.pooling,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            loss=self._loss() if loss is None else loss,
        )

    def _loss(self) -> ItemLoss:
        """The loss of a network whose training is over: it says what an output means."""
        raise NotImplementedError

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    def _outputs(self, sequences: Sequences) -> np.ndarray:
        """The network's output for every sequence, float64 [N, K]."""
        order = np.argsort(sequences.lengths, kind="stable")
        dataset = self._dataset(sequences.take(order), np.zeros(len(sequences), dtype=np.float32))
        device = next(self.network_.parameters()).device
        self.network_.eval()
        outputs = np.empty((len(sequences), self._n_outputs))
        done = 0
        with torch.no_grad(), threads_worth(self.network_, PREDICT_BATCH * float(sequences.lengths.mean())):
            for inputs, _ in Batches(dataset, PREDICT_BATCH):
                found = self.network_(inputs["input"].to(device), inputs["lengths"].to(device))
                outputs[order[done : done + len(found)]] = found.cpu().double().numpy()
                done += len(found)
        return outputs

    def table(self, X: Any, ids: Any) -> pd.DataFrame:
        """What is predicted for the sequences X as a table with a row for each of the ``ids``."""
        raise NotImplementedError

    def targets_of(self, data: Any) -> Any:
        """The targets y that it learns, of sequences as ``carrousel.data`` reads them."""
        raise NotImplementedError

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Every state, gate and candidate at every step of one sequence ``[T, C]``.

        Returns ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0": ..., "h_l0_reverse": ...}``: the names of the cell's states,
        gates and candidates with the layer, and the direction where it runs backward.
        """
        sequences = self._sequences([sequence], "sequence")
        return trace(self.network_, self.scaler_(sequences.values))

    def _facts(self) -> dict[str, Any]:
        return {
            "channels": self.channel_names_,
            "features": stored_features(self),
            "flat": self._flat,
            "scaler": {"mean": self.scaler_.mean.tolist(), "scale": self.scaler_.scale.tolist()},
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        return {f"baseline.{name}": value for name, value in self.baseline_.tensors().items()}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channel_names_ = _saved.words(facts["channels"], "its channels")
        self.n_channels_ = len(self.channel_names_)
        self._flat = None if facts["flat"] is None else whole(facts["flat"], "its number of features", 1)
        self.n_features_in_ = self.n_channels_ if self._flat is None else self._flat
        restore_features(self, facts.get("features"))
        self.scaler_ = _saved.scaler(facts["scaler"], self.n_channels_)
        names, wide = ("mean", "scale", "weight", "bias"), (2 * self.n_channels_,)
        outputs = (self._n_outputs,)
        shapes = dict(zip(names, (wide, wide, outputs + wide, outputs), strict=True))
        self.baseline_ = LinearBaseline.from_tensors(
            {name: _saved.array(arrays, f"baseline.{name}", shape) for name, shape in shapes.items()}
        )


def trace(network: nn.Module, values: np.ndarray) -> dict[str, np.ndarray]:
    """The states and activations of ``network.lstm`` over one prepared sequence, float32 [T, C] -> name -> [T, H]."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        lstm: Any = network.lstm
        found = lstm(torch.from_numpy(values)[None].to(device), return_states="gates")[2]
    # Shapes are [B, T, H] or [T, B, H] by the module's batch_first; the batch is this one sequence.
    return {name: value.reshape(len(values), -1).cpu().numpy() for name, value in found.items()}


def paired_error(better: np.ndarray, worse: np.ndarray) -> float | None:
    """Standard error of the mean difference of two methods' scores on the same items; None for one item."""
    difference = np.asarray(better, dtype=float) - np.asarray(worse, dtype=float)
    return float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else None
