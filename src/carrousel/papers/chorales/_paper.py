"""The citation of the papers."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "N. Boulanger-Lewandowski, Y. Bengio, P. Vincent: Modeling temporal dependencies in high-dimensional sequences. "
    "International Conference on Machine Learning, 2012; J. Chung, C. Gulcehre, K. Cho, Y. Bengio: Empirical "
    "evaluation of gated recurrent neural networks on sequence modeling. 2014"
)
