"""Networks: torch modules made of the family's cells."""

from __future__ import annotations

from typing import Any

from carrousel._discover import classes_in, modules_of
from carrousel.nets._error_flow import ErrorFlow, error_flow, mean_flow
from carrousel.nets._explain import Explanation, Ran, explain
from carrousel.nets._lstm import LSTM
from carrousel.nets._lstm_cell import LSTMCell
from carrousel.nets._mdlstm import MDLSTM
from carrousel.nets._protocol import Network
from carrousel.nets._to_torch import to_torch

NETWORKS: dict[str, Any] = classes_in(modules_of(__name__, __path__), "forward", "each", "decode", "example")
"""Every network, by name: the tests run the same checks on each."""

__all__ = [
    "LSTM",
    "MDLSTM",
    "NETWORKS",
    "ErrorFlow",
    "Explanation",
    "LSTMCell",
    "Network",
    "Ran",
    "error_flow",
    "explain",
    "mean_flow",
    "to_torch",
]
