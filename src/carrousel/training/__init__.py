"""Training: the one loop that trains a torch module by back-propagation."""

from __future__ import annotations

from carrousel.training._errors import ModelError
from carrousel.training._loop import Job, Options, Trained, train
from carrousel.training._progress import Progress, ProgressCallback

__all__ = ["Job", "ModelError", "Options", "Progress", "ProgressCallback", "Trained", "train"]
