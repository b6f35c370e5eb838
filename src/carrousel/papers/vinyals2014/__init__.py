"""Vinyals, Toshev, Bengio & Erhan 2014, "Show and tell": the picture is given to the LSTM once."""

from __future__ import annotations

from carrousel.papers.vinyals2014._captions import CAPTIONS
from carrousel.papers.vinyals2014._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CAPTIONS,)
"""The paper's experiments."""
