"""Emoji as pictures: from a small font with a few of their signs, and from the font itself where it is installed."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from carrousel.data import DataError, load_images, splits
from carrousel.data.readers import emoji

from .samples import check

PLAIN = Path(pytest.importorskip("matplotlib").get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
"""A font of letters with some of the signs; it comes with matplotlib."""


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(emoji, "FONTS", (Path("/nowhere/font.ttf"), PLAIN))


@pytest.mark.usefixtures("few")
def test_pictures_have_the_words_of_their_names():
    assert splits("emoji", "images") == ("train", "test")
    train, test = (load_images("emoji", split=part) for part in ("train", "test"))
    for data in (train, test):
        check(data)
        assert {x.shape for x in data.X} == {(32, 32, 3)}
        assert [" ".join(words) for words in data.y] == [unicodedata.name(sign).lower() for sign in data.ids]
        assert np.mean([x.min() < 0.6 for x in data.X]) > 0.99  # ink, but for signs that are blank
        assert np.mean([x.max() == 1.0 for x in data.X]) > 0.9  # on white paper, unless it fills all of it
    assert not set(train.ids.tolist()) & set(test.ids.tolist())
    assert len(train) == pytest.approx(4 * len(test), abs=4)
    again = load_images("emoji", split="test")
    assert all(np.array_equal(one, other) for one, other in zip(test.X, again.X, strict=True))


def test_a_font_that_is_not_there_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr(emoji, "FONTS", (Path("/nowhere/font.ttf"),))
    words = r"Noto Color Emoji, which is not installed\napt install fonts-noto-color-emoji"
    with pytest.raises(DataError, match=words):
        load_images("emoji")


@pytest.mark.parametrize("content", [b"", b"no font", b"\x00\x01\x00\x00" + bytes(200)])
def test_what_is_no_font_is_named(tmp_path, monkeypatch, content):
    path = tmp_path / "NotoColorEmoji.ttf"
    path.write_bytes(content)
    monkeypatch.setattr(emoji, "FONTS", (path,))
    with pytest.raises(DataError) as caught:
        load_images("emoji")
    assert str(path) in str(caught.value)


def test_the_font_itself():
    if not any(place.expanduser().is_file() for place in emoji.FONTS):
        pytest.skip("the font Noto Color Emoji is not installed")
    data = load_images("emoji")
    check(data)
    assert 1200 < len(data) < 1600
    heart = data.X[data.ids.tolist().index("❤")]
    assert heart[16, 16, 0] > 0.7 > 0.4 > heart[16, 16, 1]  # red
