"""The command line as a process: exit codes, streams, signals, a closed pipe, and a run that is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

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


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar(folder):
    import pty

    ours, theirs = pty.openpty()
    run = process("train", "classify", "data.csv", *QUICK, stderr=theirs, env={"TERM": "xterm"})
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
