"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. A. Pérez-Ortiz, F. A. Gers, D. Eck, J. Schmidhuber: Kalman filters improve LSTM network performance in problems"
    " unsolvable by traditional recurrent nets. Neural Networks 16(2), 2003"
)
