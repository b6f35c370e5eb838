"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "K. Greff, R. K. Srivastava, J. Koutník, B. R. Steunebrink, J. Schmidhuber: LSTM: a search space odyssey. IEEE "
    "Transactions on Neural Networks and Learning Systems 28(10):2222-2232, 2017; arXiv 1503.04069, 2015"
)
