"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "F. A. Gers, J. Schmidhuber: LSTM recurrent networks learn simple context-free and context-sensitive languages."
    " IEEE Transactions on Neural Networks 12(6), 2001"
)
