"""One process at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from carrousel._alone import alone

HOLDER = """
import sys, time
from pathlib import Path
from carrousel._alone import alone

with alone(Path(sys.argv[1]), "is at work"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "x")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_told_who_has_it_and_a_dead_one_is_in_nobodys_way(holder, tmp_path):
    path = tmp_path / "x"
    with (
        pytest.raises(BlockingIOError, match=f"another process \\({holder.pid}\\) is at work: .*x'"),
        alone(path, "is at work"),
    ):
        pass
    with alone(tmp_path / "y", "is at work"), alone(path, "is at work", kind="other"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with alone(path, "is at work"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_block_of_one_process_is_no_better(tmp_path, monkeypatch):
    with alone(tmp_path / "x", "is at work"):
        with pytest.raises(BlockingIOError, match="this process is at work"), alone(tmp_path / "x", "is at work"):
            pass
        monkeypatch.chdir(tmp_path)
        with pytest.raises(BlockingIOError), alone(type(tmp_path)("x"), "is at work"):
            pass
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "x", "is at work"):
        _ = 1 / 0
    with alone(tmp_path / "x", "is at work"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_waits_gets_it(tmp_path):
    got = []

    def work(number):
        with alone(tmp_path / "x", "is at work", wait=30):
            got.append(number)
            time.sleep(0.001)
            got.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted([*range(8)] * 2)
    assert got[::2] == got[1::2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="links as on POSIX")
def test_a_lock_that_is_a_link_or_no_file_harms_nothing(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".x.lock").symlink_to(victim)
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "x"))), alone(tmp_path / "x", "is at work"):
        pass
    assert victim.read_text() == "mine"
    (tmp_path / ".x.lock").unlink()
    (tmp_path / ".x.lock").write_text("something\0else" * 99)  # that nobody holds
    with alone(tmp_path / "x", "is at work"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
