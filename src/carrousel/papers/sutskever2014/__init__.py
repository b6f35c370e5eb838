"""Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks": the source read backward."""

from __future__ import annotations

from carrousel.papers.sutskever2014._paper import CITATION
from carrousel.papers.sutskever2014._reversal import REVERSAL

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (REVERSAL,)
"""The paper's experiments."""
