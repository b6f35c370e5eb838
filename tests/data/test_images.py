"""Images as readers hand them over, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.data import DataError, hold_out, make_images

GREY = np.zeros((3, 2))


def test_bytes_become_shares_and_one_channel_is_an_axis() -> None:
    images = make_images([np.full((3, 2), 255, dtype=np.uint8), np.ones((4, 5, 1))], [1, 2], name="d")
    assert [x.shape for x in images.X] == [(3, 2, 1), (4, 5, 1)]
    assert all(x.dtype == np.float32 and (x == 1).all() for x in images.X)
    assert images.sizes.tolist() == [[3, 2], [4, 5]]
    assert images.channels == ("grey",)
    assert images.classes().tolist() == [1, 2]


def test_takes_images_with_what_belongs_to_them() -> None:
    classes = make_images([GREY, GREY + 1, GREY + 2], ["a", "b", "c"], name="d").take([2, 0])
    assert classes.ids.tolist() == [2, 0]
    assert classes.y.tolist() == ["c", "a"]
    assert [x.max() for x in classes.X] == [2, 0]
    strings = make_images([GREY, GREY, GREY], [["1", "0"], (), (3,)], name="d", groups=["u", "v", "w"]).take([2, 1])
    assert strings.strings() == (("3",), ())
    assert strings.groups.tolist() == ["w", "v"]


def test_whole_groups_are_held_out() -> None:
    images = make_images([GREY] * 12, [0, 1] * 6, name="d", groups=np.arange(12) // 2)
    train, test = hold_out(images, 0.34)
    assert len(test) == 4
    assert not set(train.groups.tolist()) & set(test.groups.tolist())


@pytest.mark.parametrize(
    ("X", "y", "options", "words"),
    [
        ([], None, {}, "no images"),
        ([np.zeros(3)], None, {}, "image 0 has 1 dimensions"),
        ([GREY, np.zeros((3, 0))], None, {}, "image 1 is empty: it has the shape 3 x 0 x 1"),
        ([GREY, np.zeros((3, 2, 3))], None, {}, "image 1 has 3 channels, the images before it have 1"),
        ([GREY, np.zeros((2, 2, 2))], None, {"rows": ["a.png", "b.png"]}, "b.png has 2 channels"),
        ([np.array([[0, np.nan]])], None, {}, "image 0, row 0, column 1, channel 0: the value is NaN"),
        ([np.array([[0], [1e300]])], None, {}, "row 1, column 0, channel 0: the value is too large"),
        ([np.array([["a"]])], None, {}, "numbers are needed"),
        ([GREY], ["a", "b"], {}, "1 images but 2 labels"),
        ([GREY, GREY], [("a",), "b"], {}, "image 1 has the label 'b', and others have strings of several"),
        ([GREY], [[None]], {}, "the labels of image 0"),
        ([GREY], np.zeros((1, 2)), {}, "2 labels for each image"),
        ([GREY], None, {"channels": ["a", "b"]}, "1 channels but 2 channel names"),
        ([GREY], None, {"ids": ["a", "b"]}, "1 images but 2 ids"),
        ([GREY], None, {"groups": ["a", "b"]}, "1 images but 2 groups"),
    ],
)
def test_refuses_what_is_no_image(X, y, options, words) -> None:
    with pytest.raises(DataError, match=words):
        make_images(X, y, name="d", **options)


def test_classes_and_strings_are_not_taken_for_one_another() -> None:
    none, one = make_images([GREY], None, name="d"), make_images([GREY], ["a"], name="d")
    many, values = make_images([GREY], [("a", "b")], name="d"), make_images([GREY, GREY], [0.5, 1], name="d")
    for images, words in ((none, "no labels"), (many, "a string of labels"), (one, "one class"), (values, "values")):
        with pytest.raises(DataError, match=words):
            images.classes()
    for images, words in ((none, "no labels"), (one, "one class")):
        with pytest.raises(DataError, match=words):
            images.strings()
