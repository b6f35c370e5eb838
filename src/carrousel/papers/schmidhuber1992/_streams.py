"""What fast weights are taught: events that switch a flip-flop, and a car that is parked somewhere."""

from __future__ import annotations

import numpy as np

__all__ = ["cars", "flip_flop"]


def flip_flop(rng: np.random.Generator, steps: int, on: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Returns events 0, 1, 2 for A, B, C, ``[steps]``, and whether B follows A for the first time, ``[steps, 1]``.

    >>> events, targets = flip_flop(np.random.default_rng(0), 8)
    >>> "".join("ABC"[event] for event in events), targets.ravel().astype(int).tolist()
    ('CBBAAAAA', [0, 0, 0, 0, 0, 0, 0, 0])

    Args:
        rng: draws the events.
        steps: how many.
        on: whether A came since the last B before.
    """
    events, targets = rng.integers(0, 3, steps), np.zeros((steps, 1))
    for t, event in enumerate(events):
        targets[t, 0], on = float(on and event == 1), event == 0 or (on and event == 2)
    return events, targets


def cars(rng: np.random.Generator, steps: int, asked: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what is seen and what is to be answered: ``[steps, 7]`` and ``[steps, 3]``, NaN where nobody asks.

    A drive ends at each step with the probability 1/4; then the car is in one of three slots, whose detector says so
    in that step alone. Business ends likewise, and the next drive begins. Inputs are three detectors, three random bits
    and the query; the answer is the slot.

    Args:
        rng: draws all that happens.
        steps: how many.
        asked: the probability of a query in each step of business.
    """
    inputs, targets, slot = np.zeros((steps, 7)), np.full((steps, 3), np.nan), -1
    inputs[:, 3:6] = rng.integers(0, 2, (steps, 3))
    ends, asks, slots = rng.random(steps) < 0.25, rng.random(steps) < asked, rng.integers(0, 3, steps)
    for t in range(steps):
        if slot < 0 and ends[t]:
            slot = int(slots[t])
            inputs[t, slot] = 1.0
        elif slot >= 0:
            if asks[t]:
                inputs[t, 6], targets[t] = 1.0, np.eye(3)[slot]
            if ends[t]:
                slot = -1
    return inputs, targets
