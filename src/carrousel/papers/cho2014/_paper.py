"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "K. Cho, B. van Merriënboer, C. Gulcehre, D. Bahdanau, F. Bougares, H. Schwenk, Y. Bengio: Learning phrase "
    "representations using RNN encoder-decoder for statistical machine translation. Conference on Empirical Methods in "
    "Natural Language Processing, 2014"
)
