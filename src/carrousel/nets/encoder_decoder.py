"""One string of symbols from another: words to their sounds, sentences to another language."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._beam import Found
from carrousel.nets._decoder import Decoder, Source, Start, strings_of, tuple_of
from carrousel.nets._known_symbols import check_symbols, inside
from carrousel.nets._losses import NO_LABEL
from carrousel.nets._lstm import LSTM

__all__ = ["EncoderDecoder"]


class EncoderDecoder(nn.Module):
    """A network that reads a string of symbols to its end and then says another.

    With the defaults it is that of Sutskever, Vinyals & Le 2014: deep LSTMs, the source read backward, and the states
    of each layer handed to the same layer of the decoder. ``fed`` makes it that of Cho et al. 2014: a summary of the
    source, tanh of its last output, is where the decoder begins and is read beside every symbol; they have
    ``cell="gru_cho"``, ``maxout=500`` and ``reverse=False``.

    Args:
        source: how many symbols the source has.
        target: how many the target has, K; the end is one more.
        lstm: keyword arguments of ``carrousel.LSTM``, for both; ``bidirectional`` is for the encoder, whose last
            outputs of both directions are then where the decoder begins.
        embedding: the size of a symbol's vector; None takes ``hidden_size``.
        dropout: the rate: below, between and above the layers of both (Zaremba et al. 2014).
        reverse: whether the source is read backward.
        fed: whether the decoder reads a summary at every step.
        maxout: units of a layer under the softmax, each the greater of two; 0 for none.
        attention: ``"additive"``, ``"dot"``, or None: whether the decoder sees every step of the source.
        sampling: the chance that the decoder reads its own symbol in training, and not the right one (scheduled
            sampling, Bengio et al. 2015). Who trains may raise the attribute from epoch to epoch, as they do.

    Raises:
        ValueError: an option is out of its range.

    >>> import torch
    >>> from carrousel.nets.encoder_decoder import EncoderDecoder
    >>> network = EncoderDecoder(26, 39, lstm={"hidden_size": 8}, attention="dot")
    >>> words, lengths = torch.randint(26, (2, 6)), torch.tensor([6, 4])
    >>> network(words, lengths, answer=torch.tensor([[3, 1], [7, -1]])).shape  # with the end, 40 symbols
    torch.Size([2, 3, 40])
    >>> len(network.translate(words, lengths, width=4, most=9))
    2
    """

    def __init__(
        self, source: int, target: int, *, lstm: dict[str, Any], embedding: int | None = None, dropout: float = 0.0,
        reverse: bool = True, fed: bool = False, maxout: int = 0, attention: str | None = None, sampling: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if source < 1:
            raise ValueError(f"a source has at least 1 symbol, got {source}")
        if not 0 <= sampling <= 1:
            raise ValueError(f"sampling must be a chance from 0 to 1, got {sampling!r}")
        size = lstm["hidden_size"] if embedding is None else embedding
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.symbols, self.reverse, self.sampling = source, reverse, sampling
        self.embedding = nn.Embedding(source, size)
        self.lstm = LSTM(size, dropout=between, batch_first=True, **lstm)
        self.dropout = nn.Dropout(dropout)
        width = self.lstm.layers[0].output_size
        summary = 2 * width if self.lstm.bidirectional else width
        self.decoder = Decoder(
            target, lstm=lstm, embedding=size, dropout=dropout, summary=summary if fed else 0, maxout=maxout,
            attention=attention, memory=summary,
        )  # fmt: skip
        self.summary = nn.Linear(summary, summary) if fed else None
        self.start = Start(summary, self.decoder.lstm) if fed or self.lstm.bidirectional else None

    def encode(self, input: Tensor, lengths: Tensor) -> Source:
        """Returns what the decoder is given of sources ``[B, T]``.

        Raises:
            ValueError: a source is empty, or has a symbol that the network does not know.
        """
        there = inside(input, lengths)
        input = check_symbols(input, there, self.symbols)
        if self.reverse:
            lengths = lengths.to(input.device)
            places = lengths[:, None] - 1 - torch.arange(input.shape[1], device=input.device)
            input = input.gather(1, places.clamp(min=0))
        ragged = bool((lengths < input.shape[1]).any())
        below = self.dropout(self.embedding(input))
        output, state = self.lstm(below, lengths=lengths if ragged else None)
        last = tuple_of(state)
        if self.start is None:
            begin, summary = last, None
        else:
            summary = last[0][-2:].transpose(0, 1).flatten(1) if self.lstm.bidirectional else last[0][-1]
            summary = summary if self.summary is None else torch.tanh(self.summary(summary))
            begin = self.start(summary)
        fed = summary if self.summary is not None else None
        if self.decoder.attention is None:
            return Source(begin, fed)
        return Source(begin, fed, self.dropout(output), there)

    def forward(self, input: Tensor, lengths: Tensor, answer: Tensor) -> Tensor:
        """Returns the logits of the answers' symbols and of their ends, ``[B, U + 1, K + 1]``, the end last.

        Args:
            input: sources, ``[B, T]``.
            lengths: ``[B]``.
            answer: what is to be said, ``[B, U]``, -1 past the end of each.
        """
        return self.decoder(self.encode(input, lengths), answer, self.sampling)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each answer and its end, [B]; targets as ``answer`` in ``forward``."""
        return self.decoder.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the most probable symbol at every step after the right ones before it, up to the first end."""
        return self.decoder.decode(output)

    def search(
        self, input: Tensor, lengths: Tensor, *, width: int = 1, most: int = 100, normalise: float = 1.0, best: int = 1
    ) -> list[list[Found]]:
        """Returns the best answers to each source, with their log probabilities.

        Args:
            input: sources, ``[B, T]``.
            lengths: ``[B]``.
            width: of the beam; 1 takes the most probable symbol at each step.
            most: the most symbols of an answer.
            normalise: the power of an answer's length by which its log probability is divided, where answers are
                compared; 0 favours short ones.
            best: how many answers to each source.
        """
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                return self.decoder.say(
                    self.encode(input, lengths), width=width, most=most, normalise=normalise, best=best
                )
        finally:
            self.train(training)

    def translate(self, input: Tensor, lengths: Tensor, **options: Any) -> list[list[int]]:
        """Returns the best answer to each source; options as in ``search``."""
        return strings_of(self.search(input, lengths, **options))

    def attended(self, input: Tensor, lengths: Tensor, answer: Tensor) -> Tensor:
        """Returns the weights of the source's steps as each symbol is said, ``[B, U + 1, T]``, in the source's order.

        Raises:
            ValueError: the network has no attention.
        """
        weights = self.decoder.seen(self.encode(input, lengths), answer)
        if not self.reverse:
            return weights
        places = (lengths[:, None] - 1 - torch.arange(input.shape[1])).clamp(min=0).to(weights.device)
        inside_ = inside(input, lengths)
        ordered = weights.gather(2, places[:, None].expand(-1, weights.shape[1], -1))
        return ordered.masked_fill(~inside_[:, None], 0.0)

    @classmethod
    def example(cls) -> tuple[EncoderDecoder, dict[str, Tensor], Tensor]:
        """Returns a network of two layers with attention, a summary and maxout, and pairs for it."""
        lstm = {"hidden_size": 5, "num_layers": 2, "bidirectional": True}
        network = cls(4, 3, lstm=lstm, embedding=3, dropout=0.2, fed=True, maxout=6, attention="additive", sampling=0.3)
        target = torch.tensor([[0, 2, 1], [1, NO_LABEL, NO_LABEL], [2, 2, NO_LABEL]])
        batch = {"input": torch.randint(4, (3, 6)), "lengths": torch.tensor([6, 2, 4]), "answer": target}
        return network, batch, target
