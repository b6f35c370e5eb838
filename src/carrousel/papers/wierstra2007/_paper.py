"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "D. Wierstra, A. Foerster, J. Peters, J. Schmidhuber: Solving deep memory POMDPs with recurrent policy gradients."
    " International Conference on Artificial Neural Networks, 2007; with Recurrent policy gradients, Logic Journal of"
    " the IGPL 18(5):620-634, 2010"
)
