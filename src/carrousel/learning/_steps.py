"""What learners accept as steps: checked before anything changes, so that no bad number reaches a state."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "EVERY_STEP",
    "FORWARD",
    "LAST_STEP",
    "LEARN",
    "MOST_NUMBERS",
    "SILENT",
    "TRACE",
    "check_counts",
    "checked_inputs",
    "checked_spans",
    "checked_targets",
    "joined",
    "one_hot",
]

FORWARD, TRACE, LEARN = range(3)
"""What changes in a step: the activations; the traces too; the weights too."""

SILENT, EVERY_STEP, LAST_STEP = range(3)
"""The steps whose outputs are wanted."""


MOST_UNITS, MOST_NUMBERS = 2**31, 2**40
"""The most units of a kind, and numbers in one array: what is beyond them is a mistake, and no machine can hold it."""


def check_counts(least: int = 1, **counts: Any) -> None:
    """Refuses numbers of units that are none, by the names of the arguments that gave them.

    Raises:
        ValueError: one is not a whole number of at least ``least``, or beyond what can be meant.
    """
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if value > MOST_UNITS:
            raise ValueError(f"{name} must be at most {MOST_UNITS:,}, got {value:,}")


def checked_inputs(inputs: Any, size: int, dtype: np.dtype) -> np.ndarray:
    """Returns inputs as the compiled code wants them: ``[steps, size]`` in ``dtype``, or codes ``[steps]``.

    Raises:
        ValueError: they have another shape, a code out of range, or hold a NaN or an infinity.
    """
    steps = _codes(inputs, size, "input")
    if steps is None:
        steps = _dense(inputs, size, dtype, "inputs")
        if not _sums(steps) and not np.isfinite(steps).all():
            t, m = np.argwhere(~np.isfinite(steps))[0]
            raise ValueError(f"input {m} of step {t} is {steps[t, m]}: inputs must be finite numbers")
    return steps


def checked_targets(targets: Any, steps: int, size: int, dtype: np.dtype) -> np.ndarray:
    """Returns targets as the compiled code wants them: ``[steps, size]``, a row of NaN for none, or codes ``[steps]``.

    Raises:
        ValueError: they have another shape, a code out of range, an infinity, or NaN in a part of a row.
    """
    goals = _codes(targets, size, "output")
    if goals is None:
        goals = _dense(targets, size, dtype, "targets")
        if not _sums(goals):
            missing = np.isnan(goals)
            wrong = (missing.any(1) != missing.all(1)) | np.isinf(goals).any(1)
            if wrong.any():
                t = int(np.argmax(wrong))
                row = goals[t].tolist()
                raise ValueError(f"the target of step {t} is {row}: finite numbers are wanted, or all NaN")
    if len(goals) != steps:
        raise ValueError(f"there are {steps} steps but {len(goals)} targets; NaN or -1 is no target")
    return goals


def checked_spans(spans: Any, steps: int, nonempty: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Returns where sequences begin, and where they end, each ``[sequences]``.

    Raises:
        ValueError: a span leaves the steps or ends before it begins; or, if ``nonempty``, has no step.
    """
    spans = np.asarray(spans)
    if spans.ndim != 2 or spans.shape[1] != 2 or not np.issubdtype(spans.dtype, np.integer):
        raise ValueError(f"spans must be whole numbers [sequences, 2], got {spans.dtype} {list(spans.shape)}")
    begin, end = (np.ascontiguousarray(spans[:, k], np.int64) for k in range(2))
    bad = (begin < 0) | (end < begin) | (end > steps)
    if bad.any():
        q = int(np.argmax(bad))
        raise ValueError(f"span {q} is [{begin[q]}, {end[q]}), but there are {steps} steps")
    if nonempty and (begin == end).any():
        raise ValueError(f"sequence {int(np.argmax(begin == end))} has no step, and so no last one")
    return begin, end


def _sums(steps: np.ndarray) -> bool:
    """Says whether the sum of all is finite. Then each is, and nothing slower has to look at them."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(steps.sum()))


def joined(inputs: Any, targets: Any, size: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Returns lists of sequences as the steps of all, and where each begins and ends; ``targets`` can be None.

    Raises:
        ValueError: the targets are not as many as the steps.
    """
    lengths = np.array([len(steps) for steps in inputs], np.int64)
    ends = np.cumsum(lengths)
    if targets is not None:
        if len(targets) != len(lengths) or any(len(a) != b for a, b in zip(targets, lengths, strict=True)):
            raise ValueError("there must be one target for each step of each sequence; NaN or -1 is none")
        targets = np.concatenate([np.asarray(steps) for steps in targets]) if len(lengths) else np.zeros((0, size))
    steps = np.concatenate([np.asarray(steps) for steps in inputs]) if len(lengths) else np.zeros((0, size))
    return steps, targets, np.stack([ends - lengths, ends], 1)


def one_hot(steps: np.ndarray, units: int, nothing: float = 0.0, dtype: Any = np.float64) -> np.ndarray:
    """Returns checked steps ``[steps, units]``, of codes too; where these name no unit, all are ``nothing``.

    >>> one_hot(np.array([1, -1]), 2).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    if steps.ndim == 2:
        return steps
    dense = np.full((len(steps), units), nothing, dtype)
    dense[steps >= 0] = np.eye(units, dtype=dtype)[steps[steps >= 0]]
    return dense


def _codes(values: Any, size: int, what: str) -> np.ndarray | None:
    values = np.asarray(values)
    if values.ndim != 1 or not (np.issubdtype(values.dtype, np.integer) or values.size == 0):
        return None
    bad = (values < -1) | (values >= size)
    if bad.any():
        t = int(np.argmax(bad))
        raise ValueError(f"step {t} names {what} unit {values[t]}, but there are {size} (0 to {size - 1}, or -1)")
    return np.ascontiguousarray(values, np.int64)


def _dense(values: Any, size: int, dtype: np.dtype, what: str) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # what overflows is reported as an infinity
            dense = np.ascontiguousarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be numbers [steps, {size}]: {error}") from None
    if dense.ndim != 2 or dense.shape[1] != size:
        raise ValueError(
            f"{what} must be [steps, {size}], or [steps] whole numbers; got {dense.dtype} {list(dense.shape)}"
        )
    return dense
