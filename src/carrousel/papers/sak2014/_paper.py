"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "H. Sak, A. Senior, F. Beaufays: Long short-term memory recurrent neural network architectures for large scale "
    "acoustic modeling. Interspeech, 2014"
)
