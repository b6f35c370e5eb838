"""Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks": the adding problem of today."""

from __future__ import annotations

from carrousel.papers.le2015._adding import ADDING
from carrousel.papers.le2015._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (ADDING,)
"""The paper's experiments that are about LSTM."""
