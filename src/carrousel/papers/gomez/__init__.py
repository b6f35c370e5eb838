"""Gomez and others 1999-2008: weights that are evolved, on two poles whose velocities are not seen."""

from __future__ import annotations

from carrousel.papers.gomez._paper import CITATION
from carrousel.papers.gomez._tables import POLES

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (POLES,)
"""The experiments of these papers."""
