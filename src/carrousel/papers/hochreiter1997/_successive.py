"""The criterion that many successive random sequences are right, found wrong as early as can be."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["all_right"]

MOST = 1000  # sequences that are drawn at a time


def all_right(learner: Any, task: Any, rng: np.random.Generator, tests: int, first: int) -> tuple[bool, int]:
    """Whether that many new sequences are answered rightly, weights being held; and the steps that it took to know.

    They are drawn in blocks that begin with ``first`` sequences and double: a network that is wrong on one sequence in
    a hundred is known after some hundred.

    Args:
        learner: has ``answers(codes, spans)``.
        task: has ``draw(rng, sequences)`` and ``right(outputs, targets)``.
    """
    tried = steps = 0
    while tried < tests:
        drawn = task.draw(rng, min(max(tried, first), MOST, tests - tried))
        steps += int((drawn.spans[:, 1] - drawn.spans[:, 0]).sum())
        if not task.right(learner.answers(drawn.inputs, drawn.spans), drawn.answers).all():
            return False, steps
        tried += len(drawn.spans)
    return True, steps
