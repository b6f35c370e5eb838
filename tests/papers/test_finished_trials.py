"""Trials that earlier runs finished: found again, read, and noticed where they are damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest

from carrousel import papers
from carrousel.papers import _files


@pytest.fixture(autouse=True)
def _own_trials(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


KEPT = json.loads((Path(__file__).parent / "kept.json").read_text())
KEPT_LINES = Path(__file__).parent / "kept"


@pytest.mark.parametrize("name", list(papers.EXPERIMENTS))
def test_trials_that_were_kept_are_found_again(name):
    """``kept.json`` holds the names of files from before configurations had parts, as one digest an experiment.

    They hash the configuration: of every row, with the default options and with every other value of each.
    """
    experiment = papers.get(name)
    choices = [{}] + [{option: value} for option, values in experiment.options.items() for value in values[1:]]
    names = []
    for chosen in choices:
        for row in experiment.own_rows():
            for seed in (0, 3):
                with ExitStack() as held:
                    kept = _files.Kept(experiment, row, experiment.choose(chosen), seed, False, held)
                    names.append(kept.path.name)
    assert [len(names), hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]] == KEPT[name]


@pytest.mark.parametrize("lines", ["with_checksum", "without_checksum"])
def test_trials_of_an_older_version_are_not_run_again(lines):
    """Two files that versions before wrote: their trials count, and are what is found now."""
    papers.trials_directory().mkdir(parents=True, exist_ok=True)
    for path in (KEPT_LINES / lines).iterdir():
        shutil.copy(path, papers.trials_directory())
    guessing, order = papers.get("schmidhuber1996/guessing"), papers.get("hochreiter1997/temporal-order")
    for experiment, row in ((guessing, "latch-1-sd"), (order, "6a")):
        told: list[object] = []
        result = papers.reproduce(
            experiment, rows=[row], trials=3, jobs=1, progress=lambda row, trial, told=told: told.append(trial)
        )
        assert told == [None] * 3
        assert result["rows"][0]["measured"]["trials"] == 3
    fresh = papers.reproduce(guessing, rows=["latch-1-sd"], trials=3, jobs=1, fresh=True)["rows"][0]["measured"]
    again = papers.reproduce(guessing, rows=["latch-1-sd"], trials=3, jobs=1)["rows"][0]["measured"]
    kept = {"success_rate": 1.0, "draws_mean": 3.3333333333333335}
    assert {key: fresh[key] for key in kept} == {key: again[key] for key in kept} == kept


def kept_from(content: bytes) -> tuple[list[int], list[str]]:
    """Reads a file of kept trials of the order of symbols: the numbers of those that count, and what is said."""
    order = papers.get("hochreiter1997/temporal-order")
    with ExitStack() as held:
        _files.Kept(order, order.row("6a"), order.choose({}), 0, True, held).path.write_bytes(content)
    with ExitStack() as held, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        kept = _files.Kept(order, order.row("6a"), order.choose({}), 0, False, held)
    return sorted(kept.done), [str(one.message) for one in said]


def kept_line(lines: str) -> bytes:
    """Returns the first line of a file of kept trials."""
    (path,) = (KEPT_LINES / lines).glob("hochreiter1997*")
    return path.read_bytes().split(b"\n")[1]


@pytest.mark.parametrize("lines", ["with_checksum", "without_checksum"])
def test_a_kept_line_that_was_cut_off_is_noticed(lines):
    line = kept_line(lines)
    assert kept_from(line) == ([0], [])
    for length in range(1, len(line)):
        for cut in (line[:length], line[length:]):
            numbers, said = kept_from(cut)
            assert not numbers
            assert "of the finished trials, 1 must be run again" in said[0]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"success": true', '"success": 1', "whether the trial succeeded"),
        ('"sequences": 22279', '"sequences": "22279"', "unsupported operand"),
        ('"sequences": 22279', '"sequences": null', "unsupported operand"),
        ('"sequences": 22279', '"sequences": NaN', "NaN is no number"),
        ('"sequences": 22279', '"sequences": 1e999', "is no number"),
        ('"sequences": 22279', '"sequencet": 22279', "'sequences' is missing"),
        ('"steps": 2339986', '"steps": 2339986.5', "number of steps is 2339986.5"),
        ('"steps": 2339986', '"stepz": 2339986', "'steps' is missing"),
        ('"seconds": 0', '"seconds": -0', "ended before it began"),
        ('"seconds": 0', '"second_": 0', "'seconds' is missing"),
        ('"ran": [', '"run": [', "'ran' is missing"),
        ('"ran": [1', '"ran": [9', "ended before it began"),
        ('"ran": [1', '"ran": [0, 1', "too many values"),
        ('"made": {', '"mad_": {', "'made' is missing"),
        ('"numba": ', '"number": ', "does not name its versions"),
        ('"numba": "0.68.1"', '"numba": 0.68', "does not name its versions"),
        ('"trial": 0', '"trial": -1', "its number is -1"),
        ('"trial": 0', '"tries": 0', "nothing in it says"),
    ],
)
def test_a_kept_line_without_a_checksum_must_hold_a_trial(old, new, why):
    line = kept_line("without_checksum").decode()
    assert line.count(old) == 1
    numbers, said = kept_from(line.replace(old, new).encode())
    assert not numbers
    assert why in said[0]


def test_a_kept_line_with_a_checksum_must_fit_it():
    """Neither a digit that was changed nor a line that lost its checksum counts."""
    line = kept_line("with_checksum").decode()
    sealed = json.loads(line)
    without = {name: value for name, value in sealed.items() if name != "sha256"}
    for damaged in (line.replace("22279", "22278"), json.dumps(without), line.replace("sha256", "sha257")):
        numbers, said = kept_from(damaged.encode())
        assert not numbers
        assert "its checksum does not match" in said[0]
