"""Hands ten thousand damaged and odd inputs to everything that reads files or takes words from a command line.

Runs the tests that are marked ``fuzz``, in a process of their own, and says of each how many inputs it tried, survived
and lost. A test stops at the first that it loses; where a process dies, the tests that are left go on in another.

    CARROUSEL_FUZZ=100000 python tests/hard/fuzz.py [arguments of pytest]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONGEST = 6 * 3600  # seconds that one test may take


@dataclass
class Tally:
    """What came of the tests so far."""

    done: list[str] = field(default_factory=list)
    lost: int = 0
    running: str | None = None

    def take(self, facts: dict[str, object]) -> None:
        """Takes a line of ``_tally.py``, and says how a test ended."""
        if "begins" in facts:
            self.running = str(facts["begins"])
        elif self.running is not None:  # a failure while a test is cleaned up comes after its end
            self.end(
                int(str(facts["tried"])), lost=int(facts["outcome"] == "failed"), skipped=facts["outcome"] == "skipped"
            )

    def end(self, tried: int, *, lost: int, skipped: bool = False) -> None:
        assert self.running is not None
        tried = max(tried, lost)
        said = "skipped" if skipped else f"tried {tried}, survived {tried - lost}, lost {lost}"
        print(f"{self.running.removeprefix('tests/')}: {said}", flush=True)
        self.lost += lost
        self.done.append(self.running)
        self.running = None


def run(tally: Tally, arguments: list[str]) -> int:
    """Runs the tests that are not done; returns the exit status of their process."""
    reading, writing = os.pipe()
    environment = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CARROUSEL_FUZZ": "10000",
        **os.environ,
        "CARROUSEL_TALLY": str(writing),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH")])),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "fuzz",
        "-p",
        "_tally",
        "--timeout",
        str(LONGEST),
        "-p",
        "no:cacheprovider",
    ]
    command += [part for name in tally.done for part in ("--deselect", name)]
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [*command, *(arguments or ["tests"])],
            cwd=ROOT,
            env=environment,
            pass_fds=[writing],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        os.close(writing)
        with os.fdopen(reading) as lines:
            for line in lines:
                tally.take(json.loads(line))
        status = child.wait()
        if status not in (0, 5):  # 5: nothing was left to run
            output.seek(0)
            print(output.read().decode(errors="replace")[-8000:], file=sys.stderr)
    return status


def main(arguments: list[str]) -> int:
    tally = Tally()
    while True:
        status = run(tally, arguments)
        if tally.running is None:
            break
        print(f"the process died ({status}) in the next:")
        tally.end(1, lost=1)
    if not tally.done or (status not in (0, 5) and not tally.lost):
        print("the tests could not be run", file=sys.stderr)
        return 1
    return int(tally.lost > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
