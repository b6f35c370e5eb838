"""A backtest in which the model is fitted anew on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sklearn.base import clone

from carrousel.estimators._backtest import Backtest, joined

__all__ = ["refitted"]


def refitted(model: Any, X: Any, y: Any, *, stride: int, refit: bool | int, first: int | None) -> Backtest:
    """Forecasts a whole series from its later part, each time by a model fitted to all rows before.

    Args:
        model: whose parameters the new models have.
        X: the series.
        y: its target, if it is given apart.
        stride: rows from one origin to the next.
        refit: rows after which a new model is fitted; True is one for every origin.
        first: the first origin; None takes the row after four fifths.

    Raises:
        ValueError: ``refit`` or ``first`` is out of its range.
    """
    every = stride if refit is True else refit
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"refit must be True, False or a number of rows, got {refit!r}")
    rows, horizon = len(X), int(model.horizon)
    begin = rows - rows // 5 if first is None else first
    if not isinstance(begin, int) or not horizon < begin <= rows - horizon:
        raise ValueError(
            f"first must be an integer from {horizon + 1} to {rows - horizon} for {rows} rows and a horizon of "
            f"{horizon}, got {first!r}"
        )
    every = -(-every // stride) * stride  # origins stay a stride apart
    parts = []
    for start in range(begin, rows - horizon + 1, every):
        end = min(start + every, rows - horizon + 1) + horizon - 1
        (X_before, X_after), (y_before, y_after) = ((_rows(part, 0, start), _rows(part, start, end)) for part in (X, y))
        part = clone(model).fit(X_before, y_before).backtest(X_after, y_after, stride=stride, continues=True)
        parts.append(replace(part, origins=part.origins + start))
    return replace(joined(parts), index=getattr(X, "index", None))


def _rows(data: Any, begin: int, end: int) -> Any:
    """Returns rows of an array or a frame; None of None."""
    return None if data is None else data.iloc[begin:end] if hasattr(data, "iloc") else data[begin:end]
