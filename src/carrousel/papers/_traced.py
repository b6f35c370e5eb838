"""What pictures of learned networks show: activations step by step."""

from __future__ import annotations

import numpy as np

from carrousel.learning.online import Learner

__all__ = ["traced"]


def traced(learner: Learner, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Activations at every step of a sequence, ``[steps, units]`` by name.

    Names are those of ``learner.activations``, and ``"output"``. The network is reset before and after, and does not
    learn.

    Args:
        learner: the network.
        inputs: ``[steps, inputs]``, or ``[steps]`` numbers of the one input that is 1.
    """
    learner.reset()
    seen: dict[str, list[np.ndarray]] = {}
    for t in range(len(inputs)):
        step = inputs[t : t + 1]
        now = {"output": learner.predict_many(step)[0]}
        learner.observe_many(step)
        for group, values in {**learner.activations, **now}.items():
            seen.setdefault(group, []).append(values)
    learner.reset()
    return {group: np.array(values) for group, values in seen.items()}
