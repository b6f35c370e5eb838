"""Captions of pictures that can be told in two ways, and the eye that is taught before."""

from __future__ import annotations

import numpy as np

from carrousel.data import make_images
from carrousel.papers.vinyals2014 import _captions, _emoji
from carrousel.papers.vinyals2014._eye import PLACES, Eye, _Named, teach_eye
from carrousel.papers.vinyals2014._scenes import OPPOSITE, WORDS, Scenes


def words(sentence):
    return [WORDS[word] for word in sentence]


class Says:
    """A network that says given sentences."""

    def __init__(self, sentences):
        self.sentences = sentences

    def caption(self, images, width, most):
        assert len(images) == len(self.sentences)
        return self.sentences


def test_a_picture_may_be_told_from_either_of_its_shapes():
    scenes = Scenes(40, np.random.default_rng(0))
    for sentence, (one, other) in zip(scenes.sentences, scenes.right, strict=True):
        assert sentence == one
        assert words(one)[1:3] == words(other)[-2:]
        assert words(other)[1:3] == words(one)[-2:]
        assert OPPOSITE[words(one)[3]] == words(other)[3]
    for way in (0, 1):
        assert _captions._scores(Says([right[way] for right in scenes.right]), scenes, 1) == (1.0, 1.0)
    turned = [[*right[0][:3], right[1][3], *right[0][4:]] for right in scenes.right]  # the other relation
    exact, share = _captions._scores(Says(turned), scenes, 1)
    assert exact == 0.0
    assert 0.5 < share < 1.0
    assert _captions._scores(Says([[]] * 40), scenes, 1) == (0.0, 0.0)


def test_the_eye_is_asked_for_what_a_picture_determines():
    scenes = Scenes(60, np.random.default_rng(1))
    named = _Named(scenes)
    assert named.words.shape == (60, len(PLACES))
    assert {WORDS[word] for word in named.words[:, 2].tolist()} == {"left", "above"}


def test_an_eye_learns_in_place():
    eye = Eye(12)
    before = {name: weight.clone() for name, weight in eye.state_dict().items()}
    share = teach_eye(eye, np.random.default_rng(0), pictures=64, epochs=1)
    assert 0.0 < share < 1.0
    assert any((before[name] != weight).any() for name, weight in eye.state_dict().items())


def test_emoji_are_seen_as_they_are(monkeypatch):
    """Pictures go in as the reader gives them, from 0 to 1, and names without their rare words."""
    rng = np.random.default_rng(0)
    strings = [("red", "face") if k % 2 else ("face", f"only{k}") for k in range(40)]
    data = make_images([rng.random((32, 32, 3)) for _ in range(40)], strings, name="emoji")
    monkeypatch.setattr(_emoji, "load_images", lambda name, split: data)
    train, valid, test, known = _emoji.emoji_parts(0)
    assert known == ("face", "red")
    assert len(train) + len(valid) == len(test) == 40
    assert np.allclose(test.images[0].permute(1, 2, 0).numpy(), data.X[0])
    assert 0.9 < float(test.images.max()) <= 1.0
    inputs, target = test.batch(np.array([0, 1]))
    assert target.tolist() == [[0, -1], [1, 0]]
    assert inputs["lengths"].tolist() == [1, 2]
