"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "S. Morad, R. Kortvelesy, M. Bettini, S. Liwicki, A. Prorok: POPGym: Benchmarking partially observable"
    " reinforcement learning. International Conference on Learning Representations, 2023"
)
