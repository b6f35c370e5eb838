"""The citations of the papers."""

from __future__ import annotations

__all__ = ["CITATION", "CITATIONS", "WINDOWS"]

CITATION = (
    "F. A. Gers, J. Schmidhuber: LSTM recurrent networks learn simple context-free and context-sensitive languages."
    " IEEE Transactions on Neural Networks 12(6), 2001"
)

WINDOWS = (
    "F. A. Gers, D. Eck, J. Schmidhuber: Applying LSTM to time series predictable through time-window approaches."
    " ICANN 2001, LNCS 2130"
)

CITATIONS = (CITATION, WINDOWS)
