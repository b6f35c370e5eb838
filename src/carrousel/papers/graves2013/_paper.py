"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, A. Mohamed, G. Hinton: Speech recognition with deep recurrent neural networks. ICASSP 2013, 6645-6649"
)
