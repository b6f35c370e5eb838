"""Graves, Fernández & Schmidhuber 2007: a class for every place of an image, by LSTM in all four directions."""

from __future__ import annotations

from carrousel.papers.graves2007._paper import CITATION
from carrousel.papers.graves2007._tables import MULTIDIMENSIONAL

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (MULTIDIMENSIONAL,)
"""The paper's experiment."""
