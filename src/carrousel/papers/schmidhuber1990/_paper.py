"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. Schmidhuber: Making the world differentiable: on using self-supervised fully recurrent neural networks for"
    " dynamic reinforcement learning and planning in non-stationary environments. FKI-126-90, TU Munich, 1990"
)
