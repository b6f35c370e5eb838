"""Hochreiter & Schmidhuber 1997, experiments 4 and 5: the adding and the multiplication problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carrousel.papers._experiment import SUCCESS, Experiment, Figure, Row, Trial
from carrousel.papers.hochreiter1997 import _ending
from carrousel.tasks import Adding, Multiplication

__all__ = ["ADDING", "MULTIPLICATION"]

_NETWORK = {"blocks": 2, "block_size": 2, "biased": "cell input_gate output_gate output"}


def _trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    first_marker = {"hidden": -1.0, "shown": 1.0}[options["first_pair"]]
    kind = Multiplication if config["product"] else Adding
    task = kind(config["T"], first_marker)
    return _ending.trial(task, config, options.get("average") == "squared", seed, number)
