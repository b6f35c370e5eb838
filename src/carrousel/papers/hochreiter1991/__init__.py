"""Hochreiter 1991: why error vanishes as it flows back through time, and what does not let it."""

from __future__ import annotations

from carrousel.papers.hochreiter1991._flow import ERROR_FLOW
from carrousel.papers.hochreiter1991._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (ERROR_FLOW,)
"""The experiments of the thesis."""
