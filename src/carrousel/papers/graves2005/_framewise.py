"""The phone of every frame: both directions in time, one with and without a delay, and no memory at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from carrousel.estimators.metrics import frame_accuracy
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._networks import SIZE, Taught, means, said, sized, teach
from carrousel.papers._speech import speech_of
from carrousel.papers._trial import Found, Setting
from carrousel.papers.graves2005._nets import ByDuration, build
from carrousel.papers.graves2005._paper import CITATION

__all__ = ["FRAMEWISE"]


def _prepare(setting: Setting) -> Taught:
    config = sized(setting)
    speech = speech_of(config["data"], config["items"])
    train, valid, test = (speech.with_frames(part, backwards=config["backwards"]) for part in ("train", "valid", "test"))
    both = speech.with_frames("train", "valid") if config["retrained"] else None
    make = partial(build, dict(config), speech.channels, len(speech.names))
    return Taught(_job(make, train, valid, config["by_duration"]), test, both)


def _job(make: Any, train: Any, valid: Any, by_duration: bool) -> Any:
    from carrousel.training import Job

    return Job(make, train, valid, criterion=ByDuration() if by_duration else None)


def _train(prepared: Taught, setting: Setting) -> Found:
    """Trains a network; a retrained one once more, with the validation part, for as many epochs as were best."""
    network, found = teach(prepared, setting)
    if prepared.sets is not None:
        again = replace(prepared, learner=replace(prepared.learner, train=prepared.sets, valid=None))
        steps = found["steps"]
        network, found = teach(again, setting, max_epochs=found["epochs"], patience=None)
        found["steps"] += steps
    items = {"train": prepared.learner.train, "test": prepared.task}
    return {**found, **{part: _right(network, source) for part, source in items.items()}}


def _right(network: Any, source: Any) -> float:
    """Returns the share of frames whose phone is right."""
    true = [source.batch_targets(k) for k in range(len(source))]
    return frame_accuracy(true, said(network, source))
