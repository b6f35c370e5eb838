"""The citation of the thesis."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = "S. Hochreiter: Untersuchungen zu dynamischen neuronalen Netzen. Diploma thesis, TU Munich, 1991"
