"""carrousel: the long short-term memory family, whole and fast, for PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carrousel import cells
from carrousel.cells import Cell, Gates, State, cell
from carrousel.nets import LSTM, LSTMCell, explain

if TYPE_CHECKING:
    from carrousel.learning import OnlineLSTM

__all__ = ["LSTM", "Cell", "Gates", "LSTMCell", "OnlineLSTM", "State", "__version__", "cell", "cells", "explain"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The compiler behind it is imported when it is wanted.
    if name == "OnlineLSTM":
        from carrousel.learning import OnlineLSTM

        return OnlineLSTM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
