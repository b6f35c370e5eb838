"""The citation of the papers."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "F. Gomez, R. Miikkulainen: Solving non-Markovian control tasks with neuroevolution. IJCAI 1999; F. Gomez, J. "
    "Schmidhuber, R. Miikkulainen: Accelerated neural evolution through cooperatively coevolved synapses. Journal of "
    "Machine Learning Research 9, 2008"
)
