"""The Santa Fe laser: the series that reservoirpy carries."""

from __future__ import annotations

import numpy as np

from carrousel.data._check import make_series
from carrousel.data._errors import reading
from carrousel.data._packages import inside
from carrousel.data._registry import reads_name
from carrousel.data._types import Series

__all__ = ["read"]


@reads_name("series", "santa-fe-laser")
def read(name: str) -> Series:
    """Reads the intensity (0 … 255) of a far-infrared laser, 10,093 steps: set A of the Santa Fe competition, 1991."""
    import pandas as pd

    path = inside("reservoirpy", "datasets", "santafe_laser.npy", name=name)
    with reading(path):
        values = np.load(path, allow_pickle=False).ravel().astype(np.float64)
    frame = pd.DataFrame({"intensity": values}, index=pd.RangeIndex(len(values), name="step"))
    return make_series(frame, name=name)
