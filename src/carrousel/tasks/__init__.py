"""The papers' tasks: each a seeded generator, its coding, its criterion of success, and where it comes from.

A task draws sequences and judges outputs, the same way for all (:class:`Task`); a world that is acted in has the
methods of gymnasium (:class:`Environment`).

>>> import numpy as np
>>> task = TASKS["Adding"](T=50)
>>> drawn = task.draw(np.random.default_rng(0), 3)
>>> task.right(drawn.goals + 0.1, drawn), task.right(drawn.goals + 0.01, drawn)
(array([False, False, False]), array([ True,  True,  True]))
"""

from __future__ import annotations

from typing import Any

from carrousel._discover import classes_in, modules_of
from carrousel.tasks._adding import Adding, Multiplication
from carrousel.tasks._compression import TwoStrings
from carrousel.tasks._continual import ContinualReber, ContinualTask, ContinualTemporalOrder, Endless, Stream
from carrousel.tasks._copying import Copying
from carrousel.tasks._distractors import LongLagDistractors
from carrousel.tasks._drawn import AtEnds, Drawn, WithGoals
from carrousel.tasks._flip_flop import FlipFlop
from carrousel.tasks._functions import BooleanFunctions, QuadraticFunctions, SemilinearFunctions
from carrousel.tasks._guessing import FirstElements, FreeLatch, Parity, Tomita
from carrousel.tasks._lag import NoiseFreeLag, NoRegularities
from carrousel.tasks._languages import CountingLanguage
from carrousel.tasks._mackey_glass import mackey_glass
from carrousel.tasks._mazes import Maze89, TMaze
from carrousel.tasks._memory_bits import MemoryBits
from carrousel.tasks._multimode import MultimodePole
from carrousel.tasks._poles import PoleBalancing
from carrousel.tasks._reber import EmbeddedReber, Reber, Strings
from carrousel.tasks._rooms import Rooms
from carrousel.tasks._spaces import Box, Discrete
from carrousel.tasks._sum import SumOfTwo
from carrousel.tasks._task import Environment, Space, Task
from carrousel.tasks._temporal_order import TemporalOrder
from carrousel.tasks._timing import GeneratingSpikes, MeasuringDelays, PeriodicFunction, TimedStream
from carrousel.tasks._two_sequence import TwoSequence

__all__ = [
    "ENVIRONMENTS",
    "TASKS",
    "Adding",
    "AtEnds",
    "BooleanFunctions",
    "Box",
    "ContinualReber",
    "ContinualTask",
    "ContinualTemporalOrder",
    "Copying",
    "CountingLanguage",
    "Discrete",
    "Drawn",
    "EmbeddedReber",
    "Endless",
    "Environment",
    "FirstElements",
    "FlipFlop",
    "FreeLatch",
    "GeneratingSpikes",
    "LongLagDistractors",
    "Maze89",
    "MeasuringDelays",
    "MemoryBits",
    "MultimodePole",
    "Multiplication",
    "NoRegularities",
    "NoiseFreeLag",
    "Parity",
    "PeriodicFunction",
    "PoleBalancing",
    "QuadraticFunctions",
    "Reber",
    "Rooms",
    "SemilinearFunctions",
    "Space",
    "Stream",
    "Strings",
    "SumOfTwo",
    "TMaze",
    "Task",
    "TemporalOrder",
    "TimedStream",
    "Tomita",
    "TwoSequence",
    "TwoStrings",
    "WithGoals",
    "mackey_glass",
]

_modules = modules_of(__name__, __path__)

TASKS: dict[str, Any] = classes_in(_modules, "draw", "right")
"""All tasks by the names of their classes, found in the files of this room; each can be made without arguments."""

ENVIRONMENTS: dict[str, Any] = classes_in(_modules, "reset", "step")
"""All environments by the names of their classes, found in the same way."""
