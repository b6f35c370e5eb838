"""Exact RTRL where each unit hears itself alone: O(1) for each weight and step, compiled."""

from __future__ import annotations

from typing import Any

from carrousel.cells import Cell
from carrousel.learning.online import OnlineLSTM

__all__ = ["elementwise"]


def elementwise(
    input_size: int,
    hidden_size: int,
    output_size: int = 1,
    *,
    cell: str | Cell = "elstm",
    num_layers: int = 1,
    **options: Any,
) -> OnlineLSTM:
    """Returns a layer whose recurrence is element-wise, with a readout, that learns by its exact gradient.

    It learns from a stream (``learn_many``), from sequences (``learn_sequences``), or from several of them at once
    (``learn_batch``); nothing that it keeps grows with their length.

    Irie, Gopalakrishnan & Schmidhuber 2023, "Exploring the promise and limits of real-time recurrent learning".

    Args:
        input_size: the number of inputs.
        hidden_size: the number of units.
        output_size: the number of outputs.
        cell: a member of the family, or your own; ``"elstm"`` is the paper's.
        num_layers: 1.
        **options: those of :class:`carrousel.OnlineLSTM` but for ``diagonal`` and ``truncate``.

    Raises:
        ValueError: there are several layers, or an option is wrong.

    >>> import numpy as np
    >>> from carrousel.learning import elementwise
    >>> wave = np.sin(0.3 * np.arange(5001))[:, None]
    >>> lstm = elementwise(1, 8, 1, seed=0)
    >>> lstm.learn_many(wave[:-1], wave[1:])
    >>> bool(abs(lstm.predict_one(wave[-1]) - np.sin(0.3 * 5001))[0] < 0.2)  # what comes next
    True
    """
    if num_layers != 1:
        raise ValueError(
            f"num_layers must be 1, got {num_layers!r}: every unit of a second layer owes something to every weight of "
            "the first, so that each of these would have as many numbers as there are units above, and a step would "
            "no longer cost O(1) for each weight; ModuleRTRL takes any module, at that cost"
        )
    for name in ("diagonal", "truncate"):
        if name in options:
            raise ValueError(f"{name} is no option: the recurrence is element-wise here, and nothing is cut")
    return OnlineLSTM(input_size, hidden_size, output_size, cell=cell, diagonal=True, truncate=None, **options)
