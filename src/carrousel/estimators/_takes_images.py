"""What a classifier of sequences does otherwise where it is given images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from carrousel import cells, pictures
from carrousel._format import whole
from carrousel.data import Images
from carrousel.data._errors import place_of
from carrousel.estimators._images import WIDEST, as_images, common_size, holds_images, resized
from carrousel.estimators._recipe import OfLSTM
from carrousel.estimators._sequence_estimator import SequenceEstimator
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._weights import mean_one
from carrousel.nets._losses import ItemLoss
from carrousel.nets.image_vector import IMAGE_POOLINGS, ImageVector
from carrousel.pictures.directions import DIRECTIONS
from carrousel.training._batches import ImageDataset, SequenceDataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TakesImages"]

PATCH = 2
"""The side of the blocks that each layer sees, where it is not given."""

DEEPER = 4
"""A layer has so many times the cells of the one below it, whose places are as many times more."""

FIXED = (
    "bidirectional", "proj_size", "forget_bias", "layer_norm", "recurrent_dropout", "zoneout", "block_size",
    "gate_recurrence", "heads", "diagonal", "init", "fill",
)  # fmt: skip
"""Parameters that images do not take: they must be as they are by default."""


class TakesImages(SequenceEstimator):
    """An estimator that reads images by multidimensional LSTM where it is given such, and sequences as it always does.

    Attributes:
        image_size_: the height and width to which images are brought for the simple methods; None after sequences.
    """

    image_size_: tuple[int, int] | None

    @property
    def _of_images(self) -> bool:
        return getattr(self, "image_size_", None) is not None

    @property
    def _kind(self) -> Any:  # type: ignore[override]
        return "images" if self._of_images else "sequences"

    @property
    def _method(self) -> str:
        return f"multidimensional {super()._method}" if self._of_images else super()._method

    # What is given

    def _read(self, X: Any, what: str = "X", *, channels: int | None = None) -> Ragged:
        if not holds_images(X):
            return super()._read(X, what, channels=channels)
        name = type(self).__name__
        return as_images(X, channels=channels, estimator=name, what=what, channels_first=self.channels_first)

    def _accepted(self, X: Any, what: str = "X") -> Ragged:
        if holds_images(X) != self._of_images:
            words = ("images [H, W, C]", "sequences [T, C]")
            given, known = words if holds_images(X) else words[::-1]
            raise ValueError(f"{what} holds {given}, but {type(self).__name__} was fitted on {known}")
        return super()._accepted(X, what)

    def _check_channels(self, X: Any, sequences: Ragged, names: Any) -> None:
        self.image_size_ = None if sequences.sizes is None else common_size(sequences)
        super()._check_channels(X, sequences, names)
        if self._of_images:
            self._check_recipe()
            self.patch_ = PATCH if self.patch == "auto" else int(self.patch)

    def _check_recipe(self) -> None:
        """Refuses parameters that are for sequences."""
        usual = {f.name: f.default for f in type(self).__dataclass_fields__.values()}
        for name in FIXED:
            if getattr(self, name) != usual[name]:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for sequences; images are read in all directions, and "
                    f"{name} must be {usual[name]!r}"
                )
        if self.pooling not in IMAGE_POOLINGS:
            raise ValueError(f"pooling={self.pooling!r} is for sequences; of images {', '.join(IMAGE_POOLINGS)}")
        if self.rivals == "all":
            raise ValueError("rivals='all' is for sequences: random convolutions see no images; 'nearest' or 'linear'")

    def _given(self, X: list[np.ndarray]) -> list[np.ndarray]:
        if not (X and X[0].ndim == 3 and self.channels_first):
            return super()._given(X)
        return [x.transpose(2, 0, 1) for x in X]

    def fit_on(self, data: Any, **run: Any) -> Any:
        """Trains on sequences or images as ``carrousel.data`` reads them; see ``SequenceEstimator``."""
        return self._fit_on(data, run) if isinstance(data, Images) else super().fit_on(data, **run)

    # The network

    def _hierarchy(self) -> dict[str, Any]:
        """Returns the layers: each sees blocks of what is below it, the highest has ``hidden_size`` cells."""
        depth, H = int(self.num_layers), int(self.hidden_size)
        hidden = [max(2, H // DEEPER ** (depth - 1 - k)) for k in range(depth - 1)] + [H]
        member = cells.get(self.cell)
        return {
            "hidden": hidden,
            "features": hidden[1:],
            "blocks": [(self.patch_, self.patch_)] * depth,
            "cell": "multidimensional" if member == cells.get(OfLSTM.cell) else member,
        }

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

    # What it is made of and what it shows

    def directions(self, image: Any, layer: int = 0) -> dict[str, dict[str, np.ndarray]]:
        """Returns what each direction of a layer sees in one image ``[H, W, C]``.

        Args:
            image: as ``predict`` takes it.
            layer: the layer, from 0, the lowest.

        Returns:
            For each direction, by its name, ``"activity"``: the mean size of its outputs at every place of the layer;
            and ``"sight"``: the derivative of the predicted class's score by every pixel (in deviations, as the network
            sees it) by way of this direction alone, ``[H, W, C]``; those of all directions add up to the whole.
        """
        images = self._sequences([image])
        data = self._dataset(images, np.zeros(1, dtype=np.float32))
        given = data.batch(np.arange(1))[0]
        network: Any = self.network_.eval()
        net, device = network.body.layers[layer], next(network.parameters()).device
        pixels, lengths = given["input"].to(device), given["lengths"].to(device)
        units, found = net.layer.hidden_size, {}
        for k, name in enumerate(DIRECTIONS):
            part = slice(k * units, (k + 1) * units)
            said: list[torch.Tensor] = []

            def alone(_module: Any, _given: Any, output: torch.Tensor, part: slice = part) -> torch.Tensor:
                said.append(output[0, ..., part].detach())  # noqa: B023 - the list of this turn
                others = output.detach().clone()
                others[..., part] = output[..., part]
                return others

            hook = net.register_forward_hook(alone)
            try:
                with torch.enable_grad():
                    seen = pixels.clone().requires_grad_()
                    network(seen, lengths).max().backward(inputs=[seen])
            finally:
                hook.remove()
            assert seen.grad is not None
            found[name] = {
                "activity": said[0].abs().mean(dim=-1).cpu().numpy(),
                "sight": seen.grad[0].cpu().numpy(),
            }
        return found

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
        row = place_of(sequence, data.ids, "image", data.name)
        given = self._given(data.X)
        said = self.predict(given)
        fact = "" if data.y is None else f", {data.y[row]!s} in fact"
        seen = pictures.draw_directions(
            data.X[row],
            self.directions(given[row], layer),
            title=f"{data.name}, image {data.ids[row]!s}: taken for {said[row]!s}{fact}",
        )
        judged = {} if data.y is None else self._judged(self.targets_of(data), said, data.name)  # type: ignore[arg-type]
        # Of the pictures that every estimator has; those of sequences are of gates over time.
        return {"directions": seen, **judged, **super(SequenceEstimator, self).drawings(data, layer=layer)}

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step of one sequence; see ``SequenceEstimator``.

        Raises:
            ValueError: the estimator was fitted on images; ``directions`` shows what it sees in one.
        """
        if self._of_images:
            raise ValueError("images have no steps; directions(image) gives what each direction sees in one")
        return super().activations(sequence)

    def _facts(self) -> dict[str, Any]:
        size = {"image": list(self.image_size_)} if self.image_size_ is not None else {}
        return super()._facts() | size

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        size = facts.get("image")
        if size is not None:
            if not isinstance(size, list) or len(size) != 2:
                raise ValueError(f"the size of its images is {size!r}")
            size = tuple(whole(each, "a side of its images", 1, WIDEST) for each in size)
        self.image_size_ = size
        super()._restore(facts, arrays)
        if size is not None:
            if size[0] * size[1] * self.n_channels_ > max(WIDEST, self.n_channels_):
                raise ValueError(f"its images of {size[0]} x {size[1]} are larger than any that it keeps")
            self._check_recipe()
