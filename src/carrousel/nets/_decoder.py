"""The half of a network that says a string: an LSTM that reads its own last symbol and says the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._attention import Attention
from carrousel.nets._beam import Found, beam_search, greedy
from carrousel.nets._known_symbols import check_symbols
from carrousel.nets._losses import NO_LABEL
from carrousel.nets._lstm import LSTM

__all__ = ["Decoder", "Source", "Start", "strings_of", "tuple_of"]

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Source:
    """What a decoder is given of each of N items.

    Attributes:
        state: its states before the first symbol, ``[layers, N, size]`` each.
        summary: what it reads beside every symbol, ``[N, S]``, if it reads anything.
        memory: the steps that attention sees, ``[N, T, M]``, if there is attention.
        there: where they are real, ``[N, T]``.
    """

    state: State
    summary: Tensor | None = None
    memory: Tensor | None = None
    there: Tensor | None = None

    def take(self, rows: Tensor) -> Source:
        """Returns the items at these positions, some of them more than once."""
        apart = (self.summary, self.memory, self.there)
        return Source(
            tuple(value.index_select(1, rows) for value in self.state),
            *(None if value is None else value.index_select(0, rows) for value in apart),
        )


class Start(nn.Module):
    """A decoder's first states from a vector: every layer's h is tanh of a linear layer, other states are zero.

    So Cho et al. 2014 begin. A state that no output shows, such as c, has no place in a vector of activations.
    """

    def __init__(self, size: int, lstm: LSTM) -> None:
        super().__init__()
        self.layers, self.sizes = lstm.num_layers, lstm.layers[0].state_sizes
        self.h = nn.Linear(size, self.layers * self.sizes[0])

    def forward(self, vector: Tensor) -> State:  # [N, size]
        count = len(vector)
        h = torch.tanh(self.h(vector)).view(count, self.layers, -1).transpose(0, 1).contiguous()
        return (h, *(h.new_zeros(self.layers, count, size) for size in self.sizes[1:]))


class Decoder(nn.Module):
    """An LSTM that says strings of K symbols; the end is one more, and stands before the first symbol too.

    Args:
        symbols: how many there are, K.
        lstm: keyword arguments of ``carrousel.LSTM``, of one direction.
        embedding: the size of a symbol's vector.
        dropout: the rate: below the LSTM, between its layers and above it.
        summary: numbers that are read beside every symbol, 0 for none.
        maxout: units of a layer between the LSTM and the softmax, each the greater of two (Goodfellow et al. 2013),
            that see the LSTM's output, the last symbol and the summary (Cho et al. 2014); 0 for none.
        attention: ``"additive"``, ``"dot"`` or None.
        memory: features of the steps that attention sees.
    """

    def __init__(
        self, symbols: int, *, lstm: dict[str, Any], embedding: int, dropout: float = 0.0, summary: int = 0,
        maxout: int = 0, attention: str | None = None, memory: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        if symbols < 1:
            raise ValueError(f"strings are made of at least 1 symbol, got {symbols}")
        self.end = symbols
        self.embedding = nn.Embedding(symbols + 1, embedding)
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.lstm = LSTM(embedding + summary, dropout=between, batch_first=True, **{**lstm, "bidirectional": False})
        self.dropout = nn.Dropout(dropout)
        width = self.lstm.layers[0].output_size
        self.attention = None if attention is None else Attention(attention, width, memory)
        self.deep = nn.Linear(width + embedding + summary, 2 * maxout) if maxout else None
        self.head = nn.Linear(maxout or width, symbols + 1)

    def forward(self, source: Source, answers: Tensor, sampling: float = 0.0) -> Tensor:  # [B, U] -> [B, U + 1, K + 1]
        """Returns the logits of every symbol of strings and of their ends.

        Args:
            source: of each string.
            answers: the strings, ``[B, U]``, ``NO_LABEL`` past the end of each. At each step the decoder reads the
                symbol before (teacher forcing).
            sampling: the chance that it reads one drawn from its own probabilities instead, in training (scheduled
                sampling, Bengio et al. 2015).

        Raises:
            ValueError: a symbol is not known, or stands past an end.
        """
        return self.head(self._under_head(source, answers, sampling)[0])

    def seen(self, source: Source, answers: Tensor) -> Tensor:  # [B, U] -> [B, U + 1, T]
        """Returns the weights that attention gives the source's steps as each symbol is said."""
        weights = self._under_head(source, answers, 0.0)[1]
        if weights is None:
            raise ValueError("this network has no attention")
        return weights

    def _under_head(self, source: Source, answers: Tensor, sampling: float) -> tuple[Tensor, Tensor | None]:
        there = answers != NO_LABEL
        if bool((there[:, 1:] & ~there[:, :-1]).any()):
            raise ValueError(f"a string goes on past its end, where it is {NO_LABEL}")
        known = check_symbols(answers, there, self.end)
        symbols = nn.functional.pad(known, (1, 0), value=self.end)
        if self.training and sampling > 0:
            return self._sampled(source, symbols, sampling)
        lengths = there.sum(dim=1) + 1
        ragged = bool((lengths < symbols.shape[1]).any())
        below = self._below(symbols, source)
        output = self.lstm(below, _given(source.state), lengths=lengths if ragged else None)[0]
        return self._above(output, below, source)

    def _sampled(self, source: Source, symbols: Tensor, sampling: float) -> tuple[Tensor, Tensor | None]:
        state: Any = _given(source.state)
        last, outputs, seen = symbols[:, :1], [], []
        for step in range(symbols.shape[1]):
            below = self._below(last, source)
            output, state = self.lstm(below, state)
            above, weights = self._above(output, below, source)
            outputs.append(above)
            seen.append(weights)
            if step + 1 < symbols.shape[1]:
                with torch.no_grad():
                    drawn = torch.multinomial(self.head(above)[:, 0].softmax(dim=1), 1)
                    own = torch.rand(len(drawn), 1, device=drawn.device) < sampling
                last = torch.where(own, drawn, symbols[:, step + 1 : step + 2])
        known = [weights for weights in seen if weights is not None]
        return torch.cat(outputs, 1), torch.cat(known, 1) if known else None

    def _below(self, symbols: Tensor, source: Source) -> Tensor:  # [B, U] -> [B, U, embedding + summary]
        below = self.dropout(self.embedding(symbols))
        if source.summary is None:
            return below
        return torch.cat([below, source.summary[:, None].expand(-1, symbols.shape[1], -1)], dim=2)

    def _above(self, output: Tensor, below: Tensor, source: Source) -> tuple[Tensor, Tensor | None]:
        output, weights = self.dropout(output), None
        if self.attention is not None:
            assert source.memory is not None
            assert source.there is not None
            output, weights = self.attention(output, source.memory, source.there)
            output = self.dropout(output)
        if self.deep is not None:
            pairs = self.deep(torch.cat([output, below], dim=2))
            output = pairs.unflatten(2, (-1, 2)).amax(dim=3)
        return output, weights

    def each(self, output: Tensor, target: Tensor) -> Tensor:  # [B, U + 1, K + 1], [B, U] -> [B]
        """Returns minus the log probability of each string with its end."""
        there = target != NO_LABEL
        target = nn.functional.pad(target, (0, 1), value=NO_LABEL)
        target = target.scatter(1, there.sum(dim=1, keepdim=True), self.end)
        losses = nn.functional.cross_entropy(
            output.flatten(0, 1), target.flatten(), reduction="none", ignore_index=NO_LABEL
        )
        return losses.view_as(target).sum(dim=1)

    def decode(self, output: Tensor) -> list[list[int]]:
        """Returns the most probable symbol at every step, up to the first end."""
        return [_before(said, self.end) for said in output.argmax(dim=2).tolist()]

    def say(
        self, source: Source, *, width: int = 1, most: int = 100, normalise: float = 1.0, best: int = 1
    ) -> list[list[Found]]:
        """Returns the best strings for each item, found by beam search; in evaluation and without derivatives.

        Args:
            source: of each item.
            width: of the beam; 1 takes the most probable symbol at each step.
            most: the most symbols of a string.
            normalise: the power of the length by which a log probability is divided.
            best: how many of each item.
        """
        count, training = source.state[0].shape[1], self.training
        self.eval()
        try:
            with torch.no_grad():
                options: dict[str, Any] = {"end": self.end, "width": width, "most": most}
                if width > 1 or best > 1:
                    return beam_search(
                        self._next, _take, (source, source.state), count, normalise=normalise, best=best, **options
                    )
                said = greedy(self._next, _take, (source, source.state), count, end=self.end, most=most)
                return [[self._judged(source.take(torch.tensor([k])), one, normalise)] for k, one in enumerate(said)]
        finally:
            self.train(training)

    def _judged(self, source: Source, said: list[int], normalise: float) -> Found:
        answer = torch.tensor([said], dtype=torch.long, device=source.state[0].device)
        total = -float(self.each(self(source, answer), answer)[0])
        return Found(said, total, total / (len(said) + 1) ** normalise)

    def _next(self, symbols: Tensor, state: tuple[Source, State]) -> tuple[Tensor, tuple[Source, State]]:
        source, before = state
        below = self._below(symbols.to(before[0].device)[:, None], source)
        output, after = self.lstm.step(below[:, 0], _given(before))
        scores = self.head(self._above(output[:, None], below, source)[0])[:, 0].log_softmax(dim=1)
        return scores, (source, tuple_of(after))


def strings_of(found: list[list[Found]]) -> list[list[int]]:
    """Returns the best string of each item."""
    return [best[0].symbols for best in found]


def tuple_of(state: Any) -> State:
    """Returns states as a tuple, also where there is one only."""
    return (state,) if isinstance(state, Tensor) else tuple(state)


def _given(state: State) -> Any:
    """Returns states as the LSTM takes them."""
    return state[0] if len(state) == 1 else state


def _take(state: tuple[Source, State], rows: Tensor) -> tuple[Source, State]:
    source, now = state
    rows = rows.to(now[0].device)
    return source.take(rows), tuple(value.index_select(1, rows) for value in now)


def _before(symbols: list[int], end: int) -> list[int]:
    return symbols[: symbols.index(end)] if end in symbols else symbols
