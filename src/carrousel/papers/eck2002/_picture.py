"""Draws what a network plays by itself as a piano roll, and writes it as MIDI beside the picture."""

from __future__ import annotations

from pathlib import Path

from carrousel.data.music import write_midi
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.eck2002._songs import CHORD_UNITS, CHORUS, chords, keys_of
from carrousel.papers.eck2002._trial import SEEDED, given, play
from carrousel.pictures.roll import draw_roll
from carrousel.pictures.style import save

__all__ = ["draw"]

CHORUSES = 10
RESOLUTION = 2  # steps of a quarter note
TEMPO = 120.0


def draw(path: Path, prepared: Prepared, found: Found, setting: Setting, title: str) -> None:
    """Has a trained network play ten choruses, draws them as a PNG file, and writes them as MIDI beside it."""
    played = play(prepared.learner, given(setting), CHORUS * CHORUSES)
    tune = played[:, CHORD_UNITS:] if played.shape[1] > CHORD_UNITS else None
    frames = keys_of(played[:, :CHORD_UNITS], tune)
    right = (played[:, :CHORD_UNITS] == chords(CHORUSES)).all(axis=1).mean()
    figure = draw_roll(
        frames,
        resolution=RESOLUTION,
        quarters=CHORUS // RESOLUTION,
        labels=[f"chorus {k + 1}" for k in range(CHORUSES)],
        title=title,
        caption=f"the first {SEEDED} steps are given; {right:.0%} of the steps have the right chord; it is "
        f"{path.stem}.mid",
    )
    save(figure, path)
    write_midi(path.with_suffix(".mid"), frames, resolution=RESOLUTION, tempo=TEMPO)
