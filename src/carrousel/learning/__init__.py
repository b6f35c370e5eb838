"""How weights change while a sequence runs."""

from __future__ import annotations

from carrousel.learning import online
from carrousel.learning._chunker import Chunker
from carrousel.learning._follow import Follower, Said, Tally
from carrousel.learning._guessing import Guess, GuessedNetwork
from carrousel.learning._one_unit import OneUnitNetwork
from carrousel.learning._simple import SimpleNetwork
from carrousel.learning._stream import StreamClassifier, StreamRegressor
from carrousel.learning.online import OnlineLSTM

__all__ = [
    "Chunker",
    "Follower",
    "Guess",
    "GuessedNetwork",
    "OneUnitNetwork",
    "OnlineLSTM",
    "Said",
    "SimpleNetwork",
    "StreamClassifier",
    "StreamRegressor",
    "Tally",
    "online",
]
