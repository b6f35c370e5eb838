"""Gers & Schmidhuber 2001: LSTM learns simple context-free and context-sensitive languages."""

from __future__ import annotations

from carrousel.papers.gers2001._paper import CITATION
from carrousel.papers.gers2001._tables import ANBMBMAN, ANBN, ANBNCN

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (ANBN, ANBMBMAN, ANBNCN)
"""The paper's experiments in its own order."""
