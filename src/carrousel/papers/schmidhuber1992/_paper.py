"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural "
    "Computation 4(2):234-242, 1992"
)
