"""What comes next: a model of texts, or of any sequences of symbols."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._known_symbols import check_symbols, inside
from carrousel.nets._losses import NO_LABEL
from carrousel.nets._lstm import LSTM

__all__ = ["LanguageModel"]


class LanguageModel(nn.Module):
    """A network that says at every step which symbol comes next: embedding, LSTM, softmax.

    Dropout is where Zaremba, Sutskever & Vinyals 2014, "Recurrent neural network regularization", put it: on what goes
    up, so on the embedding, between layers and above the last one, and never on what recurs. Whatever way information
    takes through L layers, it crosses L + 1 dropouts, however many steps it takes. A projection, ``proj_size`` of the
    LSTM, is that of Sak, Senior & Beaufays 2014.

    Texts that follow each other are read as one: ``carry`` goes on from the states that the last piece left, and where
    a symbol ``start`` stands, with which every document begins, nothing is kept of what was before.

    Args:
        symbols: how many there are, K.
        lstm: keyword arguments of ``carrousel.LSTM``. If ``init`` is a number there, the embedding and the softmax are
            drawn likewise, uniform in ±init.
        embedding: the size of a symbol's vector, E; None takes the width of the LSTM's output.
        dropout: the rate.
        tied: whether the softmax has the embedding's weights (Press & Wolf 2017; Inan, Khosravi & Socher 2017).
        cutoffs: numbers of symbols at which the softmax is divided; for large vocabularies, sorted by how often a
            symbol occurs, the frequent first (Grave et al. 2017). Empty for an ordinary softmax.
        start: the symbol with which a document begins; None where there is none.

    Raises:
        ValueError: there are no symbols, both directions are asked for, or options do not go together.

    >>> import torch
    >>> from carrousel.nets.language_model import LanguageModel
    >>> model = LanguageModel(50, lstm={"hidden_size": 8, "num_layers": 2}, dropout=0.5)
    >>> text = torch.randint(50, (2, 7))
    >>> output, state = model.carry(text[:, :6], torch.tensor([6, 6]), None)
    >>> model.each(output, text[:, 1:]).shape
    torch.Size([2])
    """

    def __init__(
        self, symbols: int, *, lstm: dict[str, Any], embedding: int | None = None, dropout: float = 0.0,
        tied: bool = False, cutoffs: tuple[int, ...] = (), start: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if symbols < 1:
            raise ValueError(f"a language model needs at least 1 symbol, got symbols={symbols}")
        if lstm.get("bidirectional"):
            raise ValueError("a language model reads in one direction: backward it would see what it is to say")
        if start is not None and not 0 <= start < symbols:
            raise ValueError(f"start must be one of the {symbols} symbols, 0 to {symbols - 1}, got {start}")
        width = lstm.get("proj_size") or lstm["hidden_size"]
        size = width if embedding is None else embedding
        self.symbols, self.start, self.width = symbols, start, width
        self.embedding = nn.Embedding(symbols, size)
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.lstm = LSTM(size, dropout=between, batch_first=True, **lstm)
        self.dropout = nn.Dropout(dropout)
        if tied and size != width:
            raise ValueError(
                f"tied: the embedding has {size} numbers a symbol and the LSTM's output {width}; they must be as many "
                "(embedding=, hidden_size or proj_size)"
            )
        self.head: nn.Module
        if cutoffs:
            self.head = _adaptive(width, symbols, cutoffs, tied)
        else:
            self.head = _Tied(self.embedding) if tied else nn.Linear(width, symbols)
        if isinstance(lstm.get("init"), (int, float)):
            for weight in (self.embedding.weight, *self.head.parameters()):
                nn.init.uniform_(weight, -lstm["init"], lstm["init"])

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T], [B] -> [B, T, width]
        """Returns what the softmax is given at every step: ``scores`` makes log probabilities of it."""
        return self.carry(input, lengths, None)[0]

    def carry(self, input: Tensor, lengths: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Reads on from a state; returns the output as ``forward`` does, and the new state.

        Args:
            input: symbols, ``[B, T]``.
            lengths: ``[B]``.
            state: as it was returned; None for the beginning.

        Raises:
            ValueError: a symbol is none of the network's.
        """
        there = inside(input, lengths)
        input = check_symbols(input, there, self.symbols)
        resets = None
        if self.start is not None:
            begins = (input == self.start) & there
            before = 0 if state is not None else 1  # where the first step's state is zero anyway
            if bool(begins[:, before:].any()):
                resets = begins
        ragged = bool((lengths < input.shape[1]).any())
        below = self.dropout(self.embedding(input))
        output, state = self.lstm(below, state, lengths=lengths if ragged else None, resets=resets)
        return self.dropout(output), state

    def step(self, symbol: int | Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Reads one symbol, or one of each of B texts; returns the scores of the next, ``[K]`` or ``[B, K]``.

        Scores are logits: log probabilities but for a number that all have in common.

        Args:
            symbol: a number, or ``[B]``.
            state: as it was returned; None for the beginning. A symbol ``start`` does not clear it.
        """
        x = self.embedding.weight[symbol] if isinstance(symbol, int) else self.embedding(symbol)
        if not self.training:  # a call of a module takes longer than it looks
            output, state = self.lstm.step(x, state)
            return self._logits(output), state
        output, state = self.lstm.step(self.dropout(x), state)
        return self._logits(self.dropout(output)), state

    def scores(self, output: Tensor) -> Tensor:  # [..., width] -> [..., K]
        """Returns the log probabilities of every symbol to come next."""
        return self._logits(output).log_softmax(dim=-1)

    def _logits(self, output: Tensor) -> Tensor:
        if isinstance(self.head, nn.AdaptiveLogSoftmaxWithLoss):
            return self.head.log_prob(output.reshape(-1, self.width)).view(*output.shape[:-1], self.symbols)
        return self.head(output)

    def each_step(self, output: Tensor, target: Tensor) -> Tensor:  # [B, T, width], [B, T] -> [B, T]
        """Returns minus the log probability of the symbol that came at every step, 0 where it is ``NO_LABEL``."""
        known = target != NO_LABEL
        check_symbols(target, known, self.symbols)
        losses = output.new_zeros(target.shape)
        if isinstance(self.head, nn.AdaptiveLogSoftmaxWithLoss):
            if not bool(known.any()):
                return losses + 0.0 * output.sum()
            return losses.masked_scatter(known, -self.head(output[known], target[known]).output)
        logits = self.head(output)
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), reduction="none", ignore_index=NO_LABEL
        ).view_as(target)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each item, [B], the mean over its steps; targets are [B, T], some ``NO_LABEL``."""
        return self.each_step(output, target).sum(dim=1) / (target != NO_LABEL).sum(dim=1).clamp(min=1)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the most probable next symbol at every step, a list for each item."""
        said = self._logits(output).argmax(dim=-1).tolist()
        return [symbols[:length] for symbols, length in zip(said, lengths.tolist(), strict=True)]

    @classmethod
    def example(cls) -> tuple[LanguageModel, dict[str, Tensor], Tensor]:
        """Returns a model of six symbols with a projection and tied weights, and documents for it."""
        lstm = {"hidden_size": 6, "proj_size": 4, "num_layers": 2}
        network = cls(6, lstm=lstm, dropout=0.2, tied=True, start=0)
        lengths = torch.tensor([5, 2, 4])
        text = torch.randint(6, (3, 6))
        text[0, 2] = 0
        target = torch.where(torch.arange(5) < lengths[:, None], text[:, 1:], NO_LABEL)
        return network, {"input": text[:, :-1], "lengths": lengths}, target


class _Tied(nn.Module):
    """A linear layer whose matrix is an embedding's."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self._embedding = (embedding,)  # in a tuple: its weights are counted, and saved, once
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))

    def forward(self, input: Tensor) -> Tensor:
        return nn.functional.linear(input, self._embedding[0].weight, self.bias)


def _adaptive(width: int, symbols: int, cutoffs: tuple[int, ...], tied: bool) -> nn.AdaptiveLogSoftmaxWithLoss:
    if tied:
        raise ValueError("tied: a divided softmax (cutoffs=) has smaller vectors for rare symbols, and none to share")
    rising = all(a < b for a, b in pairwise(cutoffs))
    if not rising or not cutoffs[0] > 0 or not cutoffs[-1] < symbols:
        raise ValueError(f"cutoffs must rise, from above 0 to below the {symbols} symbols, got {list(cutoffs)}")
    if width < 4 ** len(cutoffs):
        raise ValueError(
            f"cutoffs: each part has vectors of a quarter of the size of those before it, and of {width} numbers "
            f"{len(cutoffs)} parts after the first leave none"
        )
    return nn.AdaptiveLogSoftmaxWithLoss(width, symbols, list(cutoffs))
