"""How weights change while a sequence runs."""

from __future__ import annotations

from carrousel.learning import online
from carrousel.learning._simple import SimpleNetwork
from carrousel.learning._stream import StreamClassifier, StreamRegressor
from carrousel.learning.online import OnlineLSTM

__all__ = ["OnlineLSTM", "SimpleNetwork", "StreamClassifier", "StreamRegressor", "online"]
