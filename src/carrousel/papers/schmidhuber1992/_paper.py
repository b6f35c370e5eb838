"""The citations of the two papers."""

from __future__ import annotations

__all__ = ["CITATION", "CITATIONS"]

CITATION = (
    "J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural "
    "Computation 4(2):234-242, 1992"
)

CITATIONS = (
    CITATION,
    "J. Schmidhuber: Learning to control fast-weight memories: an alternative to dynamic recurrent networks. Neural "
    "Computation 4(1):131-139, 1992",
)
