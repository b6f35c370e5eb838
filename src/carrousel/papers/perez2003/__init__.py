"""Perez-Ortiz, Gers, Eck & Schmidhuber 2003: Kalman filters train LSTM."""

from __future__ import annotations

from carrousel.papers.perez2003._anbncn import ANBNCN
from carrousel.papers.perez2003._continual_reber import CONTINUAL_REBER
from carrousel.papers.perez2003._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CONTINUAL_REBER, ANBNCN)
"""The paper's experiments in its own order."""
