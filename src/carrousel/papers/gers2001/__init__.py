"""Gers & Schmidhuber 2001: LSTM learns simple languages. Gers, Eck & Schmidhuber 2001: what a time window tells."""

from __future__ import annotations

from carrousel.papers.gers2001._paper import CITATION, CITATIONS
from carrousel.papers.gers2001._tables import ANBMBMAN, ANBN, ANBNCN
from carrousel.papers.gers2001._windows import TIME_WINDOWS

__all__ = ["CITATION", "CITATIONS", "EXPERIMENTS"]

EXPERIMENTS = (ANBN, ANBMBMAN, ANBNCN, TIME_WINDOWS)
"""The papers' experiments in their own order."""
