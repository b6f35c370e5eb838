"""Kills streams, trainings and experiments at random moments, has the same command go on, and compares.

    python tests/hard/kills.py [--times N] [--seed N]

Each of N times something is killed one to three times in a row, at a random moment or within a random system call that
changes a file, and then left to end. Files must be those of a run that nobody disturbed, byte for byte; what an
experiment measures must be the same but for its seconds; a pipe must have had every line, and no line that differs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from _processes import counted, ended, forked, killed, report

from carrousel import papers
from carrousel.cli import main

SAVED = ["--state", "state", "--save-every", "7", "--every", "100000"]
STREAM = ["stream", "data.csv", "--target", "y", "--hidden-size", "4", *SAVED]
SEASON = [*STREAM, "--season", "12", "--missing", "last", "--anomaly"]
CLASSES = ["stream", "data.jsonl", "--target", "y", "--task", "classify", "--hidden-size", "4", "--json", *SAVED]
TRAIN = ["train", "classify", "sequences.csv", "-o", "model", "--resume", "--epochs", "8", "--hidden-size", "8"]
TRAIN += ["--batch-size", "4", "--set", "patience=null", "--dropout", "0.2"]
REPRODUCE = ["reproduce", "hochreiter1997/reber", "--row", "lstm-4x1-0.5", "--row", "elman-15", "--trials", "3"]
REPRODUCE += ["--jobs", "1", "--json", "figures.json"]


@dataclass(frozen=True)
class Job:
    """Something that is killed and goes on.

    Attributes:
        name: what it is called in the report.
        words: the command.
        found: what a finished run left in the current folder, to be compared.
        output: where standard output goes: ``"nowhere"``, ``"file"`` (to which it is appended), or ``"pipe"``.
    """

    name: str
    words: list[str]
    found: Callable[[], Any]
    output: str = "nowhere"


def files(*names: str) -> Callable[[], Any]:
    """All that is in the current folder: of these files the content, of others the names."""

    def found() -> Any:
        there = sorted(str(path) for path in Path().rglob("*") if path.is_file())
        return {name: Path(name).read_bytes() if name in names else None for name in there}

    return found


def piped() -> Any:
    """What came out of the pipe, each line once, and the state."""
    lines = Path("piped").read_bytes().splitlines()
    whole = [line for line in lines if line.count(b",") == 2 and (line[:1].isdigit() or line.startswith(b"line"))]
    return list(dict.fromkeys(whole)), Path("state").read_bytes()


def figures() -> Any:
    """What was measured but for the time that it took, and how many lines were kept of each trial."""
    rows = json.loads(Path("figures.json").read_text())["rows"]
    timed = {"seconds", "steps_per_second"}
    kept = {}
    for path in sorted(papers.trials_directory().iterdir()):
        lines = [line for line in path.read_text().splitlines() if line]
        kept[path.name] = sorted(json.loads(line)["trial"] for line in lines if line.endswith("}"))
    return [{k: v for k, v in row.get("measured", {}).items() if k not in timed} for row in rows], kept


JOBS = (
    Job("stream into --out", [*STREAM, "--out", "out.csv"], files("state", "out.csv")),
    Job("stream with a season into --out", [*SEASON, "--out", "out.csv"], files("state", "out.csv")),
    Job("stream of classes into --out", [*CLASSES, "--out", "out.jsonl"], files("state", "out.jsonl")),
    Job("stream appended to a file", STREAM, files("state", "out"), "file"),
    Job("stream into a pipe", STREAM, piped, "pipe"),
    Job("training", TRAIN, files("model/model.json", "model/model.safetensors")),
    Job("experiment", REPRODUCE, figures),
)


def prepare(folder: Path) -> None:
    """Data for all jobs."""
    draw = random.Random(0)
    with open(folder / "data.csv", "w", encoding="utf-8") as file:
        file.write("ü,u,y\n")
        for t in range(250):
            file.write(f"{t % 3},{math.sin(0.3 * t) if t % 9 else ''},{math.sin(0.3 * t + 1) if t % 7 else ''}\n")
    with open(folder / "data.jsonl", "w", encoding="utf-8") as file:
        for t in range(250):
            file.write(json.dumps({"u": t % 2, "v": draw.random(), "y": "äbc"[t % 3]}) + "\n")
    with open(folder / "sequences.csv", "w", encoding="utf-8") as file:
        file.write("id,time,x,label\n")
        for k in range(24):
            for t in range(draw.randint(4, 9)):
                file.write(f"s{k},{t},{(t if k % 2 else -t) + draw.random():.3f},{'up' if k % 2 else 'down'}\n")


@contextmanager
def output(kind: str) -> Iterator[int | None]:
    """A handle for standard output; what goes into a pipe is added to the file ``piped`` as it comes."""
    if kind == "nowhere":
        yield None
        return
    file = os.open("out" if kind == "file" else "piped", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    if kind == "file":
        yield file
        os.close(file)
        return
    reading, writing = os.pipe()

    def drain() -> None:
        while block := os.read(reading, 65536):
            os.write(file, block)
        os.write(file, b"\n")  # a line that was cut off by a kill is none

    reader = threading.Thread(target=drain)
    reader.start()
    yield writing
    os.close(writing)
    reader.join()
    os.close(reading)
    os.close(file)


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        before = os.getcwd()
        os.chdir(name)
        os.environ["XDG_CACHE_HOME"] = str(Path(name, "cache"))
        try:
            prepare(Path(name))
            yield Path(name)
        finally:
            os.chdir(before)


def finish(job: Job) -> int:
    with output(job.output) as handle:
        return ended(forked(lambda: main(job.words), handle, Path("errors")))


def kill(job: Job, times: int, draw: random.Random) -> int:
    """Kills a job so many times; prints and returns how often it did not end as if nobody had."""
    with folder_of_its_own(), tempfile.NamedTemporaryFile() as count:
        start = time.perf_counter()
        with output(job.output) as handle:
            code = ended(forked(counted(lambda: main(job.words), Path(count.name)), handle, Path("errors")))
        assert code == 0, Path("errors").read_text()
        seconds, calls = time.perf_counter() - start, int(Path(count.name).read_text())
        Path("errors").unlink()
        wanted = job.found()
    lost = kills = 0
    for _ in range(times):
        with folder_of_its_own():
            for _ in range(draw.randint(1, 3)):
                with output(job.output) as handle:
                    code = killed(lambda: main(job.words), seconds, calls, draw, output=handle, errors=Path("errors"))
                kills += code == -9
                if code not in (-9, 0):
                    break
            code = finish(job)
            said = Path("errors").read_text()
            Path("errors").unlink()
            found = job.found() if code == 0 else None
            if found != wanted:
                lost += 1
                print(f"{job.name}: exit code {code}; differs: {_difference(wanted, found)}; {said[-600:]}")
    return report(f"{job.name}, with {kills} kills", times, lost)


def short() -> None:
    """Has the trials of the experiment end after 300 sequences."""
    reber = papers.get("hochreiter1997/reber")
    rows = tuple(replace(row, config=row.config and row.config.changed(limit=300)) for row in reber.rows)
    papers.EXPERIMENTS[reber.name] = replace(reber, rows=rows)


def warm() -> None:
    """Loads here what all would load. Networks are not trained: autograd's threads do not live through a fork."""
    import sklearn.linear_model  # noqa: F401
    import skorch  # noqa: F401

    import carrousel.estimators  # noqa: F401

    with folder_of_its_own(), open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        main([*STREAM, "--out", "out.csv"])
        Path("state").unlink()
        main([*CLASSES, "--out", "out.jsonl"])
        main(REPRODUCE)
        ended(forked(lambda: main(TRAIN)))  # kernels are in the cache then


def _difference(wanted: Any, found: Any) -> str:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return ", ".join(name for name in sorted({*wanted, *found}) if wanted.get(name, 0) != found.get(name, 0))
    return "all" if found is None else "content"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="of each job")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    short()
    warm()
    draw = random.Random(chosen.seed)
    sys.exit(min(1, sum(kill(job, chosen.times, draw) for job in JOBS)))
