"""The command line as a process: exit codes, streams, signals, a closed pipe, and a run that is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from carrousel.cli import main
from carrousel.training._callbacks import Watch
from carrousel.training._checkpoint import read_checkpoint

from .conftest import QUICK, process

SLOW = ["--epochs", "12", "--hidden-size", "8", "--batch-size", "4", "--set", "patience=null"]


def test_streams_and_exit_codes(folder):
    good = process("train", "classify", "data.csv", "--json", *QUICK)
    out, err = good.communicate(timeout=100)
    assert good.returncode == 0, err
    assert json.loads(out)["model"] == "data-model"
    assert "\x1b" not in out + err  # no terminal, no colours, no bar
    bad = process("train", "classify", "data.csv", "--label", "colour", "-o", "other")
    out, err = bad.communicate(timeout=100)
    assert (bad.returncode, out) == (2, "")
    assert 1 <= len(err.splitlines()) <= 2
    assert "data.csv" in err
    assert "'colour'" in err
    assert not (folder / "other").exists()


def test_the_installed_command(run):
    command = os.path.join(os.path.dirname(sys.executable), "carrousel")
    if not os.path.exists(command):
        pytest.skip("the package is not installed with its command")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == run("--version")[:2]


def test_a_closed_pipe_is_no_failure_to_shout_about():
    reading, writing = os.pipe()
    os.close(reading)
    closed = subprocess.Popen(
        [sys.executable, "-m", "carrousel", "cells", "--json"], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    _, err = closed.communicate(timeout=100)
    assert closed.returncode == 141
    assert err == ""


@pytest.mark.slow
def test_interrupt_leaves_what_resume_needs_and_nothing_else(folder):
    run = process("train", "classify", "data.csv", "-o", "model", *SLOW, "--epochs", "2000")
    until(folder / "model.checkpoint", run)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=100)
    assert run.returncode == 130
    assert "--resume" in err
    assert "Traceback" not in err
    assert not (folder / "model").exists()
    assert sorted(p.name for p in folder.glob("*model*")) == ["model.checkpoint"]


class Finalised:
    """An object that is thrown away at the moment of a signal: what its finaliser raises is printed and forgotten."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)
        for _ in range(1000):  # Python calls its handlers here
            pass


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_finaliser_is_not_lost(folder, monkeypatch, capsys, number, code):
    """The batch in which it comes is the last one; what was trained before is in the checkpoint."""
    after = Watch.on_batch_end

    def interrupted(self, net, batch=None, training=False, **more):
        if self.state.epoch == 2 and training:
            Finalised(number)
        after(self, net, batch, training, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Watch, "on_batch_end", interrupted)
        try:
            ended = main(["train", "classify", "data.csv", "-o", "model", *SLOW])
        except SystemExit as stop:
            ended = stop.code
    assert ended == code
    assert "the same command with --resume goes on" in capsys.readouterr().err
    assert sorted(p.name for p in folder.glob("*model*") if p.suffix != ".lock") == ["model.checkpoint"]
    assert read_checkpoint(folder / "model.checkpoint")[0]["history"][-1]["epoch"] == 2
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


def test_the_second_interrupt_ends_at_once(folder, monkeypatch):
    def twice(self, net, batch=None, training=False, **more):
        os.kill(os.getpid(), signal.SIGINT)
        seen.append("first")
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
        seen.append("second")

    seen = []
    monkeypatch.setattr(Watch, "on_batch_end", twice)
    assert main(["train", "classify", "data.csv", "-o", "model", *SLOW]) == 130
    assert seen == ["first"]


@pytest.mark.slow
def test_killed_and_resumed_is_bit_identical(folder, refused, run):
    whole = process("train", "classify", "data.csv", "-o", "whole", *SLOW)
    words = ["train", "classify", "data.csv", "-o", "model", *SLOW]
    killed = process(*words)
    until(folder / "model.checkpoint", killed)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    _, err = whole.communicate(timeout=100)
    assert whole.returncode == 0, err

    refused(*words, says=["--resume goes on"])
    refused(*words, "--resume", "--dropout", "0.5", says=["model.checkpoint", "dropout"])
    refused(*words, "--resume", "--holdout", "0.4", says=["model.checkpoint", "other data"])
    resumed = process(*words, "--resume")
    _, err = resumed.communicate(timeout=100)
    assert resumed.returncode == 0, err
    assert "going on after epoch" in err
    for part in ("model.safetensors", "model.json"):
        assert (folder / "model" / part).read_bytes() == (folder / "whole" / part).read_bytes(), part
    assert not (folder / "model.checkpoint").exists()
    assert run(*words, "--resume")[:2] == (0, "finished already: model/\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar(folder):
    import pty

    ours, theirs = pty.openpty()
    run = process("train", "classify", "japanese-vowels", *QUICK, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += (block := os.read(ours, 4096))
        except OSError:  # the other end is closed
            break
        if not block:
            break
    out, _ = run.communicate(timeout=100)
    os.close(ours)
    assert run.returncode == 0
    text = seen.decode()
    assert "\x1b[" in text
    for word in ("epoch 2/2", "loss", "accuracy", "left"):
        assert word in text, text
    assert "\x1b" not in out


def until(path, run, seconds=60.0):
    """Wait for a file while the process runs."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)
