"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = "S. Hochreiter, J. Schmidhuber: Long short-term memory. Neural Computation 9(8), 1997"
