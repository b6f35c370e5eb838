"""Whatever stands in a file: good data or one DataError that names the file."""

import collections

import pytest
from damage import rounds

from carrousel.data import _registry
from carrousel.data._file import FOLDER

from .samples import ALIKE, BESIDE, LACKING, LOAD, SAMPLES, check, copies, lay_beside, outcome, plain_ts

GOOD = [(kind, ending, k) for (kind, ending), contents in SAMPLES.items() for k in range(len(contents))]
GOOD = [case for case in GOOD if case[:2] not in LACKING]
CASES = [case for case in GOOD if case[:2] not in ALIKE]
EVERY = pytest.mark.parametrize(
    ("kind", "ending", "k"), CASES, ids=[f"{kind}-{ending[1:]}-{k}" for kind, ending, k in CASES]
)


def test_every_reader_of_files_has_a_sample(tmp_path):
    found = {(kind, ending) for kind in _registry.KINDS for ending in _registry.by_ending(kind) if ending != FOLDER}
    assert found == set(SAMPLES)
    lay_beside(tmp_path)
    for kind, ending, k in GOOD:
        (tmp_path / f"good{ending}").write_bytes(SAMPLES[kind, ending][k])
        assert outcome(kind, tmp_path / f"good{ending}") == "accepted"


@pytest.mark.fuzz
@EVERY
def test_damaged_files(tmp_path, kind, ending, k):
    lay_beside(tmp_path)
    path = tmp_path / f"data{ending}"
    tally = collections.Counter()
    for content in copies(SAMPLES[kind, ending][k], rounds(100 if kind in ("sequences", "series") else 40)):
        path.write_bytes(content)
        tally[outcome(kind, path)] += 1
    assert tally["refused"] > 0


@pytest.mark.fuzz
def test_damaged_archives(tmp_path, monkeypatch):
    """A data set that was downloaded: its parts are files that may be damaged."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "carrousel" / "uea" / "Coffee"
    folder.mkdir(parents=True)
    train, test = (folder / f"Coffee_{part}.ts" for part in ("TRAIN", "TEST"))
    train.write_bytes(plain_ts())
    test.write_bytes(plain_ts())
    data = LOAD["sequences"]("coffee")
    check(data)
    assert (len(data), data.name, data.split) == (16, "coffee", "all")
    for content in copies(plain_ts(), rounds(40)):
        test.write_bytes(content)
        outcome("sequences", "coffee", names=folder)


@pytest.mark.fuzz
@pytest.mark.parametrize(
    ("kind", "table", "name"),
    [
        ("strings", b"path,text\nlow.wav,ab\nhigh.wav,c\n", "high.wav"),
        ("strings", b"path,text\nletter.inkml,ab\n", "letter.inkml"),
        ("images", b"path,label\na.png,x\nb.png,y\n", "b.png"),
        ("images", SAMPLES["images", ".idx"][0], "good-labels.idx1-ubyte"),
    ],
)
def test_damaged_files_that_others_name(tmp_path, kind, table, name):
    lay_beside(tmp_path)
    path = tmp_path / ("good-images.idx3-ubyte" if table.startswith(b"\0") else "data.csv")
    path.write_bytes(table)
    tally = collections.Counter()
    for content in copies(BESIDE[name], rounds(40)):
        (tmp_path / name).write_bytes(content)
        tally[outcome(kind, path, names=tmp_path)] += 1
    assert tally["refused"] > 0


@EVERY
def test_every_truncation(tmp_path, kind, ending, k):
    lay_beside(tmp_path)
    path = tmp_path / f"data{ending}"
    whole = SAMPLES[kind, ending][k]
    for size in range(0, len(whole), max(1, len(whole) // (60 if kind in ("sequences", "series") else 20))):
        path.write_bytes(whole[:size])
        outcome(kind, path)
