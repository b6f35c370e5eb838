"""The blues: songs, networks whose chords do not hear the melody, and what is said of what they play."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.data.music import notes_of
from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers.eck2002 import EXPERIMENTS
from carrousel.papers.eck2002 import _networks as networks
from carrousel.papers.eck2002._songs import BAR, CHORUS, SCALE, SEGMENTS, chords, keys_of, melody
from carrousel.papers.eck2002._trial import judged, play, told

BLUES = EXPERIMENTS[0]
SONG = networks.draw_song(np.random.default_rng(9), 1)[:9]
ABOUT = {**BLUES.config("2").learner, "init": 0.5}


def test_songs_have_the_chart_and_one_of_two_segments_a_bar():
    assert len(SEGMENTS) == 12
    assert len({segment for pair in SEGMENTS for segment in pair}) == 24  # 4096 melodies
    for pair in SEGMENTS:
        assert pair[0][0] != pair[1][0]  # after its first step a bar is known
        assert all(len(segment) == BAR and set(segment) <= set(" 012345") for segment in pair)
    frames = chords()
    assert frames.shape == (CHORUS, 12)
    changes = np.flatnonzero((frames[1:] != frames[:-1]).any(axis=1)) + 1
    assert (changes / BAR).tolist() == [1, 2, 4, 6, 7, 8, 9, 10, 11]
    tune = melody(np.arange(12) % 2)
    assert set(np.flatnonzero(tune.any(axis=0))) <= set(SCALE)
    assert (tune.sum(axis=1) <= 1).all()
    assert [key for key, _, _ in notes_of(keys_of(frames[:8], tune[:8]))][:4] == [48, 52, 55, 58]
    song = networks.draw_song(np.random.default_rng(0), 3)
    assert song.shape == (3 * CHORUS, 25)
    assert judged(song, True) == {"kept": 3, "right": 1.0, "like": 1.0, "scale": 1.0, "notes": pytest.approx(7, abs=1)}


def test_two_learners_are_one_network_whose_melody_does_not_feed_its_chords():
    """Eight blocks with zeros where nothing feeds: what they say, and how their weights change, is the same."""
    blocks = networks.Blocks(True, ABOUT, np.random.default_rng(0))
    rate = Descent(0.1)
    taught = {"update": "end", "loss": "cross_entropy", "dtype": np.float64}
    feeds = dict.fromkeys(("cell", "input_gate", "forget_gate", "output_gate", "output"), "input cell bias")
    whole = Learner(
        Network(25, 25, 8, 2, forget_gates=True, feeds=feeds),
        rate,
        update="end",
        loss="cross_entropy",
        dtype=np.float64,
    )
    parts = []
    for learner in (blocks.chords, blocks.melody):
        weights = learner.weights
        if learner is blocks.melody:
            weights["output"][:, 13:21] = 0  # what the chords' cells said a step before, and not at the step
        parts.append(Learner(learner.network, rate, **taught))
        parts[-1].weights = weights
    of_chords, of_melody = parts
    weights, places = {name: np.zeros_like(value) for name, value in whole.weights.items()}, {}
    for name, value in weights.items():
        half = len(value) // 2 if name != "output" else 12
        first = np.ix_(range(half), [*range(12), *range(25, 33), 41])
        second = np.ix_(range(half, len(value)), [*range(12, 25), *range(25, 33), *range(33, 41), 41])
        value[first], value[second] = of_chords.weights[name], of_melody.weights[name]
        places[name] = first, second
    whole.weights = weights
    song = networks.draw_song(np.random.default_rng(1), 1)[:30]
    of_chords.reset()
    said = [np.zeros(8)]
    for frame in song[:-1, :12]:
        of_chords.observe_many(frame[None])
        said.append(of_chords.activations["cell"])
    of_chords.reset()
    beside = np.concatenate([song[:-1, 12:], np.stack(said[:-1])], axis=1)
    outputs = np.concatenate(
        [of_chords.sequence_outputs([song[:-1, :12]]), of_melody.sequence_outputs([beside])], axis=1
    )
    np.testing.assert_allclose(whole.sequence_outputs([song[:-1]]), outputs, atol=1e-12)
    whole.learn_sequences([song[:-1]], [song[1:]])
    of_chords.learn_sequences([song[:-1, :12]], [song[1:, :12]])
    of_melody.learn_sequences([beside], [song[1:, 12:]])
    for name, (first, second) in places.items():
        np.testing.assert_allclose(whole.weights[name][first], of_chords.weights[name], atol=1e-12)
        found, wanted = whole.weights[name][second], of_melody.weights[name]
        seen = np.r_[:13, 21:30] if name == "output" else np.arange(30)
        np.testing.assert_allclose(found[:, seen], wanted[:, seen], atol=1e-12)


def test_blocks_begin_one_after_the_other_and_forget_gates_by_the_sign():
    for sign in (1, -1):
        weights = networks.Blocks(False, {**ABOUT, "forget": sign}, np.random.default_rng(0)).chords.weights
        assert weights["input_gate"][:, -1].tolist() == weights["output_gate"][:, -1].tolist() == [-0.5, -1, -1.5, -2]
        assert weights["forget_gate"][:, -1].tolist() == [sign * each for each in (0.5, 1, 1.5, 2)]
        assert (weights["output"][:, -1] == 0.5).all()
    for row in BLUES.rows:
        setting = papers.Setting.of(row.config, {}, 0, 0)
        weights = BLUES.prepare(setting).learner.weights
        assert weights == pytest.approx(1660 if row.config["melody"] else 675, rel=0.06), row.name


class Copy:
    """Says the step that it reads once more."""

    weights = 0

    def begin(self):
        self.count = 0

    def say(self, frame):
        self.count += 1
        return frame * 0.9


def test_what_is_played_is_the_sure_chords_and_the_loudest_note():
    class Loud(Copy):
        def say(self, frame):
            return np.concatenate([frame[:12] * 0.6, np.linspace(0.3, 0.8, 13)])

    song = networks.draw_song(np.random.default_rng(0), 1)
    played = play(Loud(), song[:5], CHORUS)
    np.testing.assert_array_equal(played[:5], song[:5])
    assert (played[5:, :12] == song[4, :12]).all()
    assert (played[5:, 12:].argmax(axis=1) == 12).all()
    assert (played[5:, 12:].sum(axis=1) == 1).all()
    copied = judged(play(Copy(), chords()[:8], 2 * CHORUS), False)
    assert copied == {"kept": 0, "right": 40 / 96}  # five bars of C7
    # of two choruses: the changes are not foretold, of which one is between the choruses
    assert told(Copy(), chords(2)) == pytest.approx(1 - 19 / 191)


def test_what_is_played_is_judged_bar_by_bar():
    song = networks.draw_song(np.random.default_rng(3), 2)
    song[CHORUS + 1, :12] = 0
    song[:BAR, 12:] = 0
    song[0, 13] = 1  # a note that is not of the scale, in a bar of silence
    found = judged(song, True)
    assert (found["kept"], found["right"]) == (1, 191 / 192)
    assert 0.95 < found["like"] < 1
    assert found["scale"] == pytest.approx(1 - 1 / song[:, 12:].sum())


@pytest.mark.parametrize("row", ["1", "2", "2-lstm"])
def test_a_trial_depends_on_seed_and_number_alone(row):
    small = {"choruses": 8, "at_once": 2, "block": 4, "songs": 4, "shown": 1}
    if row == "2-lstm":
        small = {"songs": 2, "batch": 1, "epochs": 1, "shown": 1}
    config = BLUES.config(row).changed(**small)
    found = []
    for number in (0, 0, 1):
        setting = papers.Setting.of(config, {}, 0, number)
        prepared = BLUES.prepare(setting)
        assert BLUES.train(prepared, setting)["steps"] > 0
        prepared.learner.begin()
        units = 25 if config["melody"] else 12
        found.append(np.stack([prepared.learner.say(frame[:units]) for frame in SONG]))
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
