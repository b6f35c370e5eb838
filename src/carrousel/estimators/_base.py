"""What all estimators share: a network, its training run, its directory, and what they do with data as read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from carrousel import cells, pictures
from carrousel.data import DataError
from carrousel.estimators import _saved
from carrousel.estimators._params import stored_params
from carrousel.estimators._recipe import Recipe
from carrousel.estimators._report import Report
from carrousel.training._batches import BatchSource
from carrousel.training._checkpoint import digest, stored_seed
from carrousel.training._loop import Trained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["PREDICT_BATCH", "Trainable", "activations_of"]

PREDICT_BATCH = 256
SEEDS = 2**31 - 1
CLEARLY = 0.01  # a share of a loss


class Trainable(Recipe):
    """An estimator around a network ``network_``.

    Subclasses say what their network is (``_build``), and what a saved model has beside parameters and weights
    (``_facts``, ``_arrays`` and their inverse ``_restore``).

    An estimator reads its kind of data with ``read``. ``fit_on``, ``unseen``, ``report_on``, ``table`` and ``drawings``
    take data as they were read, so that the command line need not know which estimator it has.
    """

    network_: nn.Module

    def save(self, path: str | Path) -> None:
        """Writes the fitted model as a directory: ``model.json`` and ``model.safetensors``, no pickle.

        The directory appears in one step: after a crash the old model or the new one is there. An older model at
        ``path`` is replaced, other files beside it stay.

        Raises:
            FileExistsError: ``path`` is a file, or a directory that holds something else than a model.
        """
        self._check_fitted()
        _saved.save(self, Path(path))

    def read(self, source: str | Path) -> Any:
        """Reads data from a name or a file, as this fitted model takes them.

        Args:
            source: the name of a data set, or a path. An estimator has options of its own beside it, by keyword.

        Raises:
            DataError: the data cannot be read, or do not fit this model.
        """
        raise NotImplementedError

    def fit(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains on X, as scikit-learn knows it."""
        raise NotImplementedError

    def report(self, X: Any, *args: Any, **kwargs: Any) -> Report:
        """Compares the model with simple methods on X."""
        raise NotImplementedError

    def fit_on(self, data: Any, **run: Any) -> Any:
        """Trains on data as they were read, and returns the estimator.

        Args:
            data: of the kind that ``read`` returns.
            **run: ``checkpoint``, ``resume`` and ``progress`` as ``fit`` takes them.
        """
        raise NotImplementedError

    def unseen(self, data: Any) -> Any:
        """Returns the data without what the model is known to have been trained on.

        Raises:
            DataError: too few are left to be reported on.
        """
        return data

    def report_on(self, data: Any) -> Report:
        """Returns ``report`` on data as they were read."""
        raise NotImplementedError

    def items_on(self, data: Any) -> BatchSource:
        """Returns what the network is shown of data as they were read, with the targets of its loss.

        Raises:
            DataError: there are no targets, or error is not followed through such networks.
        """
        raise DataError(f"{data.name}: how far back error flows is not measured of a model of {type(self).__name__}")

    def table(self, data: Any) -> pd.DataFrame:
        """Returns the predictions for data as they were read as a table."""
        raise NotImplementedError

    def drawings(self, data: Any, *, layer: int = 0) -> dict[str, Figure]:
        """Draws the model at work on data as they were read, by the names of the pictures.

        Args:
            data: of the kind that ``read`` returns.
            layer: the layer whose gates are drawn, from 0.

        Returns:
            ``learning-curve`` if there is a history, and what an estimator has beside it.
        """
        if not self.history_:
            return {}
        curve = pictures.draw_learning_curve(self.history_, best_epoch=self.best_epoch_, title="Learning curve")
        return {"learning-curve": curve}

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

    def _check_fitted(self) -> None:
        check_is_fitted(self)

    @property
    def improving(self) -> bool:
        """Whether the validation loss was least in the last epoch, and clearly less than before the last tenth of all.

        Then nothing but their number ended the training.
        """
        losses = [row["valid_loss"] for row in self.history_ if "valid_loss" in row]
        before = losses[: -max(1, len(losses) // 10)]
        return bool(before) and min(losses) == losses[-1] < (1 - CLEARLY) * min(before)

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


def activations_of(network: nn.Module, values: np.ndarray) -> dict[str, np.ndarray]:
    """Returns states and activations of ``network.lstm`` over a prepared sequence [T, C], each float32 [T, H]."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        lstm: Any = network.lstm
        states = lstm(torch.from_numpy(values)[None].to(device), return_states="gates")[2]
    # Shapes are [B, T, H] or [T, B, H] by the module's batch_first; the batch is this one sequence.
    return {name: value.reshape(len(values), -1).cpu().numpy() for name, value in states.items()}
