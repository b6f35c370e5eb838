"""Streams of records and lines: each is predicted, and then learned from."""

from __future__ import annotations

from carrousel.streams._follow import Follower, PredictedLine, Tally
from carrousel.streams._records import StreamClassifier, StreamRegressor

__all__ = ["Follower", "PredictedLine", "StreamClassifier", "StreamRegressor", "Tally"]
