"""The papers' tasks: each a seeded generator, its coding, its criterion of success, and where it comes from."""

from __future__ import annotations

from carrousel.tasks._languages import CountingLanguage
from carrousel.tasks._reber import EmbeddedReber, Reber, Strings
from carrousel.tasks._timing import GeneratingSpikes, MeasuringDelays, PeriodicFunction, TimedStream

__all__ = [
    "CountingLanguage",
    "EmbeddedReber",
    "GeneratingSpikes",
    "MeasuringDelays",
    "PeriodicFunction",
    "Reber",
    "Strings",
    "TimedStream",
]
