"""Graves, Fernández, Gomez & Schmidhuber 2006: strings of labels without their places."""

from __future__ import annotations

from carrousel.papers.graves2006._ctc import CTC
from carrousel.papers.graves2006._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CTC,)
"""The paper's experiments in its own order."""
