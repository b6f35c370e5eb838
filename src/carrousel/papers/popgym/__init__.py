"""Morad and others 2023, "POPGym: Benchmarking partially observable reinforcement learning": three of its worlds."""

from __future__ import annotations

from carrousel.papers.popgym._memory import MEMORY
from carrousel.papers.popgym._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (MEMORY,)
"""The experiments on its worlds."""
