"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. Schmidhuber, D. Wierstra, M. Gagliolo, F. Gomez: Training recurrent networks by Evolino. Neural Computation "
    "19(3):757-779, 2007"
)
