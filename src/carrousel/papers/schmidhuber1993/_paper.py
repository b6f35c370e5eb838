"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = "J. Schmidhuber: A self-referential weight matrix. ICANN 1993, Amsterdam, 446-451"
