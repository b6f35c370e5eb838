"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "S. Fernández, A. Graves, J. Schmidhuber: An application of recurrent neural networks to discriminative keyword "
    "spotting. ICANN 2007, LNCS 4669:220-229"
)
