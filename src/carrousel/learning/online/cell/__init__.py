"""The same rule from any cell's equations."""

from __future__ import annotations

from carrousel.learning.online.cell._online_lstm import OnlineLSTM

__all__ = ["OnlineLSTM"]
