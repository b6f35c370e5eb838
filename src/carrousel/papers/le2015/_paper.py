"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "Q. V. Le, N. Jaitly, G. E. Hinton: A simple way to initialize recurrent networks of rectified linear units. arXiv "
    "1504.00941, 2015"
)
