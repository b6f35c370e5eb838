"""Every format that is written and read back, handed damaged files: each is refused by name, or makes no difference."""

from __future__ import annotations

import importlib
import itertools
import json
import multiprocessing
import pkgutil
import shutil
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import damaged, rounds
from formats import SAMPLES, Sample, same
from tampering import close, opened, tampered

import carrousel
from carrousel import _format
from carrousel._format import Format

EVERY = pytest.mark.parametrize("name", SAMPLES)
TEXTS = ("carrousel-trial", "carrousel-result", "carrousel-figures")
ONE_FILE = [name for name, sample in SAMPLES.items() if sample.form.name not in TEXTS]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Callable[[str], Path]:
    """Where a whole file of a sample stands, written when first asked for."""
    folder = tmp_path_factory.mktemp("whole")

    def written(name: str) -> Path:
        path = folder / name.replace(" ", "-") / "whole"
        if not path.parent.exists():
            path.parent.mkdir()
            SAMPLES[name].write(path)
        return path

    return written


def copied(path: Path, to: Path) -> Path:
    to = to / "copy"
    if path.is_dir():
        shutil.rmtree(to, ignore_errors=True)
        return shutil.copytree(path, to)
    return shutil.copy(path, to)


def test_every_format_has_its_samples() -> None:
    found = set()
    for module in pkgutil.walk_packages(carrousel.__path__, "carrousel."):
        if not module.name.endswith(("__main__", "streams.river")):
            found |= {each for each in vars(importlib.import_module(module.name)).values() if isinstance(each, Format)}
    assert found == {sample.form for sample in SAMPLES.values()}


def attempt(work: Callable[..., Any], *given: Any, error: type[ValueError] = ValueError) -> tuple[Any, str]:
    """What comes of it, or what is said of why not; it may raise nothing else."""
    try:
        return work(*given), ""
    except error as refusal:
        return None, str(refusal)


def refused(sample: Sample, path: Path) -> bool:
    """Whether a file is refused, by its name."""
    said = attempt(sample.read, path, error=sample.form.error)[1]
    assert not said or path.name in said, f"the file is not named: {said}"
    return bool(said)


def judge(work: Callable[[], Counter[str]]) -> Counter[str]:
    """Does the work in a process of its own, which may die of it."""

    def child() -> None:
        try:
            there.send(work())
        except BaseException:
            there.send(traceback.format_exc())

    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(False)
    process = context.Process(target=child)
    process.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        found = "it died"
    process.join()
    assert process.exitcode == 0, f"{found}, exit code {process.exitcode}"
    assert isinstance(found, Counter), found
    return found


