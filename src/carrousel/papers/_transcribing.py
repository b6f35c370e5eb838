"""Trials that train a network by CTC, on utterances that have strings of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from carrousel.estimators.metrics import label_error_rate
from carrousel.nets.transcriber import Transcriber
from carrousel.papers._networks import Taught, said
from carrousel.papers._speech import Speech
from carrousel.training import BatchSource, Job

__all__ = ["by_ctc", "error_of", "label_error"]


def by_ctc(
    speech: Speech, about: Mapping[str, Any], labels: int, keep: Callable[..., np.ndarray] | None = None
) -> Taught:
    """Returns a job for a transcriber with peepholes.

    Args:
        speech: the utterances.
        about: ``hidden`` blocks, ``layers``, ``directions``, the ``noise`` on the input, and ``stack``, how many frames
            are a step, by default one.
        labels: how many strings have.
        keep: what of a string is to be said; None for all of it.
    """
    train, valid, test = (speech.with_strings(part, keep=keep) for part in ("train", "valid", "test"))
    return Taught(Job(partial(_build, dict(about), speech.channels, labels), train, valid), test, speech)


def _build(about: Mapping[str, Any], channels: int, labels: int) -> nn.Module:
    lstm = {
        "hidden_size": about["hidden"], "num_layers": about["layers"], "bidirectional": about["directions"] == 2,
        "cell": "peephole",
    }  # fmt: skip
    return Transcriber(channels, labels, stack=about.get("stack", 1), noise=about["noise"], lstm=lstm)


def label_error(network: nn.Module, source: BatchSource, strings: Sequence[np.ndarray]) -> float:
    """Returns the label error rate of what a network says by its best paths."""
    return error_of(said(network, source), strings)


def error_of(found: Sequence[Sequence[int]], strings: Sequence[np.ndarray]) -> float:
    """Returns the label error rate of strings beside the true ones."""
    return label_error_rate([each.tolist() for each in strings], found)
