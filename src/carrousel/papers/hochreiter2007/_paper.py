"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "S. Hochreiter, M. Heusel, K. Obermayer: Fast model-based protein homology detection without alignment. "
    "Bioinformatics 23(14):1728-1736, 2007"
)
