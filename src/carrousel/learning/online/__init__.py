"""The learning algorithm that made LSTM: truncated real-time recurrent learning, in constant memory."""

from __future__ import annotations

from carrousel.learning._optimisers import Adam, Descent, Optimiser, RMSprop
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.network import Learner, Network

__all__ = ["Adam", "Descent", "Learner", "Network", "OnlineLSTM", "Optimiser", "RMSprop"]
