"""Streams of records and lines: each is predicted, and then learned from."""

from __future__ import annotations

from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._clock import Clock
from carrousel.streams._follow import Follower, PredictedLine
from carrousel.streams._linear import OnlineLinear, has_river
from carrousel.streams._regressor import StreamRegressor
from carrousel.streams._steps import Step, natural_cycles, step_of
from carrousel.streams._tally import Errors, Tally

__all__ = [
    "Clock",
    "Errors",
    "Follower",
    "OnlineLinear",
    "PredictedLine",
    "Step",
    "StreamClassifier",
    "StreamRegressor",
    "Tally",
    "has_river",
    "natural_cycles",
    "step_of",
]
