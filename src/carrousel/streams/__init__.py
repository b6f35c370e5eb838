"""Streams of records and lines: each is predicted, and then learned from."""

from __future__ import annotations

from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._follow import Follower, PredictedLine
from carrousel.streams._regressor import StreamRegressor
from carrousel.streams._tally import Errors, Tally

__all__ = ["Errors", "Follower", "PredictedLine", "StreamClassifier", "StreamRegressor", "Tally"]
