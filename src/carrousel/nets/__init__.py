"""Networks: torch modules made of the family's cells."""

from __future__ import annotations

from carrousel.nets._explain import Explanation, Ran, explain
from carrousel.nets._lstm import LSTM
from carrousel.nets._lstm_cell import LSTMCell
from carrousel.nets._to_torch import to_torch

__all__ = ["LSTM", "Explanation", "LSTMCell", "Ran", "explain", "to_torch"]
