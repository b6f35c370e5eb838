"""Eck & Schmidhuber 2002: LSTM learns the form of the blues, and improvises."""

from __future__ import annotations

from carrousel.papers.eck2002._blues import BLUES
from carrousel.papers.eck2002._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (BLUES,)
"""The paper's experiments, 1 and 2 as rows of one."""
