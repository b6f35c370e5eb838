"""Irie, Gopalakrishnan & Schmidhuber 2023: exact real-time recurrent learning where units hear themselves alone."""

from __future__ import annotations

from carrousel.papers.irie2023._copy import COPY
from carrousel.papers.irie2023._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (COPY,)
"""The experiments of the paper that are run."""
