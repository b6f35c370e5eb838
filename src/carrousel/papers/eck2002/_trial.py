"""Teaches a network the blues, has it play by itself, and looks at how long it keeps the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from carrousel.papers._experiment import Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.eck2002._networks import Blocks, Layers, Player, draw_song
from carrousel.papers.eck2002._songs import BAR, BARS, CHORD_UNITS, CHORUS, SCALE, chords, melody

__all__ = ["SEEDED", "given", "judged", "play", "prepare", "summary", "told", "train"]

TESTED = 11  # choruses that are to be right: one, and ten more
SEEDED = 8  # steps of a song that are given before a network plays by itself: a bar


def prepare(setting: Setting) -> Prepared:
    """Returns a network with its first weights."""
    about, tune = setting.config.learner, setting.config.task["melody"]
    if about["rule"] == "on-line":
        return Prepared(Blocks(tune, about, setting.rng), None)
    return Prepared(Layers(tune, about, int(setting.rng.integers(2**31))), None)


def train(prepared: Prepared, setting: Setting) -> Found:
    """Teaches the network, has it play, and returns what came out."""
    player, until = prepared.learner, setting.config.until
    found = _by_blocks(player, setting) if isinstance(player, Blocks) else _by_layers(player, setting)
    found["told"] = told(player, draw_song(setting.apart(2), 2) if setting.config.task["melody"] else chords(2))
    figures = judged(play(player, given(setting), CHORUS * until["shown"]), setting.config.task["melody"])
    return {**found, **figures, "success": figures["kept"] >= min(TESTED, until["shown"]), "weights": player.weights}


def given(setting: Setting) -> np.ndarray:
    """Returns the bar of a song from which a network goes on by itself."""
    return (draw_song(setting.apart(1), 1) if setting.config.task["melody"] else chords())[:SEEDED]


def _by_blocks(blocks: Blocks, setting: Setting) -> Found:
    """Teaches the chords until eleven choruses are right, and then melodies beside them."""
    until = setting.config.until
    at_once, done = until["at_once"], 0
    while done < until["choruses"] and blocks.keeps(TESTED) < CHORUS * TESTED:
        blocks.learn_chords(at_once, until["block"] // at_once)
        done += until["block"]
    steps = done * CHORUS
    if setting.config.task["melody"]:
        cells = blocks.chord_cells(2)
        for _ in range(until["songs"] // until["block"]):
            blocks.learn_melodies([draw_song(setting.rng, 2) for _ in range(until["block"])], cells)
        steps += until["songs"] * 2 * CHORUS
    return {"sequences": done, "steps": steps}


def _by_layers(layers: Layers, setting: Setting) -> Found:
    """Teaches chords, or songs, of two choruses each, for a number of passes."""
    until = setting.config.until
    if setting.config.task["melody"]:
        songs = [draw_song(setting.rng, 2) for _ in range(until["songs"])]
    else:
        songs = [chords(2)] * until["songs"]
    layers.learn(songs, until["batch"], until["epochs"])
    count = until["songs"] * until["epochs"] * 2
    return {"sequences": count, "steps": count * CHORUS}


def play(player: Player, first: np.ndarray, length: int) -> np.ndarray:
    """Has a network play by itself after some steps that are given; returns these and what it played, ``[length, U]``.

    A chord's unit is on if its probability is above 1/2; of a melody's units the most probable is, if its is.
    """
    player.begin()
    frames = list(first.astype(np.float32))
    for frame in frames[:-1]:
        player.say(frame)
    while len(frames) < length:
        chances = player.say(frames[-1])
        said = (chances > 0.5).astype(np.float32)
        tune = said[CHORD_UNITS:]
        if tune.any():
            tune[:] = np.arange(len(tune)) == chances[CHORD_UNITS:].argmax()
        frames.append(said)
    return np.stack(frames)


def told(player: Player, song: np.ndarray) -> float:
    """Returns the share of steps of a song, but the first, whose chord is foretold from the song before it."""
    player.begin()
    said = np.stack([player.say(frame) > 0.5 for frame in song[:-1].astype(np.float32)])
    return float((said[:, :CHORD_UNITS] == (song[1:, :CHORD_UNITS] > 0.5)).all(axis=1).mean())


def judged(played: np.ndarray, tune: bool) -> dict[str, Any]:
    """Returns how what was played keeps to the form.

    Returns:
        ``kept``, the choruses from the beginning whose chords are all right; ``right``, the share of steps with the
        right chord; of a melody ``like``, the share of steps that are as in the nearer of the two segments of their
        bar, ``scale``, the share of its notes that are of the scale, and ``notes``, steps of a bar with a note.
    """
    wanted = chords(len(played) // CHORUS)
    right = (played[:, :CHORD_UNITS] == wanted).all(axis=1)
    whole = right.reshape(-1, CHORUS).all(axis=1)
    found: dict[str, Any] = {"kept": int(np.append(whole, False).argmin()), "right": float(right.mean())}
    if not tune:
        return found
    bars = played[:, CHORD_UNITS:].reshape(-1, BAR, played.shape[1] - CHORD_UNITS)
    either = [melody(np.full(BARS, choice)).reshape(BARS, BAR, -1) for choice in (0, 1)]
    like = [max(float((bar == part[k % BARS]).all(axis=1).mean()) for part in either) for k, bar in enumerate(bars)]
    sounding = bars.sum(axis=(0, 1))
    of_scale = float(sounding[list(SCALE)].sum() / sounding.sum()) if sounding.any() else None
    return {
        **found,
        "like": float(np.mean(like)),
        "scale": of_scale,
        "notes": float(bars.sum() / len(bars)),
    }


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures: the share of networks that keep the form for eleven choruses, and means."""
    found: dict[str, Any] = {"success_rate": mean([float(trial["success"]) for trial in trials])}
    found["sequences_mean"] = mean([trial["sequences"] for trial in trials if trial["success"]])
    for name in ("kept", "right", "told", "like", "scale", "notes"):
        values = [trial[name] for trial in trials if trial.get(name) is not None]
        found[name] = mean(values)
    return found
