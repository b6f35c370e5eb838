"""An n-gram model with which a language model is compared."""

from __future__ import annotations

import numpy as np

__all__ = ["KneserNey"]


class KneserNey:
    """What comes after the last symbols, by how often it did: interpolated Kneser–Ney (Chen & Goodman 1999).

    Of the highest order counts are used, of the others the number of different symbols before. From each count a
    discount is taken, n1 / (n1 + 2 n2) of the order; what all discounts of a context sum to goes to the order below. At
    the bottom all symbols are alike.

    Args:
        symbols: the training text, whole numbers ``[S]``.
        size: how many symbols there are.
        order: the symbols of a gram, n.

    >>> import numpy as np
    >>> text = np.array([0, 1, 2] * 30)
    >>> bits = KneserNey(text, 3, 3).bits(text)
    >>> bool(bits[5:].max() < 0.1), round(float(KneserNey(text, 3, 1).bits(text).mean()), 3)
    (True, 1.585)
    """

    def __init__(self, symbols: np.ndarray, size: int, order: int):
        self.size = size
        symbols = symbols.astype(np.int64)
        self._keys: list[np.ndarray] = []  # of each order, sorted: the number of the context, and the symbol
        suffixes: list[np.ndarray] = []  # of each order, the number of each gram without its first symbol
        counts: list[np.ndarray] = []
        ends = np.zeros(len(symbols) + 1, dtype=np.int64)  # the gram of the order below that ends before a place
        shorter = ends[1:]  # and that ends at it
        for k in range(1, order + 1):
            begin = k - 1  # the first place at which a gram ends
            keys, numbers, count = np.unique(
                ends[begin : len(symbols)] * size + symbols[begin:], return_inverse=True, return_counts=True
            )
            if not len(keys):
                break
            if k > 1:
                suffix = np.zeros(len(keys), dtype=np.int64)
                suffix[numbers] = shorter[begin:]
                suffixes.append(suffix)
            self._keys.append(keys)
            counts.append(count)
            ends = np.zeros(len(symbols) + 1, dtype=np.int64)
            ends[begin + 1 :] = numbers
            shorter = ends[1:]
        for k, suffix in enumerate(suffixes):  # the first grams of a text have nothing before them
            counts[k] = np.maximum(np.bincount(suffix, minlength=len(self._keys[k])), 1)
        self._tables = [self._table(keys, count) for keys, count in zip(self._keys, counts, strict=True)]

    def _table(self, keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns of each gram its own share, and of each context the share of the order below."""
        contexts = keys // self.size
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        discount = once / (once + 2 * twice) if once and twice else 0.5
        totals, kinds = np.bincount(contexts, counts), np.bincount(contexts)
        # What ends the text may be followed by nothing: then all is left to the order below.
        rest = np.where(kinds > 0, discount * kinds / np.maximum(totals, 1), 1.0)
        return (counts - discount) / totals[contexts], rest

    def bits(self, symbols: np.ndarray) -> np.ndarray:
        """Returns minus the base-2 logarithm of the probability of every symbol of a text but the first, [S - 1]."""
        symbols = symbols.astype(np.int64)
        chances = np.full(len(symbols), 1.0 / self.size)
        before = np.zeros(
            len(symbols), dtype=np.int64
        )  # the number of the context of each place, -1 if it is not known
        for keys, (own, rest) in zip(self._keys, self._tables, strict=True):
            known = (before >= 0) & (before < len(rest))
            wanted = np.where(known, before, 0) * self.size + symbols
            places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            found = known & (keys[places] == wanted)
            share = np.where(known, rest[np.where(known, before, 0)], 1.0)
            chances = share * chances + np.where(found, own[places], 0.0)
            before = np.concatenate([[-1], np.where(found, places, -1)[:-1]])
        return -np.log2(chances[1:])
