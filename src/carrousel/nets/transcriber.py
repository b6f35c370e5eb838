"""A string of labels for an unsegmented sequence: speech to phones, strokes to letters."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from carrousel.nets._body import Body
from carrousel.nets._ctc import best_path, blank_past, ctc
from carrousel.nets._symbols import Symbols

__all__ = ["Transcriber", "steps_of"]

Count = TypeVar("Count", int, Tensor)


def steps_of(frames: Count, stack: int, every: int) -> Count:
    """Returns the steps of so many frames, of which ``stack`` are joined, and every so many steps is read.

    >>> steps_of(9, stack=2, every=1), steps_of(9, stack=2, every=2)
    (5, 3)
    """
    joined = (frames + stack - 1) // stack
    return (joined + every - 1) // every


class Transcriber(Body):
    """A network that says a string of labels: LSTM, dropout, linear layer at each step, CTC.

    Graves, Fernández, Gomez & Schmidhuber 2006; deep in both directions, Graves, Mohamed & Hinton 2013. The outputs are
    log probabilities of the K labels and, last, of the blank. A step past a sequence's end says blank for certain,
    which changes no string's probability.

    Args:
        channels: the number of features of the input; of symbols, the width of their vectors.
        labels: the number of labels, K.
        stack: frames that are joined to one step; the last step of a sequence is filled with zeros.
        every: of the steps every so many is read, the others are left out.
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
        symbols: how many symbols there are, where the input are their numbers ``[B, T, 1]`` (0 is the unknown one); 0
            for an input of features.
        unknown: how probably each symbol is read as the unknown one in training, [symbols].

    Raises:
        ValueError: ``stack`` or ``every`` is below 1.

    >>> import torch
    >>> from carrousel.nets.transcriber import Transcriber
    >>> network = Transcriber(3, 5, stack=2, lstm={"hidden_size": 8, "bidirectional": True})
    >>> output = network(torch.randn(2, 9, 3), torch.tensor([9, 4]))
    >>> output.shape  # 5 steps of 2 frames; 5 labels and the blank
    torch.Size([2, 5, 6])
    >>> network.steps(torch.tensor([9, 4]))
    tensor([5, 2])
    """

    def __init__(
        self, channels: int, labels: int, *, lstm: dict[str, Any], stack: int = 1, every: int = 1, dropout: float = 0.0,
        noise: float = 0.0, symbols: int = 0, unknown: Tensor | None = None,
    ) -> None:  # fmt: skip
        for name, value in (("stack", stack), ("every", every)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        vectors = Symbols(symbols, channels, unknown) if symbols else None
        super().__init__(channels * stack, dropout=dropout, noise=noise, lstm=lstm, symbols=vectors)
        self.stack, self.every = stack, every
        self.head = nn.Linear(self.width, labels + 1)

    @property
    def blank(self) -> int:
        """The number of the output that says nothing."""
        return self.head.out_features - 1

    def steps(self, lengths: Tensor) -> Tensor:
        """Returns how many steps sequences of these lengths in frames have, at which labels can be said, [B]."""
        return steps_of(lengths, self.stack, self.every)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, steps, K + 1]
        """Returns the log probabilities of every step's labels, the blank last."""
        input, lengths = self.shortened(self.vectors(input), lengths), self.steps(lengths)
        said = self.head(self.dropout(self.read(input, lengths))).log_softmax(dim=2)
        return blank_past(said, lengths)

    def shortened(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, steps, stack * C]
        """Returns the input with its frames stacked, and of the steps every so many."""
        if self.stack > 1:
            batch, frames, channels = input.shape
            # A step is filled with zeros past the end, and not with what stands there.
            inside = torch.arange(frames, device=input.device) < lengths[:, None]
            input = input.masked_fill(~inside[:, :, None], 0.0)
            input = nn.functional.pad(input, (0, 0, 0, -frames % self.stack))
            input = input.reshape(batch, -1, self.stack * channels)
        return input[:, :: self.every]

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each string, [B]; targets are [B, U], -1 past the end of a string.

        Raises:
            ValueError: a string needs more steps than its sequence has.
        """
        return ctc(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the string of the most probable path of each sequence."""
        return [best_path(said) for said in output.detach().cpu().numpy()]

    def listen(self, frame: Tensor | None, state: Any = None) -> tuple[list[int], Any]:
        """Reads one frame of an endless sequence, and returns the labels that it brings, one or none.

        Args:
            frame: ``[C]``; of symbols a number, ``[1]``. None says that the sequence is over: frames that wait for
                others are joined with zeros.
            state: what the last call returned; None at the beginning.

        Returns:
            The labels, and the state for the next call.

        Raises:
            ValueError: the network has both directions, and so cannot say anything before the end.
        """
        if self.directions == 2:
            raise ValueError("a network of both directions says nothing before the end; one direction can listen")
        frames, count, lstm, last = ([], 0, None, self.blank) if state is None else state
        with torch.no_grad():
            if frame is not None:
                frames = [*frames, self.vectors(frame)]
            elif frames:
                frames = [*frames, *(self.stack - len(frames)) * [torch.zeros_like(frames[0])]]
            if len(frames) < self.stack:
                return [], (frames, count, lstm, last)
            if count % self.every:
                return [], ([], count + 1, lstm, last)
            output, lstm = self.lstm.step(torch.cat(frames), lstm)
            now = int(self.head(output).argmax())
        return [now] if now not in (last, self.blank) else [], ([], count + 1, lstm, now)

    @classmethod
    def example(cls) -> tuple[Transcriber, dict[str, Tensor], Tensor]:
        """Returns a transcriber of three labels whose steps are two frames, and a batch for it."""
        lstm = {"hidden_size": 5, "num_layers": 2, "bidirectional": True}
        network = cls(2, 3, stack=2, dropout=0.2, noise=0.1, lstm=lstm)
        target = torch.tensor([[0, 0, 2], [1, -1, -1], [2, 1, -1]])
        return network, {"input": torch.randn(3, 9, 2), "lengths": torch.tensor([9, 2, 5])}, target
