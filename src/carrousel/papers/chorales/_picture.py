"""Draws a chorale of the test beside what a network expected, and another that the network makes up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel.data.music import KEYS, write_midi
from carrousel.papers._experiment import Experiment
from carrousel.papers._trial import first_success
from carrousel.pictures.roll import draw_roll
from carrousel.pictures.style import save

__all__ = ["draw"]

QUARTERS = 64
TEMPO = 80.0


def draw(path: Path, experiment: Experiment, result: Mapping[str, Any]) -> None:
    """Draws the first chorale of the test and what the largest LSTM expected; writes one of its own as MIDI beside."""
    prepared, found, _ = first_success(experiment, "lstm-transposed", result)
    network = prepared.learner.network
    piece = prepared.sets["test"][0][:QUARTERS]
    title = f"The first chorale of the test, and what an LSTM expected ({found['test_nll']:.2f} nats a quarter)"
    caption = f"outlines: the notes; orange: expected, the surer the darker; {path.stem}.mid is one that it made up"
    figure = draw_roll(piece, resolution=1, chances=network.chances(piece), title=title, caption=caption)
    save(figure, path)
    made = network.play(torch.zeros(1, KEYS), length=QUARTERS, temperature=0.8, seed=result["seed"])
    frames = np.stack([frame.numpy().astype(np.uint8) for frame in made])
    write_midi(path.with_suffix(".mid"), frames, resolution=1, tempo=TEMPO, program=19)
