"""The learning algorithm that made LSTM: truncated real-time recurrent learning, in constant memory."""

from __future__ import annotations

from carrousel.learning.online._bench import Figure, benchmarks
from carrousel.learning.online._learner import Learner
from carrousel.learning.online._network import Network
from carrousel.learning.online._online_lstm import OnlineLSTM
from carrousel.learning.online._optimisers import Adam, Descent, Optimiser, RMSprop

__all__ = [
    "Adam",
    "Descent",
    "Figure",
    "Learner",
    "Network",
    "OnlineLSTM",
    "Optimiser",
    "RMSprop",
    "benchmarks",
]
