"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. Schmidhuber, S. Hochreiter: Guessing can outperform many long time lag algorithms. IDSIA-19-96, 1996; S. "
    "Hochreiter, J. Schmidhuber: LSTM can solve hard long time lag problems. NIPS 9, 1997"
)
