"""How weights change while a sequence runs."""

from __future__ import annotations

from carrousel.learning import online
from carrousel.learning._chunker import Chunker
from carrousel.learning._follow import Follower, Said, Tally
from carrousel.learning._guessing import Guess, GuessedNetwork
from carrousel.learning._one_unit import OneUnitNetwork
from carrousel.learning._protocol import Responding, Sensitive, Sequential, Streaming, checked_weights
from carrousel.learning._simple import SimpleNetwork
from carrousel.learning._stream import StreamClassifier, StreamRegressor
from carrousel.learning.online import Learner, OnlineLSTM

LEARNERS = (Learner, OnlineLSTM, SimpleNetwork, OneUnitNetwork, Chunker, GuessedNetwork)
"""All learners. Tests walk them and hold each to the roles that it has."""

__all__ = [
    "LEARNERS",
    "Chunker",
    "Follower",
    "Guess",
    "GuessedNetwork",
    "Learner",
    "OneUnitNetwork",
    "OnlineLSTM",
    "Responding",
    "Said",
    "Sensitive",
    "Sequential",
    "SimpleNetwork",
    "StreamClassifier",
    "StreamRegressor",
    "Streaming",
    "Tally",
    "checked_weights",
    "online",
]
