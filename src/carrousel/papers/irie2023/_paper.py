"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "K. Irie, A. Gopalakrishnan, J. Schmidhuber: Exploring the promise and limits of real-time recurrent learning. "
    "arXiv 2305.19044, 2023; ICLR 2024"
)
