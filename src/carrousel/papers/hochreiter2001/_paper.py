"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "S. Hochreiter, A. S. Younger, P. R. Conwell: Learning to learn using gradient descent. International Conference on"
    " Artificial Neural Networks, Lecture Notes in Computer Science 2130, 2001"
)
