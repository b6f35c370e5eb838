"""Images from a folder, from a table of paths, and from files in MNIST's format."""

import gzip
import io

import numpy as np
import pytest
from damage import rounds
from PIL import Image

from carrousel.data import DataError, load_images

from .samples import DIGITS, copies, idx, outcome, picture


def laid(folder, *names, **made):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(**made))


def test_a_folder_has_a_class_in_each_of_its_folders(tmp_path):
    laid(tmp_path, "cat/1.png", "cat/2.PNG", "dog/1.bmp", ".hidden/1.png")
    (tmp_path / "dog" / "notes.txt").write_text("left out")
    data = load_images(tmp_path)
    assert data.y.tolist() == ["cat", "cat", "dog"]
    assert data.ids.tolist() == ["cat/1.png", "cat/2.PNG", "dog/1.bmp"]
    assert data.how == ("left out: 1 other file",)
    assert data.X[0].shape == (5, 6, 1)
    laid(tmp_path / "loose", "1.png", "2.png")
    assert load_images(tmp_path / "loose").y is None


def test_what_pixels_become(tmp_path):
    grey = np.array([[0, 51], [102, 255]], dtype=np.uint8)
    deep = np.array([[0, 13107], [26214, 65535]], dtype=np.uint16)
    for name, pixels in (("a.png", grey), ("b.png", deep)):
        Image.fromarray(pixels).save(tmp_path / name)
    data = load_images(tmp_path)
    np.testing.assert_allclose(data.X[0][:, :, 0], grey / 255, atol=1e-6)
    np.testing.assert_allclose(data.X[1][:, :, 0], grey / 255, atol=1e-6)
    clear = np.zeros((2, 2, 4), dtype=np.uint8)
    clear[0, 0] = 0, 0, 0, 255
    Image.fromarray(clear).save(tmp_path / "c.png")
    for colours, channels in (("grey", 1), ("rgb", 3)):
        data = load_images(tmp_path, colours=colours)
        assert {x.shape[2] for x in data.X} == {channels}
        np.testing.assert_allclose(data.X[2][:, :, 0], [[0, 1], [1, 1]])  # what is clear is paper


def test_a_table_has_classes_or_texts(tmp_path):
    laid(tmp_path, "in/a.png", "in/b.png")
    path = tmp_path / "table.csv"
    path.write_text("path,label,text\nin/a.png,01,1 2\nin/b.png,1,3\n")
    assert load_images(path).y.tolist() == ["01", "1"]
    assert load_images(path, label="text").y == (("1", " ", "2"), ("3",))
    assert load_images(path, units="words").y == (("1", "2"), ("3",))
    assert load_images(path, label="text", units="words").y == (("1", "2"), ("3",))
    path.write_text("path\nin/a.png\n")
    assert load_images(path).y is None


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path, packed):
    write = (lambda content: gzip.compress(content)) if packed else (lambda content: content)
    ending = ".gz" * packed
    (path := tmp_path / f"t-images-idx3-ubyte{ending}").write_bytes(write(idx(DIGITS)))
    assert load_images(path).y is None
    (tmp_path / f"t-labels-idx1-ubyte{ending}").write_bytes(write(idx(np.array([7, 0, 7], dtype=np.uint8))))
    data = load_images(path)
    np.testing.assert_array_equal(data.X[1][:, :, 0], (DIGITS[1] / 255).astype(np.float32))
    assert data.y.tolist() == [7, 0, 7]
    (other := tmp_path / "other").write_bytes(idx(np.array([1, 2, 3], dtype=">i4"), 12))
    assert load_images(path, labels=str(other)).y.tolist() == [1, 2, 3]
    (colour := tmp_path / "colour.idx4-ubyte").write_bytes(idx(np.zeros((2, 3, 3, 3), dtype=np.uint8)))
    assert load_images(colour).channels == ("red", "green", "blue")


def test_faults_of_folders_and_tables(tmp_path):
    (empty := tmp_path / "empty").mkdir()
    refused(empty, "there are no pictures in it")
    laid(mixed := tmp_path / "mixed", "a/1.png")
    laid(mixed, "a/2.png", mode="RGB")
    refused(mixed, "a/2.png has 3 channels, the pictures before it have 1\ncolours='grey' or colours='rgb' makes")
    refused(mixed, "colours='gray': it is grey, rgb; the nearest is 'grey'", colours="gray")
    laid(loose := tmp_path / "loose", "a/1.png", "2.png")
    refused(loose, "2.png lies beside the folders of the classes")
    laid(deep := tmp_path / "deep", "a/b/1.png")
    refused(deep, "a/b/1.png lies in a folder of a folder")
    laid(large := tmp_path / "large", "a/1.png", "a/2.png")
    refused(large, "a/2.png: its 6 x 5 pixels take 120 bytes; max_size= allows more", max_size=125)
    laid(tmp_path, "a.png")
    for rows, words in (
        ("a.png,x\nnix.png,y", r"row 2 \(nix.png\): there is no such file"),
        ("a.txt,x", r"row 1 \(a.txt\): pictures are needed"),
        ("a.png,", "row 1, column label: the field is empty"),
    ):
        (path := tmp_path / "table.csv").write_text(f"path,label\n{rows}\n")
        refused(path, words)


def test_faults_of_idx(tmp_path):
    path = tmp_path / "x-images-idx3-ubyte"
    for content, words in (
        (b"", "it is no IDX file: it begins with nothing"),
        (b"\0\0\7\3", "it is no IDX file: it begins with 00 00 07 03"),
        (idx(DIGITS)[:-1], r"59 bytes are not the \[3, 4, 5\] uint8"),
        (idx(np.zeros(3, dtype=np.uint8)), "it holds labels; images are"),
        (idx(np.zeros((0, 4, 5), dtype=np.uint8)), "not the"),
        (idx(np.full((1, 1, 1), np.nan, dtype=">f4"), 13), "image 0, row 0, column 0, channel 0: the value is NaN"),
    ):
        path.write_bytes(content)
        refused(path, words)
    path.write_bytes(idx(DIGITS))
    refused(path, "there is no such file", names="nix", labels="nix")
    (tmp_path / "x-labels-idx1-ubyte").write_bytes(idx(np.zeros(2, dtype=np.uint8)))
    refused(path, r"it has 3 images, but .*x-labels-idx1-ubyte is an array of \[2\]")


@pytest.mark.fuzz
def test_damaged_pictures_of_every_format(tmp_path):
    folder = tmp_path / "all"
    for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"):
        name = f"b.{kind.lower()}"
        laid(folder, "a/a.png", mode="RGB")
        whole = picture(mode="P" if kind == "GIF" else "RGB", kind=kind)
        assert np.asarray(Image.open(io.BytesIO(whole))).size
        (folder / "a" / name).write_bytes(whole)
        assert outcome("images", folder, colours="rgb") == "accepted"
        for content in copies(whole, rounds(12)):
            (folder / "a" / name).write_bytes(content)
            outcome("images", folder, colours="rgb")
        (folder / "a" / name).unlink()


def refused(path, words, names=None, **options):
    with pytest.raises(DataError, match=words) as caught:
        load_images(path, **options)
    assert str(names or path) in str(caught.value)
