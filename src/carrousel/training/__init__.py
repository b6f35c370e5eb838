"""Training: the one loop that trains a torch module by back-propagation."""

from __future__ import annotations

from carrousel.nets._losses import ItemLoss
from carrousel.training._batches import BatchSource
from carrousel.training._batches import SequenceDataset as Items
from carrousel.training._errors import ModelError
from carrousel.training._loop import Job, Trained, train
from carrousel.training._options import Options
from carrousel.training._progress import Progress, ProgressCallback
from carrousel.training._schedules import StepDecay
from carrousel.training._streams import Streams

__all__ = [
    "BatchSource",
    "ItemLoss",
    "Items",
    "Job",
    "ModelError",
    "Options",
    "Progress",
    "ProgressCallback",
    "StepDecay",
    "Streams",
    "Trained",
    "train",
]
