"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, S. Fernández, F. Gomez, J. Schmidhuber: Connectionist temporal classification: labelling unsegmented "
    "sequence data with recurrent neural networks. ICML 2006, 369-376"
)
