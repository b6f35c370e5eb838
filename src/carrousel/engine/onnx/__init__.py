"""The ONNX backend: what a layer is in a file that ``torch.onnx.export`` writes.

A layer comes to the exporter as one operator of torch, and leaves it as ONNX's own LSTM, GRU or RNN where the cell is
one, else as a Scan over the graph of the cell's equations. Nothing here imports onnx before a network is exported.
"""

from __future__ import annotations

from carrousel.engine.onnx._operator import exporting, refuses, run_traced
from carrousel.engine.onnx._register import register, translations

__all__ = ["exporting", "refuses", "register", "run_traced", "translations"]
