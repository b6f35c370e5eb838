"""How weights change while a sequence runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from carrousel.learning import online
from carrousel.learning._protocol import Responding, Sensitive, Sequential, Streaming, checked_weights
from carrousel.learning.before_lstm import Chunker, HistoryCompressor, OneUnitNetwork, SimpleNetwork
from carrousel.learning.fast_weights import FastWeights
from carrousel.learning.guessing import Guess, GuessedNetwork
from carrousel.learning.online import Learner, OnlineLSTM
from carrousel.learning.self_referential import SelfReferentialMatrix

if TYPE_CHECKING:
    from carrousel.learning.evolino import Evolino
    from carrousel.streams import Follower, PredictedLine, StreamClassifier, StreamRegressor, Tally

LEARNERS = (
    Learner,
    OnlineLSTM,
    SimpleNetwork,
    OneUnitNetwork,
    Chunker,
    GuessedNetwork,
    HistoryCompressor,
    FastWeights,
    SelfReferentialMatrix,
)
"""All learners. Tests hold each to the roles that it has."""

__all__ = [
    "LEARNERS",
    "Chunker",
    "Evolino",
    "FastWeights",
    "Follower",
    "Guess",
    "GuessedNetwork",
    "HistoryCompressor",
    "Learner",
    "OneUnitNetwork",
    "OnlineLSTM",
    "PredictedLine",
    "Responding",
    "SelfReferentialMatrix",
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


def __getattr__(name: str) -> Any:
    """Returns a name of ``carrousel.streams``, a room above this one, or one that needs scikit-learn."""
    if name == "Evolino":
        return importlib.import_module("carrousel.learning.evolino").Evolino
    if name in ("Follower", "PredictedLine", "StreamClassifier", "StreamRegressor", "Tally"):
        return getattr(importlib.import_module("carrousel.streams"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
