"""What LSTM was compared with: simple recurrent networks, one that is cheap to teach exactly, the chunker."""

from __future__ import annotations

from carrousel.learning.before_lstm.chunker import Chunker
from carrousel.learning.before_lstm.compressor import HistoryCompressor
from carrousel.learning.before_lstm.elman import ElmanNetwork
from carrousel.learning.before_lstm.one_unit import OneUnitNetwork
from carrousel.learning.before_lstm.simple import SimpleNetwork

__all__ = ["Chunker", "ElmanNetwork", "HistoryCompressor", "OneUnitNetwork", "SimpleNetwork"]
