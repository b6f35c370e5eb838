"""Streams of records and lines: learned from while they run, each told of before it is learned."""

from __future__ import annotations

from carrousel.streams._follow import Follower, Said, Tally
from carrousel.streams._records import StreamClassifier, StreamRegressor

__all__ = ["Follower", "Said", "StreamClassifier", "StreamRegressor", "Tally"]
