"""Several columns of one series as a series each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["beside"]

ONLY = "value"  # the column that each of several targets becomes


def beside(frame: pd.DataFrame, targets: Sequence[Any]) -> dict[Any, pd.DataFrame]:
    """Returns a series for each target, as its column ``value``, beside which all columns stand that are no target."""
    others = [name for name in frame.columns if name not in targets]
    return {name: frame[[name, *others]].set_axis([ONLY, *others], axis=1) for name in targets}
