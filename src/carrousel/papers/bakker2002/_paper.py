"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "B. Bakker: Reinforcement learning with long short-term memory. Advances in Neural Information Processing Systems"
    " 14, 2002"
)
