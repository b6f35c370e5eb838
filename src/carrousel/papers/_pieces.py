"""Pieces of music for the experiments that foretell the next frame: their parts, and how well they are foretold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

__all__ = ["Parts", "nats", "pieces"]

EVERY = 5  # so many of the training pieces one is for validation
Parts = dict[str, list[np.ndarray]]


@lru_cache(maxsize=2)
def pieces(which: str) -> Parts:
    """Returns the frames of pieces to learn from, to validate on, and to test on.

    Args:
        which: ``"chorales"``, or ``"blues"`` for songs of drawn segments, which need no package.
    """
    if which == "blues":
        from carrousel.papers.eck2002._networks import draw_song
        from carrousel.papers.eck2002._songs import CHORD_UNITS, keys_of

        rng = np.random.default_rng(0)
        songs = [draw_song(rng, 1) for _ in range(60)]
        every = [keys_of(song[:, :CHORD_UNITS], song[:, CHORD_UNITS:]) for song in songs]
        learned, test = every[:48], every[48:]
    else:
        from carrousel.data import load_music

        learned, test = (load_music(which, split=part).frames for part in ("train", "test"))
    valid = [piece for k, piece in enumerate(learned) if k % EVERY == EVERY - 1]
    return {"train": [piece for k, piece in enumerate(learned) if k % EVERY != EVERY - 1], "valid": valid, "test": test}


def nats(pieces: Sequence[np.ndarray], chances: Callable[[np.ndarray], np.ndarray]) -> float:
    """Returns the negative log-likelihood a frame of pieces, in nats."""
    total = sum(
        float(-np.log(np.clip(np.where(piece == 1, said := chances(piece), 1.0 - said), 1e-12, None)).sum())
        for piece in pieces
    )
    return total / sum(map(len, pieces))
