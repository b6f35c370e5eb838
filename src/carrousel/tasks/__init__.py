"""The papers' tasks: each a seeded generator, its coding, its criterion of success, and where it comes from."""

from __future__ import annotations

from carrousel.tasks._adding import Adding, Multiplication
from carrousel.tasks._continual import ContinualReber, ContinualTask, ContinualTemporalOrder, Endless, Stream
from carrousel.tasks._distractors import LongLagDistractors
from carrousel.tasks._drawn import Drawn, Ended
from carrousel.tasks._guessing import FirstElements, FreeLatch, Parity, Tomita
from carrousel.tasks._lag import NoiseFreeLag, NoRegularities
from carrousel.tasks._languages import CountingLanguage
from carrousel.tasks._reber import EmbeddedReber, Reber, Strings
from carrousel.tasks._temporal_order import TemporalOrder
from carrousel.tasks._timing import GeneratingSpikes, MeasuringDelays, PeriodicFunction, TimedStream
from carrousel.tasks._two_sequence import TwoSequence

__all__ = [
    "Adding",
    "ContinualReber",
    "ContinualTask",
    "ContinualTemporalOrder",
    "CountingLanguage",
    "Drawn",
    "EmbeddedReber",
    "Ended",
    "Endless",
    "FirstElements",
    "FreeLatch",
    "GeneratingSpikes",
    "LongLagDistractors",
    "MeasuringDelays",
    "Multiplication",
    "NoRegularities",
    "NoiseFreeLag",
    "Parity",
    "PeriodicFunction",
    "Reber",
    "Stream",
    "Strings",
    "TemporalOrder",
    "TimedStream",
    "Tomita",
    "TwoSequence",
]
