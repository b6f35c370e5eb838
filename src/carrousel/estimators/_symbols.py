"""Sequences of symbols or words: their numbers, by a vocabulary."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from carrousel.estimators._sequences import Ragged

__all__ = ["SYMBOL", "Vocabulary", "are_symbols", "symbols_of"]

SYMBOL = "symbol"  # the name of the one channel
OFTEN = 0.25  # a symbol that occurs n times is read as the unknown one with the probability 0.25 / (0.25 + n)


class Vocabulary:
    """The symbols of the training part, sorted; their numbers are from 1, and 0 is every other symbol.

    Args:
        symbols: the symbols.

    >>> Vocabulary(["a", "c"]).numbers(["c", "b", "a"]).tolist()
    [2, 0, 1]
    """

    def __init__(self, symbols: list[str]) -> None:
        self.symbols = symbols
        self._numbers = {symbol: k for k, symbol in enumerate(symbols, 1)}

    def __len__(self) -> int:
        return len(self.symbols) + 1

    def numbers(self, symbols: list[str]) -> np.ndarray:
        """Returns the number of each symbol."""
        return np.fromiter((self._numbers.get(symbol, 0) for symbol in symbols), np.int64, len(symbols))

    def ragged(self, symbols: list[str], lengths: np.ndarray) -> Ragged:
        """Returns sequences that lie end to end as numbers."""
        return Ragged(self.numbers(symbols)[:, None].astype(np.float64), lengths, (SYMBOL,))

    def unknown(self, symbols: list[str]) -> torch.Tensor:
        """Returns how probably each symbol is to be read as the unknown one, [V], by how rare it is.

        Kiperwasser & Goldberg 2016, "Simple and accurate dependency parsing using bidirectional LSTM feature
        representations".
        """
        counts = Counter(symbols)
        rare = [OFTEN / (OFTEN + counts[symbol]) for symbol in self.symbols]
        return torch.tensor([0.0, *rare], dtype=torch.float32)


def are_symbols(X: Any) -> bool:
    """Tells whether sequences are of symbols: the first is a text, or its first step is."""
    if isinstance(X, np.ndarray) and X.dtype.kind == "U":
        return True
    if not isinstance(X, (list, tuple, np.ndarray)) or len(X) == 0:
        return False
    first = X[0]
    if isinstance(first, np.ndarray):
        return first.dtype.kind == "U" or (first.dtype == object and first.size > 0 and isinstance(first.flat[0], str))
    return isinstance(first, str) or (isinstance(first, (list, tuple)) and len(first) > 0 and isinstance(first[0], str))


def symbols_of(X: Any, what: str = "X") -> tuple[list[str], np.ndarray]:
    """Returns the symbols of all sequences end to end, and the lengths [N].

    Args:
        X: a list of ``[T_i]`` arrays or lists of str, or of texts, whose letters are the symbols.
        what: the name of X in messages.

    Raises:
        ValueError: there are no sequences, or one is empty.
        TypeError: a step is no text.
    """
    if not are_symbols(X):
        raise TypeError(
            f"{what} must hold sequences of symbols, such as ['the', 'dog'], as in fit; its steps are no text"
        )
    found: list[str] = []
    lengths = np.empty(len(X), dtype=np.int64)
    for i, x in enumerate(X):
        steps = x.tolist() if isinstance(x, np.ndarray) else list(x)
        if not steps:
            raise ValueError(f"sequence {i} of {what} is empty; every sequence needs at least one step")
        for t, symbol in enumerate(steps):
            if not isinstance(symbol, str):
                raise TypeError(f"sequence {i} of {what}, step {t}: {symbol!r} is no symbol; a text is needed")
        found += steps
        lengths[i] = len(steps)
    return found, lengths
