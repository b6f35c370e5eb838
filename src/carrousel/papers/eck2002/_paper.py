"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "D. Eck, J. Schmidhuber: Learning the long-term structure of the blues. International Conference on Artificial "
    "Neural Networks, 2002"
)
