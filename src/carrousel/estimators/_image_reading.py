"""What estimators of sequences share where they are given images: layers over blocks, directions, what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from carrousel import cells, pictures
from carrousel._format import whole
from carrousel.data import Images
from carrousel.data._registry import Kind
from carrousel.estimators._images import WIDEST, as_images, common_size, holds_images
from carrousel.estimators._recipe import OfLSTM
from carrousel.estimators._sequence_training import TrainsOnSequences
from carrousel.estimators._sequences import Ragged
from carrousel.pictures.directions import DIRECTIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIXED", "ReadsImages"]

DEEPER = 4
"""A layer has so many times the cells of the one below it, whose places are as many times more."""

FIXED = (
    "bidirectional", "proj_size", "forget_bias", "layer_norm", "recurrent_dropout", "zoneout", "block_size",
    "gate_recurrence", "heads", "diagonal", "init", "fill",
)  # fmt: skip
"""Parameters that images do not take: they must be as they are by default."""


class ReadsImages(TrainsOnSequences):
    """Takes images as well, and shows what each direction of multidimensional LSTM sees in one.

    Attributes:
        image_size_: the height and width to which images are brought for the simple methods; None after sequences.
    """

    image_size_: tuple[int, int] | None
    _of_sequences: ClassVar[Kind] = "sequences"  # the kind of data that are no images
    _fixed: ClassVar[tuple[str, ...]] = FIXED

    @property
    def _of_images(self) -> bool:
        return getattr(self, "image_size_", None) is not None

    @property
    def _kind(self) -> Any:  # type: ignore[override]
        return "images" if self._of_images else self._of_sequences

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

    def _check_recipe(self) -> None:
        """Refuses parameters that are for sequences."""
        usual = {f.name: f.default for f in type(self).__dataclass_fields__.values()}  # type: ignore[attr-defined]
        for name in self._fixed:
            if getattr(self, name) != usual[name]:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for sequences; images are read in all directions, and "
                    f"{name} must be {usual[name]!r}"
                )

    def _given(self, X: list[np.ndarray]) -> list[np.ndarray]:
        if not (X and X[0].ndim == 3 and self.channels_first):
            return super()._given(X)
        return [x.transpose(2, 0, 1) for x in X]

    # The network

    @property
    def _side(self) -> int:
        """The height and width of the blocks that each layer sees."""
        raise NotImplementedError

    def _hierarchy(self) -> dict[str, Any]:
        """Returns the layers: each sees blocks of what is below it, the highest has ``hidden_size`` cells."""
        depth, H = int(self.num_layers), int(self.hidden_size)
        hidden = [max(2, H // DEEPER ** (depth - 1 - k)) for k in range(depth - 1)] + [H]
        member = cells.get(self.cell)
        return {
            "hidden": hidden,
            "features": hidden[1:],
            "blocks": [(self._side, self._side)] * depth,
            "cell": "multidimensional" if member == cells.get(OfLSTM.cell) else member,
        }

    # What it shows

    def _answer(self, output: torch.Tensor) -> torch.Tensor:
        """Returns how much the network's output for one image says what is read off it."""
        return output.max()

    def directions(self, image: Any, layer: int = 0) -> dict[str, dict[str, np.ndarray]]:
        """Returns what each direction of a layer sees in one image ``[H, W, C]``.

        Args:
            image: as ``predict`` takes it.
            layer: the layer, from 0, the lowest.

        Returns:
            For each direction, by its name, ``"activity"``: the mean size of its outputs at every place of the layer;
            and ``"sight"``: the derivative by every pixel (in deviations, as the network sees it) of the predicted
            class's score, of a string of the log probability of its best path, by way of this direction alone,
            ``[H, W, C]``; those of all directions add up to the whole.

        Raises:
            ValueError: the estimator was not fitted on images.
        """
        given = self._unlabelled(self._sequences([image])).batch(np.arange(1))[0]
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
                    self._answer(network(seen, lengths)).backward(inputs=[seen])  # type: ignore[no-untyped-call]
            finally:
                hook.remove()
            assert seen.grad is not None
            found[name] = {
                "activity": said[0].abs().mean(dim=-1).cpu().numpy(),
                "sight": seen.grad[0].cpu().numpy(),
            }
        return found

    def _drawn_directions(self, data: Images, row: int, layer: int) -> dict[str, Figure]:
        """Draws what each direction of a layer sees in one image, by the picture's name."""
        one = self._given(data.X[row : row + 1])[0]
        fact = "" if data.y is None else f", {self._in_words(data.y[row])} in fact"
        said = self._in_words(self.predict([one])[0])  # type: ignore[attr-defined]
        title = f"{data.name}, image {data.ids[row]!s}: taken for {said}{fact}"
        return {"directions": pictures.draw_directions(data.X[row], self.directions(one, layer), title=title)}

    def _in_words(self, target: Any) -> str:
        """Returns a target for people."""
        return str(target)

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step of one sequence; see the estimators of sequences.

        Raises:
            ValueError: the estimator was fitted on images; ``directions`` shows what it sees in one.
        """
        if self._of_images:
            raise ValueError("images have no steps; directions(image) gives what each direction sees in one")
        return super().activations(sequence)  # type: ignore[misc,no-any-return]

    # What is kept

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
