"""carrousel: the long short-term memory family, whole and fast, for PyTorch."""

from __future__ import annotations

from carrousel import cells
from carrousel.cells import Cell, Gates, State, cell
from carrousel.nets import LSTM, LSTMCell, explain

__all__ = ["LSTM", "Cell", "Gates", "LSTMCell", "State", "__version__", "cell", "cells", "explain"]

__version__ = "0.1.0"
