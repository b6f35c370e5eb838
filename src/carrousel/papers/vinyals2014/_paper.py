"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "O. Vinyals, A. Toshev, S. Bengio, D. Erhan: Show and tell: a neural image caption generator. arXiv 1411.4555, "
    "2014; IEEE Conference on Computer Vision and Pattern Recognition, 2015"
)
