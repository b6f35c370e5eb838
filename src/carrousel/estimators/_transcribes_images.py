"""What a transcriber of sequences does otherwise where it is given images of lines, and how many steps it has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from carrousel.data import DataError, Images, spoken
from carrousel.data._errors import place_of
from carrousel.data._registry import Kind
from carrousel.estimators._image_reading import FIXED, ReadsImages
from carrousel.estimators._images import columns_of
from carrousel.estimators._label_estimator import LabelEstimator
from carrousel.estimators._label_reading import Labels
from carrousel.estimators._params import integer
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._symbols import are_symbols, symbols_of
from carrousel.nets._ctc import steps_needed
from carrousel.nets.image_transcriber import ImageTranscriber
from carrousel.nets.transcriber import steps_of
from carrousel.training._batches import LabelledDataset, LabelledImages

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TranscribesImages"]

STACK = {"sequences": 1, "images": 2}
"""Frames in a step, and the side of the blocks that each layer over an image sees, where it is not given."""


@dataclass(eq=False, repr=False, kw_only=True)
class TranscribesImages(ReadsImages, LabelEstimator):
    """An estimator that transcribes images of lines by multidimensional LSTM, and sequences by LSTM.

    Attributes:
        stack: frames that are joined to one step; of images the height and width of the blocks of places that each
            layer sees. ``"auto"`` is 1, of images 2.
        every: of the steps every so many is read, the others are left out; 1 for images.

    All others are as in ``LabelEstimator``.
    """

    stack: int | str = "auto"
    every: int = 1

    _of_sequences: ClassVar[Kind] = "strings"
    _fixed: ClassVar[tuple[str, ...]] = (*FIXED, "every")

    def _check_options(self) -> None:
        self._check_steps()
        super()._check_options()

    def _check_steps(self) -> None:
        if self.stack != "auto":
            integer(self, "stack")
        for name in ("every", "num_layers"):
            integer(self, name)

    def _stacked(self, kind: str) -> int:
        return STACK[kind] if self.stack == "auto" else int(self.stack)

    @property
    def _side(self) -> int:
        return self._stacked("images")

    @property
    def _item(self) -> str:
        return "image" if self._of_images else "sequence"

    # What is given

    def _first_read(self, X: Any, names: Any) -> tuple[Ragged | None, list[str], np.ndarray]:
        self.image_size_ = None  # of symbols it stays so
        return super()._first_read(X, names)

    def _given_labels(self, X: Any, y: Any, what: str) -> list[list[Any]]:
        extents = symbols_of(X, what)[1] if are_symbols(X) else self._read(X, what).extents
        return self._strings_of(y, extents, what)

    def _strings_of(self, y: Any, extents: np.ndarray, what: str) -> list[list[Any]]:
        """Returns the labels of each sequence or image, which can be said in its steps."""
        each = self._plain_labels(y, len(extents), what)
        for i, labels in enumerate(each):
            if not labels:
                raise ValueError(f"{self._item} {i} of {what} has no label; at least one is needed")
            if "" in labels:
                raise ValueError(f"{self._item} {i} of {what} has an empty label")
        bad = self._too_long(each, extents)
        if bad is not None:
            raise ValueError(f"{self._item} {bad[0]} of {what}: {bad[1]}")
        return each

    def _too_long(self, each: list[Any], extents: np.ndarray) -> tuple[int, str] | None:
        """Returns the number of the first that is too short for its string, and why; None if there is none.

        Args:
            each: the labels of each sequence or image.
            extents: their lengths [N], or heights and widths [N, 2].
        """
        self._check_steps()
        steps = self._steps(torch.from_numpy(extents)).tolist()
        for i, (labels, there) in enumerate(zip(each, steps, strict=True)):
            needed = steps_needed(list(labels))
            if needed > there:
                why = "" if needed == len(labels) else ", for between equal ones there is a blank"
                if extents.ndim == 2:
                    of = f" of its {extents[i, 1]} columns (stack={self._side}, num_layers={self.num_layers})"
                elif there == extents[i]:
                    of = ""
                else:
                    stack = self._stacked("sequences")
                    of = f" of its {extents[i]} frames (stack={stack}, every={self.every})"
                return i, f"its {len(labels)} labels need {needed} steps{why}; it has {there}{of}"
        return None

    def _steps(self, lengths: torch.Tensor) -> torch.Tensor:
        if lengths.ndim == 1:
            return steps_of(lengths, self._stacked("sequences"), int(self.every))
        columns = lengths[:, 1]
        for _ in range(int(self.num_layers)):
            columns = steps_of(columns, self._side, 1)
        return columns

    def targets_of(self, data: Any, *, training: bool = False) -> list[tuple[str, ...]]:
        """Returns the strings of sequences or images as ``carrousel.data`` reads them; to be learned they must fit in.

        Raises:
            DataError: there are none, or they are none for this estimator.
        """
        images = isinstance(data, Images)
        if images and data.y is not None:
            data.strings()
        found = super().targets_of(data, training=training)
        if training:
            empty = next((k for k, labels in enumerate(found) if not len(labels)), None)
            bad = self._too_long(found, data.sizes if images else data.lengths)
            bad = bad if empty is None else (empty, "it has no label; at least one is needed")
            if bad is not None:
                what = "image" if images else "sequence"
                raise DataError(f"{data.name}: {what} {data.ids[bad[0]]!s}: {bad[1]}")
        return found

    # The network, and the linear method

    def _build_for_images(self) -> ImageTranscriber:
        return ImageTranscriber(
            self.n_channels_,
            len(self.classes_),
            **self._hierarchy(),
            dropout=float(self.dropout),
            noise=float(self.input_noise),
        )

    def _dataset(self, sequences: Ragged, labels: Labels) -> LabelledDataset:
        if sequences.sizes is None:
            return super()._dataset(sequences, labels)
        return LabelledImages(self._scaled(sequences), sequences.sizes, labels.numbers, labels.counts)

    def _plain(self, sequences: Ragged) -> Ragged:
        if self.image_size_ is None:
            return super()._plain(sequences)
        standard = replace(sequences, values=self.scaler_(sequences.values).astype(np.float64))
        return columns_of(standard, self.image_size_[0])

    @property
    def _rival_width(self) -> int:
        return self.n_channels_ * (1 if self.image_size_ is None else self.image_size_[0])

    # What it shows

    def _answer(self, output: torch.Tensor) -> torch.Tensor:
        return output.amax(dim=2).sum()

    def _in_words(self, target: Any) -> str:
        return spoken(target) or "nothing"

    def items_on(self, data: Any) -> LabelledDataset:
        """Returns what the network is shown of sequences that were read; see ``LabelEstimator``.

        Raises:
            DataError: they are images, or have no labels, or are of symbols.
        """
        if isinstance(data, Images):
            raise DataError(f"{data.name}: error is followed through sequences, and these are images")
        return super().items_on(data)

    def drawings(self, data: Any, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work; of images what each direction sees, ``directions``, in the place of ``gates``.

        Args:
            data: sequences or images as ``carrousel.data`` reads them.
            layer: the layer whose gates or directions are drawn, from 0.
            sequence: the id of the sequence or image over which they are drawn; by default the first.

        Raises:
            DataError: there is none of that id, or a label that the model does not know.
        """
        if not isinstance(data, Images):
            return super().drawings(data, layer=layer, sequence=sequence)
        row = place_of(sequence, data.ids, "image", data.name)
        actual = None if data.y is None else self.targets_of(data)
        drawn = self._drawn(data.take([row]), f"{data.name}, image {data.ids[row]!s}")
        drawn |= self._drawn_directions(data, row, layer)
        if actual is not None:
            drawn["confusion"] = self._confusion(actual, self.predict(self._given(data.X)), data.name)
        # Of the pictures that every estimator has; those of sequences are of gates over time.
        return {**drawn, **super(LabelEstimator, self).drawings(data, layer=layer)}
