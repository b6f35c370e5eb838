"""How weights change while a sequence runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from carrousel.learning import online
from carrousel.learning._protocol import Responding, Sensitive, Sequential, Streaming, checked_weights
from carrousel.learning.before_lstm import Chunker, ElmanNetwork, HistoryCompressor, OneUnitNetwork, SimpleNetwork
from carrousel.learning.fast_weights import FastWeights
from carrousel.learning.guessing import Guess, GuessedNetwork
from carrousel.learning.kalman import Annealed, Kalman, KalmanLearner
from carrousel.learning.online import Learner, OnlineLSTM
from carrousel.learning.rtrl import ModuleRTRL, elementwise
from carrousel.learning.self_referential import SelfReferentialMatrix

if TYPE_CHECKING:
    from carrousel.learning.acting import Advantage, ControllerAndModel, Explorer, PolicyGradient, SubGoals
    from carrousel.learning.evolino import Evolino
    from carrousel.learning.metalearning import Metalearned, metalearn
    from carrousel.streams import Follower, PredictedLine, StreamClassifier, StreamRegressor, Tally

LEARNERS = (
    Learner,
    OnlineLSTM,
    SimpleNetwork,
    OneUnitNetwork,
    ElmanNetwork,
    Chunker,
    HistoryCompressor,
    GuessedNetwork,
    FastWeights,
    SelfReferentialMatrix,
    KalmanLearner,
    ModuleRTRL,
)
"""All learners. Tests hold each to the roles that it has."""

__all__ = [
    "LEARNERS",
    "Advantage",
    "Annealed",
    "Chunker",
    "ControllerAndModel",
    "ElmanNetwork",
    "Evolino",
    "Explorer",
    "FastWeights",
    "Follower",
    "Guess",
    "GuessedNetwork",
    "HistoryCompressor",
    "Kalman",
    "KalmanLearner",
    "Learner",
    "Metalearned",
    "ModuleRTRL",
    "OneUnitNetwork",
    "OnlineLSTM",
    "PolicyGradient",
    "PredictedLine",
    "Responding",
    "SelfReferentialMatrix",
    "Sensitive",
    "Sequential",
    "SimpleNetwork",
    "StreamClassifier",
    "StreamRegressor",
    "Streaming",
    "SubGoals",
    "Tally",
    "checked_weights",
    "elementwise",
    "metalearn",
    "online",
]


_LATER = {
    **dict.fromkeys(("Advantage", "ControllerAndModel", "Explorer", "PolicyGradient", "SubGoals"), "acting"),
    "Evolino": "evolino",
    **dict.fromkeys(("Metalearned", "metalearn"), "metalearning"),
}
"""Where names stand whose modules need more than NumPy and numba."""


def __getattr__(name: str) -> Any:
    """Returns a name of ``carrousel.streams``, a room above this one, or one that is only now imported."""
    if name in _LATER:
        return getattr(importlib.import_module(f"carrousel.learning.{_LATER[name]}"), name)
    if name in ("Follower", "PredictedLine", "StreamClassifier", "StreamRegressor", "Tally"):
        return getattr(importlib.import_module("carrousel.streams"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
