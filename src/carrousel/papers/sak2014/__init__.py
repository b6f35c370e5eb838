"""Sak, Senior & Beaufays 2014, "LSTM architectures for acoustic modeling": fewer numbers recur than cells."""

from __future__ import annotations

from carrousel.papers.sak2014._paper import CITATION
from carrousel.papers.sak2014._projection import PROJECTION, weights_of

__all__ = ["CITATION", "EXPERIMENTS", "weights_of"]

EXPERIMENTS = (PROJECTION,)
"""The paper's experiments."""
