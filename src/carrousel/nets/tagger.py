"""A class for every step: framewise labels, tags of words, states of a sensor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._body import Body
from carrousel.nets._losses import NO_LABEL, StepCrossEntropy
from carrousel.nets._symbols import Symbols

__all__ = ["NO_LABEL", "Tagger"]


class Tagger(Body):
    """A network that names the class of every step: LSTM, dropout, linear layer at each step.

    One direction sees what came before a step; both directions see the whole sequence. A single direction may answer
    ``delay`` steps late, so that it has seen a little of what follows (Graves & Schmidhuber 2005): the input is
    continued with ``delay`` steps of zeros, and the output of step t + delay is the answer for step t.

    Args:
        channels: the number of features of the input; of symbols, the width of their vectors.
        classes: the number of classes, K.
        delay: steps between a step and the answer for it; for one direction.
        weights: how much each class counts in the loss, [K]; None for all alike.
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
        symbols: how many symbols there are, where the input are their numbers ``[B, T, 1]`` (0 is the unknown one); 0
            for an input of features.
        unknown: how probably each symbol is read as the unknown one in training, [symbols].

    Raises:
        ValueError: a delay below 0, or a delay for both directions, which see everything without it.

    >>> import torch
    >>> from carrousel.nets.tagger import Tagger
    >>> network = Tagger(3, 5, lstm={"hidden_size": 8, "bidirectional": True})
    >>> lengths = torch.tensor([6, 4])
    >>> [len(tags) for tags in network.decode(network(torch.randn(2, 6, 3), lengths), lengths)]
    [6, 4]
    """

    def __init__(
        self, channels: int, classes: int, *, lstm: dict[str, Any], delay: int = 0, weights: Tensor | None = None,
        dropout: float = 0.0, noise: float = 0.0, symbols: int = 0, unknown: Tensor | None = None,
    ) -> None:  # fmt: skip
        vectors = Symbols(symbols, channels, unknown) if symbols else None
        super().__init__(channels, dropout=dropout, noise=noise, lstm=lstm, symbols=vectors)
        if delay < 0:
            raise ValueError(f"delay must be at least 0, got {delay}")
        if delay and self.directions == 2:
            raise ValueError(f"a delay of {delay} is for one direction; both directions see what follows without it")
        self.delay = delay
        self.head = nn.Linear(self.width, classes)
        self.loss = StepCrossEntropy(classes, weights)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, T, K]
        """Returns the logits of every step's classes."""
        input = self.vectors(input)
        if not self.delay:
            return self.head(self.dropout(self.read(input, lengths)))
        inside = torch.arange(input.shape[1], device=input.device) < lengths[:, None]
        # What stands past a length would be read within the delay.
        input = nn.functional.pad(input.masked_fill(~inside[:, :, None], 0.0), (0, 0, 0, self.delay))
        return self.head(self.dropout(self.read(input, lengths + self.delay)[:, self.delay :]))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each sequence, [B], the mean over its steps; targets are [B, T], some ``NO_LABEL``."""
        return self.loss.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the number of the most probable class of every step, a list for each sequence."""
        said = output.argmax(dim=2).tolist()
        return [tags[:length] for tags, length in zip(said, lengths.tolist(), strict=True)]

    @classmethod
    def example(cls) -> tuple[Tagger, dict[str, Tensor], Tensor]:
        """Returns a tagger of three classes that answers two steps late, and a batch for it."""
        lengths = torch.tensor([5, 2, 4])
        target = torch.where(torch.arange(5) < lengths[:, None], torch.randint(3, (3, 5)), NO_LABEL)
        lstm = {"hidden_size": 5, "num_layers": 2}
        network = cls(2, 3, delay=2, weights=torch.tensor([1.0, 2.0, 0.5]), dropout=0.2, noise=0.1, lstm=lstm)
        return network, {"input": torch.randn(3, 5, 2), "lengths": lengths}, target
