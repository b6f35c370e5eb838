"""The papers' tasks: each a seeded generator, its coding, its criterion of success, and where it comes from."""

from __future__ import annotations

from carrousel.tasks._continual import ContinualReber, ContinualTask, ContinualTemporalOrder, Endless, Stream
from carrousel.tasks._reber import EmbeddedReber, Reber, Strings
from carrousel.tasks._temporal_order import TemporalOrder

__all__ = [
    "ContinualReber",
    "ContinualTask",
    "ContinualTemporalOrder",
    "EmbeddedReber",
    "Endless",
    "Reber",
    "Stream",
    "Strings",
    "TemporalOrder",
]
