"""A sentence for a picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._beam import Found
from carrousel.nets._decoder import Decoder, Source, strings_of, tuple_of
from carrousel.nets._known_symbols import check_symbols, inside
from carrousel.nets._losses import NO_LABEL

__all__ = ["Captioner", "SmallEncoder"]


class SmallEncoder(nn.Module):
    """A vector from a picture: three convolutions, each with a maximum over 2 × 2 pixels, and a mean over places.

    Args:
        channels: of a picture: 3 for colours, 1 for grey.
        features: of the vector.
    """

    def __init__(self, channels: int = 3, features: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for above, below in ((16, channels), (32, 16), (features, 32)):
            layers += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        self.layers = nn.Sequential(*layers)
        self.features = features

    def forward(self, image: Tensor) -> Tensor:  # [B, C, H, W] -> [B, features]
        """Returns the vector of each picture."""
        return self.layers(image).mean(dim=(2, 3))


class Captioner(nn.Module):
    """A network that says what is in a picture: a convolutional encoder, and an LSTM that reads its vector first.

    Vinyals, Toshev, Bengio & Erhan 2015 (arXiv 2014), "Show and tell": the picture is given once, before the first
    word; given at every step it does worse. A caption is read as its own target: at each step the word before.

    Args:
        symbols: how many words there are, K; the end is one more.
        lstm: keyword arguments of ``carrousel.LSTM``.
        encoder: any module that gives a vector for each picture, ``[B, C, H, W] -> [B, features]``; None takes a
            ``SmallEncoder`` for pictures of three channels.
        features: of its vector; None takes the encoder's attribute of that name.
        embedding: the size of a word's vector; None takes ``hidden_size``.
        dropout: the rate.
        every_step: whether the picture is given beside every word, and not once.

    Raises:
        ValueError: both directions are asked for, or the encoder's features are not known.

    >>> import torch
    >>> from carrousel.nets.captioner import Captioner
    >>> network = Captioner(50, lstm={"hidden_size": 16})
    >>> len(network.caption(torch.rand(2, 3, 24, 24), width=3, most=8))
    2
    """

    def __init__(
        self, symbols: int, *, lstm: dict[str, Any], encoder: nn.Module | None = None, features: int | None = None,
        embedding: int | None = None, dropout: float = 0.0, every_step: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if lstm.get("bidirectional"):
            raise ValueError("a captioner says words in their order: it has one direction")
        self.encoder = SmallEncoder() if encoder is None else encoder
        known = getattr(self.encoder, "features", None) if features is None else features
        if not isinstance(known, int):
            raise ValueError("features: say how many numbers the encoder gives for a picture")
        size = lstm["hidden_size"] if embedding is None else embedding
        self.decoder = Decoder(symbols, lstm=lstm, embedding=size, dropout=dropout, summary=size if every_step else 0)
        self.picture = nn.Linear(known, size)
        self.every_step = every_step

    def look(self, image: Tensor) -> Source:
        """Returns what the decoder is given of pictures ``[B, C, H, W]``.

        Raises:
            ValueError: the encoder gives something else than a vector for each.
        """
        vectors = self.encoder(image)
        if vectors.shape != (len(image), self.picture.in_features):
            raise ValueError(
                f"the encoder gives {list(vectors.shape)} for {len(image)} pictures; "
                f"[{len(image)}, {self.picture.in_features}] is needed"
            )
        vectors = self.picture(vectors)
        lstm = self.decoder.lstm
        if self.every_step:
            zeros = (vectors.new_zeros(lstm.num_layers, len(image), size) for size in lstm.layers[0].state_sizes)
            return Source(tuple(zeros), vectors)
        return Source(tuple_of(lstm(self.decoder.dropout(vectors)[:, None])[1]))

    def forward(self, input: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """Returns the logits of every word of the captions and of their ends, ``[B, U + 1, K + 1]``.

        Args:
            input: captions, ``[B, U]``.
            lengths: ``[B]``.
            image: ``[B, C, H, W]``.

        Raises:
            ValueError: a caption is empty, or has a word that is not known.
        """
        there = inside(input, lengths)
        known = check_symbols(input, there, self.decoder.end)
        return self.decoder(self.look(image), known.masked_fill(~there, NO_LABEL))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each caption and its end, [B]; targets are [B, U], -1 past an end."""
        return self.decoder.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the most probable word at every step after the right ones before it, up to the first end."""
        return self.decoder.decode(output)

    def search(
        self, image: Tensor, *, width: int = 20, most: int = 30, normalise: float = 1.0, best: int = 1
    ) -> list[list[Found]]:
        """Returns the best captions of each picture, with their log probabilities.

        Args:
            image: ``[B, C, H, W]``.
            width: of the beam.
            most: the most words.
            normalise: the power of the length by which a log probability is divided.
            best: how many captions of each picture.
        """
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                return self.decoder.say(self.look(image), width=width, most=most, normalise=normalise, best=best)
        finally:
            self.train(training)

    def caption(self, image: Tensor, **options: Any) -> list[list[int]]:
        """Returns the best caption of each picture; options as in ``search``."""
        return strings_of(self.search(image, **options))

    @classmethod
    def example(cls) -> tuple[Captioner, dict[str, Tensor], Tensor]:
        """Returns a captioner of five words, and pictures with captions."""
        network = cls(5, lstm={"hidden_size": 6}, encoder=SmallEncoder(1, 4), embedding=3, dropout=0.2)
        caption = torch.tensor([[0, 3, 1, 4], [2, NO_LABEL, NO_LABEL, NO_LABEL], [1, 1, 3, NO_LABEL]])
        batch = {
            "input": caption.clamp(min=0),
            "lengths": (caption != NO_LABEL).sum(dim=1),
            "image": torch.rand(3, 1, 9, 9),
        }
        return network, batch, caption
