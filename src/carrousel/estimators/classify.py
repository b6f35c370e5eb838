from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ._progress import ProgressCallback
from ._report import Report


class LSTMClassifier(ClassifierMixin, BaseEstimator):
    def __init__(
        self, hidden_size=64, *, num_layers=1, cell="lstm", bidirectional=True, pooling="mean", dropout=0.2,
        proj_size=0, forget_bias=None, layer_norm=False, recurrent_dropout=0.0, zoneout=0.0, block_size=1,
        gate_recurrence=None, heads=1, diagonal=False, init="uniform", input_noise=0.0, standardise=True,
        learning_rate=1e-2, weight_decay=1e-2, batch_size=32, max_epochs=50, patience=15, validation=0.2,
        gradient_clip=1.0, class_weight=None, device="cpu", random_state=None,
    ):  # fmt: skip
        raise NotImplementedError

    def fit(self, X, y, *, validation_data: tuple | None = None, channel_names: list[str] | None = None,
            checkpoint: str | Path | None = None, resume: bool = False, progress: ProgressCallback | None = None):  # fmt: skip
        """``X``: list of ``[T_i, C]`` arrays (ragged is the normal case), one ``[N, T, C]`` array, or a 2-D ``[N, T]``
        array of N one-channel sequences. ``checkpoint``: a file that is rewritten atomically after every epoch;
        ``resume=True`` goes on from it if it is there. Fitted: ``classes_``, ``n_features_in_`` (channels),
        ``channel_names_`` (list[str]), ``history_`` (list of dicts: epoch, learning_rate, train_loss, valid_loss,
        accuracy), ``best_epoch_``, ``network_`` (torch module; ``network_.lstm`` is the carrousel.LSTM),
        ``fit_seconds_``."""
        raise NotImplementedError

    def predict(self, X) -> np.ndarray: raise NotImplementedError  # [N], values of classes_

    def predict_proba(self, X) -> np.ndarray: raise NotImplementedError  # [N, K]

    def report(self, X, y) -> Report:
        """Accuracy and balanced accuracy of this model and of a logistic regression on each channel's mean and
        deviation (fitted on the same training data during ``fit``, kept in the saved model) and of the most frequent
        class."""
        raise NotImplementedError

    def activations(self, sequence) -> dict[str, np.ndarray]:
        """Every state and gate over time for one sequence ``[T, C]``: ``{"h_l0": [T, H], "c_l0": ..., "i_l0": ...,
        "h_l0_reverse": ...}``."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Write ``path/model.json`` and ``path/model.safetensors``, atomically; an older model there is replaced, other
        files in the directory are kept; a directory that is no model is refused (FileExistsError)."""
        raise NotImplementedError
