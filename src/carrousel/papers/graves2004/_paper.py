"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, D. Eck, N. Beringer, J. Schmidhuber: Biologically plausible speech recognition with LSTM neural nets. "
    "BioADIT 2004, LNCS 3141:127-136"
)
