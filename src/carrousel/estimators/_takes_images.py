"""What a classifier of sequences does otherwise where it is given images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from carrousel.data import Images
from carrousel.data._errors import place_of
from carrousel.estimators._image_reading import ReadsImages
from carrousel.estimators._images import resized
from carrousel.estimators._sequence_estimator import SequenceEstimator
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._weights import mean_one
from carrousel.nets._losses import ItemLoss
from carrousel.nets.image_vector import IMAGE_POOLINGS, ImageVector
from carrousel.training._batches import ImageDataset, SequenceDataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TakesImages"]

PATCH = 2
"""The side of the blocks that each layer sees, where it is not given."""


class TakesImages(ReadsImages, SequenceEstimator):
    """An estimator that reads images by multidimensional LSTM where it is given such, and sequences as it always does.

    Attributes are as in ``ReadsImages``.
    """

    def _check_channels(self, X: Any, sequences: Ragged, names: Any) -> None:
        super()._check_channels(X, sequences, names)
        if self._of_images:
            self.patch_ = PATCH if self.patch == "auto" else int(self.patch)

    def _check_recipe(self) -> None:
        super()._check_recipe()
        if self.pooling not in IMAGE_POOLINGS:
            raise ValueError(f"pooling={self.pooling!r} is for sequences; of images {', '.join(IMAGE_POOLINGS)}")
        if self.rivals == "all":
            raise ValueError("rivals='all' is for sequences: random convolutions see no images; 'nearest' or 'linear'")

    def fit_on(self, data: Any, **run: Any) -> Any:
        """Trains on sequences or images as ``carrousel.data`` reads them; see ``SequenceEstimator``."""
        return self._fit_on(data, run) if isinstance(data, Images) else super().fit_on(data, **run)

    @property
    def _side(self) -> int:
        return self.patch_

    def _build(self, loss: ItemLoss | None = None) -> nn.Module:
        if not self._of_images:
            return super()._build(loss)
        return ImageVector(
            self.n_channels_,
            self._n_outputs,
            hierarchy=self._hierarchy(),
            pooling=self.pooling,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            loss=self._loss() if loss is None else loss,
        )

    def _dataset(self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None = None) -> SequenceDataset:
        if sequences.sizes is None:
            return super()._dataset(sequences, targets, weights)
        return ImageDataset(self._scaled(sequences), sequences.sizes, targets, mean_one(weights))

    def _plain(self, sequences: Ragged) -> Ragged:
        if self.image_size_ is None:
            return super()._plain(sequences)
        return resized(sequences, self.image_size_)

    def drawings(self, data: Any, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work; of images what each direction sees, ``directions``, in the place of ``gates``.

        Args:
            data: sequences or images as ``carrousel.data`` reads them.
            layer: the layer whose gates or directions are drawn, from 0.
            sequence: the id of the sequence or image over which they are drawn; by default the first.

        Raises:
            DataError: there is none of that id.
        """
        if not isinstance(data, Images):
            return super().drawings(data, layer=layer, sequence=sequence)
        seen = self._drawn_directions(data, place_of(sequence, data.ids, "image", data.name), layer)
        judged = {}
        if data.y is not None:
            judged = self._judged(self.targets_of(data), self.predict(self._given(data.X)), data.name)  # type: ignore[arg-type]
        # Of the pictures that every estimator has; those of sequences are of gates over time.
        return {**seen, **judged, **super(SequenceEstimator, self).drawings(data, layer=layer)}
