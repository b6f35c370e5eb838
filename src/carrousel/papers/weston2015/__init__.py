"""Weston et al. 2015, "Towards AI-complete question answering": answers that need one fact of a story, or several."""

from __future__ import annotations

from carrousel.papers.weston2015._paper import CITATION
from carrousel.papers.weston2015._tasks import TASKS_LIKE

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (TASKS_LIKE,)
"""The paper's experiments that are about LSTM."""
