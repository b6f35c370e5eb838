"""Graves & Schmidhuber 2009, Graves et al. 2009: handwriting, from the strokes of a pen and from images."""

from __future__ import annotations

from carrousel.papers.graves2009._paper import CITATION
from carrousel.papers.graves2009._tables import HANDWRITING

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (HANDWRITING,)
"""The papers' experiment."""
