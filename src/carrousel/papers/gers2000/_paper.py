"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "F. A. Gers, J. Schmidhuber, F. Cummins: Learning to forget: continual prediction with LSTM. Neural Computation"
    " 12(10), 2000"
)
