"""``carrousel stream``: its output and its state advance together, whatever ends it."""

from __future__ import annotations

import itertools
import math
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from carrousel.cli import main
from carrousel.streams import Follower, StreamRegressor

from .conftest import listing

STREAM = ["stream", "data.csv", "--target", "y", "--hidden-size", "4"]
SAVED = [*STREAM, "--state", "state", "--save-every", "7", "--every", "1000"]


class Crash(BaseException):
    """Nothing is done after it, as after kill -9."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(40)
    return tmp_path


def write(count):
    """Lines with what is missing, and with text of more than one byte a letter."""
    with open("data.csv", "w", encoding="utf-8") as file:
        file.write("ü,u,y\n")
        for t in range(count):
            file.write(f"{t % 3},{math.sin(0.3 * t) if t % 9 else ''},{math.sin(0.3 * t + 1) if t % 7 else ''}\n")


def whole(tmp_path, words):
    """Output and state of a run that nobody disturbs."""
    assert main(words) == 0
    found = {name: (tmp_path / name).read_bytes() for name in ("state", "out.csv")}
    for name in found:
        (tmp_path / name).unlink()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("json", [False, True])
def test_a_crash_at_any_point_loses_no_line_and_repeats_none(place, json):
    """Every system call that changes a file is made the last in turn, and of a write the first half is done."""
    write(20)
    words = [*SAVED, "--out", "out.csv", *(["--json"] if json else [])]
    undisturbed = whole(place, words)
    assert undisturbed["out.csv"].count(b"\n") == 21
    os_write = os.write
    for last in itertools.count(0, 4 if json else 1):
        calls = 0

        def dying(real, last=last):
            def call(handle, *given):
                nonlocal calls
                calls += 1
                if calls > last:
                    if real is os_write and calls == last + 1:
                        real(handle, given[0][: len(given[0]) // 2])
                    raise Crash
                return real(handle, *given)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in ("write", "fsync", "replace", "ftruncate"):
                patch.setattr(os, name, dying(getattr(os, name)))
            try:
                main(words)
                finished = True
            except Crash:
                finished = False
        assert main(words) == 0  # whether it is finished or not
        for name, content in undisturbed.items():
            assert (place / name).read_bytes() == content, (last, name)
            (place / name).unlink()
        assert listing(place) == ["data.csv"]
        if finished:
            break
    assert last > 30


def test_an_output_that_grows_has_one_heading(place, capsys):
    write(20)
    assert main([*SAVED, "--out", "out.csv"]) == 0
    part = (place / "out.csv").read_bytes()
    write(40)
    assert main([*SAVED, "--out", "out.csv"]) == 0
    assert "going on after line 20" in capsys.readouterr().err
    found = (place / "out.csv").read_bytes()
    assert found.startswith(part)
    (place / "state").unlink()
    (place / "out.csv").unlink()
    assert whole(place, [*SAVED, "--out", "out.csv"])["out.csv"] == found
    write(20)
    assert main(SAVED) == 0
    write(40)
    capsys.readouterr()
    assert main(SAVED) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("21,")


def test_the_summary_of_a_finished_stream_gives_way_to_more_lines(place):
    words = [*SAVED, "--out", "out.csv", "--json"]
    write(20)
    assert main(words) == 0
    write(40)
    assert main(words) == 0
    grown = (place / "out.csv").read_bytes()
    (place / "state").unlink()
    (place / "out.csv").unlink()
    assert whole(place, words)["out.csv"] == grown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "data.csv"], "this is the file to be read"),
        (["--state", "data.csv"], "this is the file to be read"),
        (["--state", "s", "--out", "s"], "this file is the state"),
        (["--out", "o", "--quiet"], "give one of them"),
        (["--out", "no/o"], "no directory"),
        (["--out", "link"], "symbolic link to data.csv"),
        (["--state", "link"], "symbolic link to data.csv"),
        (["--out", "thesis.txt"], "no state goes on from"),
        (["--out", "thesis.txt", "--state", "s"], "no state goes on from"),
        (["--out", "."], "this is a directory"),
    ],
)
def test_an_output_that_cannot_be_ours_is_refused(place, refused, words, says):
    (place / "thesis.txt").write_text("three years")
    (place / "link").symlink_to("data.csv")
    refused(*STREAM, *words, says=[says])
    assert (place / "thesis.txt").read_text() == "three years"


def test_an_output_of_another_stream_is_refused_and_stays(place, refused):
    assert main([*SAVED, "--out", "out.csv"]) == 0
    (place / "other.csv").write_bytes((place / "out.csv").read_bytes()[::-1])
    before = (place / "other.csv").read_bytes()
    write(50)
    refused(*SAVED, "--out", "other.csv", says=["no state goes on from"])
    assert (place / "other.csv").read_bytes() == before
    assert main([*SAVED, "--out", "new.csv"]) == 0  # put aside, or given another name, by its owner
    assert (place / "new.csv").read_text().startswith("line,prediction,target\n41,")


def test_a_second_stream_on_one_state_or_output_is_refused(place, refused):
    follower = Follower(StreamRegressor(hidden_size=4), "y", state=place / "state")
    with open("data.csv", "rb") as file:
        lines = follower.follow(file)
        next(lines)
        refused(*SAVED, says=["state: this process is following a stream with this state"])
        other = Follower(StreamRegressor(hidden_size=4), "y", state=place / "state")
        with pytest.raises(BlockingIOError, match="is following a stream"):
            other.resume()
        list(lines)
    assert other.resume()
    refused(*SAVED, says=["is following a stream with this state"])  # the other one has it now
    del other
    assert main(SAVED) == 0


def test_a_state_in_which_nothing_was_learned_binds_nobody(place, refused):
    write(0)
    words = [*SAVED, "--out", "out.csv"]
    assert main(words) == 0
    write(40)
    assert main([*words, "--hidden-size", "5"]) == 0
    refused(*words, says=["hidden_size 5, not 4"])


@pytest.mark.slow
def test_kills_at_random_moments_leave_every_line_once(place):
    """As often as it takes: what was killed goes on, until it ends by itself."""
    write(1500)
    words = [*SAVED[:-4], "--save-every", "40", "--season", "12", "--missing", "last", "--anomaly", "--out", "out.csv"]
    undisturbed = whole(place, words)
    draw, kills = random.Random(0), 0
    while True:
        process = subprocess.Popen([sys.executable, "-m", "carrousel", *words], stderr=subprocess.PIPE)
        if kills < 4:
            begun = (place / "out.csv").stat().st_size if (place / "out.csv").exists() else 0
            while not (place / "out.csv").exists() or (place / "out.csv").stat().st_size <= begun:
                assert process.poll() is None, process.communicate()
                time.sleep(0.005)
            time.sleep(0.3 * draw.random())
            process.kill()
        process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
    assert kills >= 2
    assert {name: (place / name).read_bytes() for name in undisturbed} == undisturbed


def until(path, process):
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < 30:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="what stands in an output can be read on Linux")
def test_lines_that_a_file_has_already_are_passed_over(place):
    """``>> FILE``: killed, and begun again with the same words; somebody else writes to the file in between."""
    write(4000)
    words = ["stream", "data.csv", "--target", "y", "--hidden-size", "4", "--state", "state", "--save-every", "300"]
    with open("log", "ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "carrousel", *words], stdout=log, stderr=subprocess.PIPE)
        until(place / "log", process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (place / "log").read_bytes().count(b"\n") < 4001, "the run ended before it could be killed"
    if not (place / "log").read_bytes().endswith(b"\n"):
        os.truncate("log", (place / "log").read_bytes().rindex(b"\n") + 1)
    begun = (place / "log").read_bytes()
    with open("log", "ab") as log:
        log.write(b"begun again\n")
        log.flush()
        done = subprocess.run([sys.executable, "-m", "carrousel", *words], stdout=log, timeout=100, check=False)
    assert done.returncode == 0
    found = (place / "log").read_bytes()
    assert found.startswith(begun + b"begun again\n")
    assert main([*words[:-4], "--out", "whole.csv"]) == 0
    assert found.replace(b"begun again\n", b"") == (place / "whole.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_between_two_lines_of_a_pipe(place, number):
    """A pipe's lines cannot be read again: what was learned of them is in the state, and nothing by halves."""
    words = [*SAVED[:1], "-", *SAVED[2:], "--save-every", "1000", "--out", "out.csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "carrousel", *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    lines = (place / "data.csv").read_bytes().splitlines(keepends=True)
    process.stdin.write(b"".join(lines[:31]))
    process.stdin.flush()
    until(place / "out.csv", process)
    time.sleep(0.2)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    with open("data.csv", "wb") as file:  # the pipe goes on with the lines that are new
        file.write(lines[0] + b"".join(lines[31:]))
    with open("data.csv", "rb") as file, pytest.MonkeyPatch.context() as patch:
        reading, writing = os.pipe()
        os.write(writing, file.read())
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            patch.setattr(sys, "stdin", type("Stdin", (), {"buffer": pipe}))
            assert main(words) == 0
    write(40)
    found = (place / "out.csv").read_bytes()
    assert main([*STREAM, "--out", "whole.csv"]) == 0
    assert found == (place / "whole.csv").read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_line_is_learned_waits_for_its_end(place, monkeypatch, number, code):
    """Else the weights would have learned a line that the state does not count."""
    words = [*SAVED, "--save-every", "1000", "--out", "out.csv"]
    undisturbed = whole(place, words)
    learn, learned = StreamRegressor.learn_one, []

    def interrupted(self, x, y):
        learn(self, x, y)
        learned.append(y)
        if len(learned) == 12:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(StreamRegressor, "learn_one", interrupted)
        try:
            ended = main(words)
        except SystemExit as stop:
            ended = stop.code
    assert ended == code
    assert len(learned) == 12
    assert main(words) == 0
    assert {name: (place / name).read_bytes() for name in undisturbed} == undisturbed
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no disk that is always full")
def test_a_full_disk_under_standard_output_is_said_in_a_line(place):
    for words in (["cells", "--json"], STREAM):
        with open("/dev/full", "wb") as full:
            call = [sys.executable, "-m", "carrousel", *words]
            done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False)
        assert (done.returncode, done.stderr) == (2, "carrousel: standard output: No space left on device\n")
