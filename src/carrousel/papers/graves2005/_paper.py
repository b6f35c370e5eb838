"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, J. Schmidhuber: Framewise phoneme classification with bidirectional LSTM and other neural network "
    "architectures. Neural Networks 18(5-6):602-610, 2005"
)
