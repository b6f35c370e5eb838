"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, S. Fernández, J. Schmidhuber: Multi-dimensional recurrent neural networks. ICANN, LNCS 4668, 2007"
)
