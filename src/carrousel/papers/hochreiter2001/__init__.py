"""Hochreiter, Younger & Conwell 2001, "Learning to learn using gradient descent": nets that learn functions, frozen."""

from __future__ import annotations

from carrousel.papers.hochreiter2001._functions import BOOLEAN, QUADRATIC, SEMILINEAR
from carrousel.papers.hochreiter2001._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (BOOLEAN, SEMILINEAR, QUADRATIC)
"""The paper's experiments in its own order."""
