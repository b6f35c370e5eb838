"""The papers' tasks: each a seeded generator, its coding, its criterion of success, and where it comes from."""

from __future__ import annotations

from carrousel.tasks._distractors import LongLagDistractors
from carrousel.tasks._guessing import Examples, FirstElements, FreeLatch, Parity, Tomita
from carrousel.tasks._lag import CodedSequences, NoiseFreeLag, NoRegularities
from carrousel.tasks._reber import EmbeddedReber, Reber, Strings

__all__ = [
    "CodedSequences",
    "EmbeddedReber",
    "Examples",
    "FirstElements",
    "FreeLatch",
    "LongLagDistractors",
    "NoRegularities",
    "NoiseFreeLag",
    "Parity",
    "Reber",
    "Strings",
    "Tomita",
]
