"""Whatever stands in a file: good data or one DataError that names the file."""

import collections

import pytest
from damage import rounds

from carrousel.data import _registry

from .samples import ALIKE, LOAD, SAMPLES, check, copies, outcome, plain_ts

GOOD = [(kind, ending, k) for (kind, ending), contents in SAMPLES.items() for k in range(len(contents))]
CASES = [case for case in GOOD if case[:2] not in ALIKE]


def test_every_reader_of_files_has_a_sample(tmp_path):
    found = {(kind, ending) for kind in _registry.KINDS for ending in _registry.by_ending(kind)}
    assert found == set(SAMPLES)
    for kind, ending, k in GOOD:
        (tmp_path / f"good{ending}").write_bytes(SAMPLES[kind, ending][k])
        assert outcome(kind, tmp_path / f"good{ending}") == "accepted"


@pytest.mark.fuzz
@pytest.mark.parametrize(("kind", "ending", "k"), CASES, ids=[f"{kind}-{ending[1:]}-{k}" for kind, ending, k in CASES])
def test_damaged_files(tmp_path, kind, ending, k):
    path = tmp_path / f"data{ending}"
    tally = collections.Counter()
    for content in copies(SAMPLES[kind, ending][k], rounds(100)):
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


@pytest.mark.parametrize(("kind", "ending", "k"), CASES, ids=[f"{kind}-{ending[1:]}-{k}" for kind, ending, k in CASES])
def test_every_truncation(tmp_path, kind, ending, k):
    path = tmp_path / f"data{ending}"
    whole = SAMPLES[kind, ending][k]
    for size in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:size])
        outcome(kind, path)
