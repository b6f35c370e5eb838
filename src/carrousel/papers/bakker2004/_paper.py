"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "B. Bakker, J. Schmidhuber: Hierarchical reinforcement learning based on subgoal discovery and subpolicy"
    " specialization. 8th Conference on Intelligent Autonomous Systems, 438-445, 2004"
)
