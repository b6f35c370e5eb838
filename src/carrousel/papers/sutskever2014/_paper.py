"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "I. Sutskever, O. Vinyals, Q. V. Le: Sequence to sequence learning with neural networks. Advances in Neural "
    "Information Processing Systems 27, 2014"
)
