"""Frames of bits, one after the other: the notes of a piece of music that sound together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel.nets._body import Body

__all__ = ["FrameNet"]


class FrameNet(Body):
    """A network that says which notes sound next: at each step one logistic output a note.

    Notes are independent given what came before. The loss is the negative log-likelihood a frame, in nats
    (Boulanger-Lewandowski, Bengio & Vincent 2012; Chung et al. 2014). What it says can be its next input: Eck &
    Schmidhuber 2002 let an LSTM improvise so.

    Args:
        notes: bits of a frame, N.
        dropout: the rate of dropout between layers and before the logistic layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.

    Raises:
        ValueError: both directions are asked for.

    >>> import torch
    >>> from carrousel.nets.frames import FrameNet
    >>> network = FrameNet(12, lstm={"hidden_size": 8})
    >>> frames = [frame for frame in network.play(torch.zeros(3, 12), length=5, seed=1)]
    >>> len(frames), frames[0].shape
    (5, torch.Size([12]))
    """

    def __init__(self, notes: int, *, lstm: dict[str, Any], dropout: float = 0.0, noise: float = 0.0) -> None:
        if lstm.get("bidirectional"):
            raise ValueError("what comes next is said in one direction: backward a network would see it")
        super().__init__(notes, dropout=dropout, noise=noise, lstm=lstm)
        self.head = nn.Linear(self.width, notes)

    def start_at(self, shares: np.ndarray) -> None:
        """Makes every note at first as probable as its share of frames, ``[N]`` in (0, 1), by the outputs' biases.

        Most notes are silent most of the time: learning that first takes long.
        """
        with torch.no_grad():
            self.head.bias.copy_(torch.from_numpy(np.log(shares / (1.0 - shares))))

    def chances(self, piece: np.ndarray) -> np.ndarray:
        """Returns with what probability each note is expected in each frame of a piece ``[T, N]``; first comes silence.

        Nothing of a frame is known where it is expected.
        """
        shown = np.concatenate([np.zeros_like(piece[:1]), piece[:-1]]).astype(np.float32)
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                output = self(torch.from_numpy(shown)[None].to(self.head.weight.device), torch.tensor([len(piece)]))
        finally:
            self.train(training)
        return torch.sigmoid(output)[0].double().cpu().numpy()

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, N], [B] -> [B, T, N]
        """Returns the logits of the notes of the frame after each."""
        return self.carry(input, lengths, None)[0]

    def carry(self, input: Tensor, lengths: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Reads on from a state; returns the output as ``forward`` does, and the new state."""
        ragged = bool((lengths < input.shape[1]).any())
        output, state = self.lstm(self.noisy(input), state, lengths=lengths if ragged else None)
        return self.head(self.dropout(output)), state

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the negative log-likelihood a frame of each item, [B]; targets are bits [B, T, N], -1 past an end."""
        there = (target >= 0).all(dim=2)
        bits = target.clamp(min=0).to(output.dtype)
        losses = nn.functional.binary_cross_entropy_with_logits(output, bits, reduction="none").sum(dim=2)
        return losses.masked_fill(~there, 0.0).sum(dim=1) / there.sum(dim=1).clamp(min=1)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[list[int]]]:
        """Returns the notes that are rather on than off, 0 or 1, in each frame of each item."""
        said = (output > 0).long().tolist()
        return [frames[:length] for frames, length in zip(said, lengths.tolist(), strict=True)]

    def play(
        self, begin: Tensor, *, length: int, threshold: float | None = None, temperature: float = 1.0, seed: int = 0
    ) -> Iterator[Tensor]:
        """Goes on from frames ``[T, N]`` in a closed loop: each frame that it says is its next input.

        Args:
            begin: one frame or more.
            length: how many frames to say.
            threshold: a note sounds if its probability is above; None draws each note by its probability.
            temperature: below 1 the probable becomes more so, and what is improbable less; above 1 it is drawn more.
            seed: of the draws; the same seed plays the same.

        Raises:
            ValueError: there is no frame to begin with, or of other notes; the threshold is no probability; or the
                temperature is not above 0.
        """
        notes = self.head.out_features
        if begin.dim() != 2 or not len(begin) or begin.shape[1] != notes:
            raise ValueError(f"begin with frames [T, {notes}], at least one, got {list(begin.shape)}")
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be a probability, got {threshold!r}")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be a number above 0, got {temperature!r}")
        return self._played(begin, length, threshold, temperature, torch.Generator().manual_seed(seed))

    def _played(
        self, begin: Tensor, length: int, threshold: float | None, temperature: float, random: torch.Generator
    ) -> Iterator[Tensor]:
        training, dtype = self.training, self.head.weight.dtype
        self.eval()
        try:
            state: Any = None
            frames = begin.to(self.head.weight.device, dtype)
            for _ in range(length):
                with torch.no_grad():
                    for frame in frames:
                        output, state = self.lstm.step(frame, state)
                    chances = torch.sigmoid(self.head(output) / temperature).cpu()
                    level = threshold if threshold is not None else torch.rand(chances.shape, generator=random)
                    said = (chances > level).to(dtype)
                frames = said[None].to(begin.device)
                yield said
        finally:
            self.train(training)

    @classmethod
    def example(cls) -> tuple[FrameNet, dict[str, Tensor], Tensor]:
        """Returns a network of four notes, and pieces for it."""
        network = cls(4, dropout=0.2, noise=0.05, lstm={"hidden_size": 5, "num_layers": 2})
        lengths = torch.tensor([5, 2, 4])
        piece = torch.randint(2, (3, 6, 4))
        target = piece[:, 1:].masked_fill(torch.arange(5)[None, :, None] >= lengths[:, None, None], -1)
        return network, {"input": piece[:, :-1].float(), "lengths": lengths}, target
