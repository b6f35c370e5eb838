"""An answer to a question about a story."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._decoder import Decoder, Source, Start, strings_of
from carrousel.nets._known_symbols import check_symbols, inside
from carrousel.nets._losses import NO_LABEL, WeightedCrossEntropy
from carrousel.nets._lstm import LSTM

__all__ = ["StoryReader"]


class StoryReader(nn.Module):
    """A network that reads a story and a question, and answers: the LSTM that Weston et al. 2015 compare with.

    One LSTM reads the question after the story; or two read both apart. The answer is one word, or a string of words.

    Args:
        symbols: how many words stories and questions have.
        answers: how many words answers have, K.
        lstm: keyword arguments of ``carrousel.LSTM``.
        embedding: the size of a word's vector; None takes ``hidden_size``.
        dropout: the rate: below, between and above the layers.
        apart: whether a second LSTM reads the question.
        strings: whether answers are strings of words, and not one word.

    >>> import torch
    >>> from carrousel.nets.story_reader import StoryReader
    >>> network = StoryReader(20, 6, lstm={"hidden_size": 8})
    >>> story, lengths, question = torch.randint(20, (2, 9)), torch.tensor([9, 5]), torch.randint(20, (2, 3))
    >>> network(story, lengths, question).shape
    torch.Size([2, 6])
    """

    def __init__(
        self, symbols: int, answers: int, *, lstm: dict[str, Any], embedding: int | None = None, dropout: float = 0.0,
        apart: bool = False, strings: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if symbols < 1 or answers < 1:
            raise ValueError(f"there must be at least 1 word to read and 1 to answer, got {symbols} and {answers}")
        size = lstm["hidden_size"] if embedding is None else embedding
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.symbols = symbols
        self.embedding = nn.Embedding(symbols, size)
        self.lstm = LSTM(size, dropout=between, batch_first=True, **lstm)
        self.asked = LSTM(size, dropout=between, batch_first=True, **lstm) if apart else None
        self.dropout = nn.Dropout(dropout)
        width = self.lstm.layers[0].output_size * (2 if self.lstm.bidirectional else 1) * (2 if apart else 1)
        self.decoder = Decoder(answers, lstm=lstm, embedding=size, dropout=dropout) if strings else None
        self.start = Start(width, self.decoder.lstm) if self.decoder is not None else None
        self.head = nn.Linear(width, answers) if not strings else None
        self.loss = WeightedCrossEntropy(torch.ones(answers))

    def read(self, input: Tensor, lengths: Tensor, question: Tensor) -> Tensor:
        """Returns a vector of each story ``[B, T]`` and question ``[B, Q]``, -1 past a question's end.

        Raises:
            ValueError: a story or a question is empty, or has a word that is not known.
        """
        there = inside(input, lengths)
        story = check_symbols(input, there, self.symbols)
        asked = question != NO_LABEL
        words = check_symbols(question, asked, self.symbols)
        counts = asked.sum(dim=1)
        if not bool(counts.all()):
            raise ValueError(f"question {int((counts == 0).nonzero()[0, 0])} of the batch is empty")
        if self.asked is not None:
            vectors = [self._last(self.lstm, story, lengths), self._last(self.asked, words, counts)]
            return torch.cat(vectors, dim=1)
        lengths = lengths.to(story.device)
        both, total = torch.cat([story, words], dim=1), lengths + counts
        steps = torch.arange(int(total.max()), device=story.device)
        places = torch.where(steps < lengths[:, None], steps, steps - lengths[:, None] + story.shape[1])
        return self._last(self.lstm, both.gather(1, places.clamp(max=both.shape[1] - 1)), total)

    def _last(self, lstm: LSTM, symbols: Tensor, lengths: Tensor) -> Tensor:
        ragged = bool((lengths < symbols.shape[1]).any())
        state = lstm(self.dropout(self.embedding(symbols)), lengths=lengths if ragged else None)[1]
        h = state if isinstance(state, Tensor) else state[0]
        return self.dropout(torch.cat([h[-2], h[-1]], dim=1) if lstm.bidirectional else h[-1])

    def forward(self, input: Tensor, lengths: Tensor, question: Tensor, answer: Tensor | None = None) -> Tensor:
        """Returns the logits of the answer: ``[B, K]`` of a word, ``[B, A + 1, K + 1]`` of a string and its end.

        Args:
            input: stories, ``[B, T]``.
            lengths: ``[B]``.
            question: ``[B, Q]``, -1 past the end of each.
            answer: of strings, what is to be said, ``[B, A]``, -1 past the end of each.

        Raises:
            ValueError: something is empty or not known, or strings are to be said and no answer is given.
        """
        vector = self.read(input, lengths, question)
        if self.head is not None:
            return self.head(vector)
        assert self.decoder is not None
        assert self.start is not None
        if answer is None:
            raise ValueError("strings: give the answers that are learned, or call answer() to find them")
        return self.decoder(Source(self.start(vector)), answer)

    def answer(self, input: Tensor, lengths: Tensor, question: Tensor, **options: Any) -> list[list[int]]:
        """Returns the answer to each question, as a list of words; options as in ``EncoderDecoder.search``."""
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                vector = self.read(input, lengths, question)
                if self.head is not None:
                    return [[word] for word in self.head(vector).argmax(dim=1).tolist()]
                assert self.decoder is not None
                assert self.start is not None
                return strings_of(self.decoder.say(Source(self.start(vector)), **options))
        finally:
            self.train(training)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each answer, [B]; targets are words [B], or strings as ``answer``."""
        return self.loss.each(output, target) if self.decoder is None else self.decoder.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[int] | list[list[int]]:
        """Returns the most probable word of each answer, or of each step of an answer up to the first end."""
        return output.argmax(dim=1).tolist() if self.decoder is None else self.decoder.decode(output)

    @classmethod
    def example(cls) -> tuple[StoryReader, dict[str, Tensor], Tensor]:
        """Returns a reader of two LSTMs that answers by strings, and stories for it."""
        network = cls(6, 4, lstm={"hidden_size": 5}, embedding=3, dropout=0.2, apart=True, strings=True)
        target = torch.tensor([[0, 3], [1, NO_LABEL], [2, 2]])
        question = torch.tensor([[5, 1, 2], [3, NO_LABEL, NO_LABEL], [0, 4, NO_LABEL]])
        batch = {"input": torch.randint(6, (3, 7)), "lengths": torch.tensor([7, 2, 5]), "question": question}
        return network, {**batch, "answer": target}, target