def with_damaged_bytes(sample: Sample, whole: Path, folder: Path, count: int) -> Counter[str]:
    """Hands it copies with damaged bytes: each is refused, or gives the very same."""
    wanted, said = sample.seen(sample.read(copied(whole, folder))), Counter[str]()
    files = sorted(whole.iterdir()) if whole.is_dir() else [whole]
    for file in files:
        for k, content in enumerate(damaged(file.read_bytes(), -(-count // len(files)))):
            path = copied(whole, folder)
            (path / file.name if whole.is_dir() else path).write_bytes(content)
            if refused(sample, path):
                said["refused"] += 1
            else:
                assert same(sample.seen(sample.read(path)), wanted), f"copy {k} of {file.name} is another"
                said["accepted, the same"] += 1
    return said


def with_changed_content(sample: Sample, whole: Path, folder: Path, count: int) -> Counter[str]:
    """Hands it copies that were changed and sealed anew: each is refused, or can be used."""
    facts, arrays = opened(whole)
    said = Counter[str]()
    for changed, held in tampered(facts, arrays, count):
        path = copied(whole, folder)
        close(path, sample.form, changed, held)
        found, why = attempt(sample.read, path)
        # A training that goes on from strange weights may diverge, and says so.
        assert not why or path.name in why or "diverged" in why, f"the file is not named: {why}"
        with np.errstate(all="ignore"):
            objection = "" if why else attempt(sample.use, found)[1]
        said["refused" if why else "accepted, refused in use" if objection else "accepted, used"] += 1
    return said


@pytest.mark.fuzz
@EVERY
def test_damaged_bytes(name: str, whole: Callable[[str], Path], tmp_path: Path) -> None:
    path = whole(name)
    said = judge(lambda: with_damaged_bytes(SAMPLES[name], path, tmp_path, rounds(40)))
    assert said["refused"] > said["accepted, the same"]


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ONE_FILE)
def test_content_that_was_changed_and_sealed_anew(name: str, whole: Callable[[str], Path], tmp_path: Path) -> None:
    path = whole(name)
    said = judge(lambda: with_changed_content(SAMPLES[name], path, tmp_path, rounds(40)))
    assert said["refused"]


@EVERY
def test_a_whole_file_gives_the_same_again(name: str, whole: Callable[[str], Path], tmp_path: Path) -> None:
    sample = SAMPLES[name]
    one, other = (sample.read(copied(whole(name), tmp_path)) for _ in range(2))
    assert same(sample.seen(one), sample.seen(other))
    sample.use(one)


@pytest.mark.parametrize("name", ONE_FILE)
@pytest.mark.parametrize("version", [0, 99, "1", None, True])
def test_other_numbers_of_the_format_are_refused(name: str, version: Any, whole, tmp_path: Path) -> None:
    sample, path = SAMPLES[name], copied(whole(name), tmp_path)
    close(path, Format(sample.form.name, version, ""), *opened(path))
    with pytest.raises(sample.form.error, match=f"copy.* has the format's number .*reads {sample.form.version}"):
        sample.read(path)


@pytest.mark.parametrize("name", ONE_FILE)
def test_other_formats_are_refused(name: str, whole, tmp_path: Path) -> None:
    sample, path = SAMPLES[name], copied(whole(name), tmp_path)
    close(path, Format("carrousel-something", sample.form.version, ""), *opened(path))
    with pytest.raises(sample.form.error, match=r"copy.* it says that it is 'carrousel-something', not"):
        sample.read(path)


@pytest.mark.parametrize("name", ONE_FILE)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_number_that_is_not_finite_comes_from_a_file(name: str, bad: float, whole, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    facts, arrays = opened(whole(name))
    for array in arrays:
        if arrays[array].dtype.kind == "f" and arrays[array].size:
            changed = {**arrays, array: arrays[array].copy()}
            changed[array].flat[-1] = bad
            path = copied(whole(name), tmp_path)
            close(path, sample.form, facts, changed)
            with pytest.raises(sample.form.error, match=f"copy.* array {array} holds a NaN or an infinity"):
                sample.read(path)


def numbers_in(facts: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all whole numbers in a description."""
    if isinstance(facts, dict | list):
        items = facts.items() if isinstance(facts, dict) else enumerate(facts)
        return [place for key, value in items for place in numbers_in(value, (*path, key))]
    return [path] if type(facts) is int else []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs to know how much memory there is")
@pytest.mark.parametrize("name", ONE_FILE)
def test_huge_sizes_take_no_room(name: str, whole, tmp_path: Path) -> None:
    """Every whole number of a description in turn; what is no size may be accepted."""
    import resource

    sample = SAMPLES[name]
    facts, arrays = opened(whole(name))

    def with_little_memory() -> Counter[str]:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
        said = Counter[str]()
        for place, huge in itertools.product(numbers_in(facts), (10**5, 10**9, 10**40)):
            changed = json.loads(json.dumps(facts))
            within = changed
            for key in place[:-1]:
                within = within[key]
            within[place[-1]] = huge
            path = copied(whole(name), tmp_path)
            close(path, sample.form, changed, arrays)
            why = attempt(sample.read, path, error=sample.form.error)[1]
            assert "emory" not in why, f"{place}, {huge}: {why}"
            said["refused" if why else "accepted"] += 1
        return said

    sample.read(copied(whole(name), tmp_path))  # compiles what there is to compile
    assert judge(with_little_memory)["refused"]


@pytest.mark.parametrize("name", [name for name in ONE_FILE if not SAMPLES[name].form.name.endswith("model")])
def test_files_of_older_versions_are_said_to_be_that(name: str, tmp_path: Path) -> None:
    """Before there was one way of writing, the name and number of the format stood in the file's metadata."""
    form, path = SAMPLES[name].form, tmp_path / "copy"
    path.write_bytes(_format.pack({"x": np.zeros(2)}, {"format": f"{form.name}-{form.version - 1}", "about": "{}"}))
    with pytest.raises(form.error, match=rf"has the format's number {form.version - 1}, .* reads {form.version}: make"):
        SAMPLES[name].read(path)


@pytest.mark.parametrize("name", ONE_FILE)
@pytest.mark.parametrize("length", [0, 9, 2**32, 2**40, 2**63, 2**64 - 1])
def test_a_header_that_says_it_is_long(name: str, length: int, whole, tmp_path: Path) -> None:
    sample, path = SAMPLES[name], copied(whole(name), tmp_path)
    file = path / "model.safetensors" if path.is_dir() else path
    with open(file, "r+b") as opened_file:
        opened_file.write(length.to_bytes(8, "little"))
        if length == 2**32:
            opened_file.truncate(2**33)  # a file that has them, and takes no room on the disk
    with pytest.raises(sample.form.error, match=r"copy.* would be header|copy.* header is damaged"):
        sample.read(path)


@pytest.mark.parametrize("name", ONE_FILE)
def test_nothing_that_is_not_finite_is_written(name: str, whole, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    facts, arrays = opened(whole(name))
    for array in arrays:
        if arrays[array].dtype.kind == "f" and arrays[array].size:
            changed = {**arrays, array: np.full_like(arrays[array], np.nan)}
            with pytest.raises(ValueError, match=f"{array} holds a NaN or an infinity"):
                sample.form.seal(facts, changed)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    form, path = Format("carrousel-test", 1, "a test"), tmp_path / "file"
    form.write(path, {"a": 1}, {"x": np.zeros(3)})
    before = path.read_bytes()
    for facts, arrays in (({"a": np.nan}, {}), ({}, {"x": np.array([np.inf])}), ({"a": object()}, {})):
        with pytest.raises((ValueError, TypeError)):
            form.write(path, facts, arrays)
    assert path.read_bytes() == before


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    """Of every shape and stride; safetensors itself writes the memory of an array, not its values."""
    square = np.arange(12.0).reshape(3, 4)
    arrays = {
        "turned": square.T,
        "every other": square[:, ::2],
        "backwards": square[::-1],
        "number": np.array(3.5),
        "empty": np.zeros((0, 3), np.int64),
        "bits": np.array([True, False]),
        "one": np.broadcast_to(np.float32(1), (2, 2)),
    }
    form, path = Format("carrousel-test", 1, "a test"), tmp_path / "file"
    form.write(path, {"a": [1, (2.5, None)], "b": {"x": "ü\ud800"}, 3: True}, arrays)
    with form.reading(path) as (facts, found):
        assert facts == {"a": [1, [2.5, None]], "b": {"x": "ü\ud800"}, "3": True}
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(found[name], array)
            assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype)


def test_what_is_no_file(tmp_path: Path) -> None:
    form = Format("carrousel-test", 1, "a test")
    with pytest.raises(ValueError, match="it is no file"), form.reading(tmp_path):
        pass
    with pytest.raises(FileNotFoundError), form.reading(tmp_path / "none"):
        pass
