"""The citation of the papers."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "A. Graves, J. Schmidhuber: Offline handwriting recognition with multidimensional recurrent neural networks. NIPS "
    "21, 2009; A. Graves, M. Liwicki, S. Fernández, R. Bertolami, H. Bunke, J. Schmidhuber: A novel connectionist "
    "system for unconstrained handwriting recognition. IEEE TPAMI 31(5):855-868, 2009"
)
