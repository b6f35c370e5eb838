"""The hard scripts, short: kills, writers side by side, full disks. ``make hard`` runs all of them, for longer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "hard"

# A part of the other two in one process: all of their writers are tested in test_writers.py too.
PARTS = """
import sys
sys.path.insert(0, sys.argv[1])
import full_disk, two_writers
from kills import JOBS
from writers import WRITERS

two_writers.short()
lost = sum(two_writers.together(writer, 3, 3) + full_disk.write(writer, 2) for writer in WRITERS[:3])
sys.exit(lost + sum(two_writers.contend(job, 2) + full_disk.command(job, 2) for job in JOBS[:1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "words",
    [[str(SCRIPTS / "kills.py"), "--times", "1"], ["-c", PARTS, str(SCRIPTS)]],
    ids=["kills", "two writers, full disk"],
)
def test_nothing_is_lost(words):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=280, check=False)
    said = re.findall(r"^.+: tried (\d+), survived (\d+), lost (\d+)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(said) >= 6
    for tried, survived, lost in said:
        assert int(tried) == int(survived) > 0 == int(lost)
