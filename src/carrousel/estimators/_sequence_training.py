"""How an estimator of sequences is trained: how long, and what is set aside to validate on."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from carrousel.estimators._params import check_memory, choice, integer, training_options
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequence_gaps import FILLS, scaler_of, with_mask
from carrousel.estimators._sequence_reading import ReadsSequences
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._split import SCHEMES, split
from carrousel.estimators._weights import group_numbers
from carrousel.training._batches import SequenceDataset
from carrousel.training._loop import usual_batch
from carrousel.training._options import Options

__all__ = ["TrainsOnSequences"]

PATIENCE = 0.5  # of the epochs, where it is not given
SHARE, FEWEST_ASIDE = 0.1, 10  # of validation where it is not given, and the sequences below which none is set aside


@dataclass(eq=False, repr=False, kw_only=True)
class TrainsOnSequences(ReadsSequences):
    """An estimator of sequences, whose length of training follows from the data.

    Attributes:
        standardise: shift and scale each channel to mean 0 and deviation 1 over the steps of the training part.
        fill: what stands for a missing value (NaN): ``"mask"``, zero, and for each channel another one that says where;
            ``"interpolate"``, a straight line between the neighbours in time; ``"last"``, the value before. What these
            leave open (no value before, none at all) is the channel's mean. None refuses missing values.
        channels_first: arrays of three dimensions are ``[N, C, T]``, and those of a list ``[C, T_i]``.
        max_epochs: passes over the training data; ``"auto"`` makes about 1,200 updates of the weights, in 20 to 400.
        patience: epochs without a lower validation loss after which training stops; ``"auto"`` is half of
            ``max_epochs``. None trains all.
        validation: the share of the sequences set aside to end training early and to choose the weights; with None the
            last weights are used. ``"auto"`` is a tenth, or None where that were fewer than ten sequences: so few tell
            good weights from bad ones worse than their loss to training harms. A tenth it is too where ``groups``,
            ``calibrate`` or ``validation_scheme="last"`` ask for a validation part.
        validation_scheme: ``"random"``, or ``"last"`` for sequences in the order of time: the last are set aside.
    """

    bidirectional: bool = True
    standardise: bool = True
    fill: str | None = None
    channels_first: bool = False
    input_noise: float = 0.1
    max_epochs: int | str = "auto"  # type: ignore[assignment]
    patience: int | str | None = "auto"  # type: ignore[assignment]
    validation: float | str | None = "auto"  # type: ignore[assignment]
    validation_scheme: str = "random"

    # Updates of the weights, about, where the number of epochs is not given, and the fewest and most epochs of these:
    # see docs/classification.md.
    _updates: ClassVar[int] = 1200
    _epochs: ClassVar[tuple[int, int]] = (20, 400)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.fill is not None
        return tags

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        choice(self, "fill", FILLS)
        choice(self, "validation_scheme", SCHEMES)
        self._settled(1)
        check_memory(self)

    def _settled(self, items: int) -> Options:
        """Returns the options of a training on so many items."""
        params = self.get_params(deep=False)
        if params["max_epochs"] == "auto":
            batches = -(-items // (params["batch_size"] or usual_batch(items)))
            fewest, most = self._epochs
            params["max_epochs"] = min(most, max(fewest, -(-self._updates // batches)))
        if params["patience"] == "auto":
            integer(SimpleNamespace(**params), "max_epochs")
            params["patience"] = max(1, round(PATIENCE * params["max_epochs"]))
        if params["validation"] == "auto":
            params["validation"] = SHARE
        return training_options(SimpleNamespace(**params))

    def _share(self, count: int, groups: Any) -> float | None:
        """Returns the share of so many sequences that is set aside."""
        if self.validation != "auto":
            return None if self.validation is None else float(self.validation)
        asked = groups is not None or getattr(self, "calibrate", False) or self.validation_scheme != "random"
        return SHARE if asked or round(SHARE * count) >= FEWEST_ASIDE else None

    def _groups(self, groups: Any, count: int, validation_data: Any) -> np.ndarray | None:
        """Returns the numbers of the groups after checking them."""
        if groups is not None and (validation_data is not None or self.validation is None):
            other = "validation=None sets none aside" if validation_data is None else "validation_data gives it"
            raise ValueError(f"groups say which sequences stay together in the validation part, but {other}")
        return group_numbers(groups, count)

    def _parted(
        self, count: int, groups: np.ndarray | None, seed: int, classes: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the numbers of the sequences to train on, and of those to validate on, which may be none."""
        share = self._share(count, groups)
        if share is None:
            return np.arange(count), np.arange(0)
        return split(count, share, seed, classes, groups=groups, scheme=self.validation_scheme)

    def _standardised_by(self, sequences: Ragged, weights: np.ndarray | None = None) -> Scaler:
        """Returns the scaler of sequences that count ``weights`` [N]."""
        of_steps = None if weights is None else np.repeat(weights, sequences.lengths)
        return scaler_of(sequences.values, of_steps) if self.standardise else Scaler.identity(sequences.channels)

    def _plain(self, sequences: Ragged) -> Ragged:
        """Returns sequences as the simple methods see them."""
        raise NotImplementedError

    def _unlabelled(self, sequences: Ragged) -> SequenceDataset:
        """Returns what the network is given of sequences, with targets that mean nothing."""
        raise NotImplementedError

    def _scaled(self, sequences: Ragged) -> np.ndarray:
        """Returns what the network is given of sequences, float32 [S, C], or [S, 2·C] with ``fill="mask"``."""
        values = with_mask(self.scaler_(sequences.values), self.fill)
        if not np.isfinite(values).all():
            raise ValueError("X has values too large for float32; rescale it, or leave standardise=True")
        return values
