"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "M. Baccouche, F. Mamalet, C. Wolf, C. Garcia, A. Baskurt: Sequential deep learning for human action recognition. "
    "Human Behavior Understanding, LNCS 7065:29-39, 2011"
)
