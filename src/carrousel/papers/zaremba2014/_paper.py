"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = "W. Zaremba, I. Sutskever, O. Vinyals: Recurrent neural network regularization. arXiv 1409.2329, 2014"
