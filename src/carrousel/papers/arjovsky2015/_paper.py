"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "M. Arjovsky, A. Shah, Y. Bengio: Unitary evolution recurrent neural networks. arXiv 1511.06464, 2015; "
    "International Conference on Machine Learning, 2016"
)
