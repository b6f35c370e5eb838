"""Has several processes write one path at a time, by every writer of the project, while others read it.

    python tests/hard/two_writers.py [--writes N] [--processes N]

Whoever reads must find one version or the other, whole; in the end nothing else may be left. Commands that go on from
what they wrote exclude each other: of several only one may run, the others must say so, and the result must be that of
one alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from _processes import ended, forked, report
from kills import JOBS, Job, finish, folder_of_its_own, short, warm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from writers import WRITERS, Writer  # the tests' list

from carrousel.cli import main
from carrousel.estimators import load


def together(writer: Writer, writes: int, processes: int) -> int:
    """Has processes write one path; prints and returns how many writes or readings went wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = []
        for version in (0, 1):
            (folder / str(version)).mkdir()
            writer.write(folder / str(version) / writer.path, version)
            wanted.append(writer.read(folder / str(version) / writer.path))
        place = folder / "both"
        place.mkdir()
        path, errors = place / writer.path, folder / "errors"
        writer.write(path, 0)

        def work(number: int) -> Callable[[], int]:
            def write() -> int:
                failed = 0
                for k in range(writes):
                    try:
                        writer.write(path, (number + k) % 2)
                    except Exception as error:
                        failed += 1
                        print(f"{type(error).__name__}: {error}", file=sys.stderr)
                sys.stderr.flush()
                return failed

            return write

        def whole() -> bool:
            if writer.name == "a model":
                load(path)  # which compares checksums
                return True
            found = writer.read(path)
            return all(found[file] in (wanted[0][file], wanted[1][file]) for file in found)

        def look() -> int:
            failed = 0
            while not (folder / "done").exists():
                try:
                    failed += not whole()
                except Exception as error:
                    failed += 1
                    print(f"reading: {type(error).__name__}: {error}", file=sys.stderr)
            sys.stderr.flush()
            return min(failed, 255)

        apart = writer.directory and writer.name != "a model"  # nothing reads such a directory in one step
        reader = None if apart else forked(look, errors=errors)
        lost = sum(ended(number) for number in [forked(work(k), errors=errors) for k in range(processes)])
        (folder / "done").touch()
        lost += 0 if reader is None else ended(reader)
        left = [found.name for found in place.iterdir()]
        if (
            not whole()
            or left != [writer.path]
            or (apart and writer.name != "a report" and writer.read(path) not in wanted)
        ):
            lost += 1
            print(f"{writer.name}: left {left}")
        if lost:
            print(f"{writer.name}: {errors.read_text()[-600:]}")
        return report(f"{writer.name}, by {processes} processes", writes * processes, lost)


def contend(job: Job, processes: int) -> int:
    """Has processes run one command until each has seen it finished; compares with one alone."""
    with folder_of_its_own():
        assert finish(job) == 0
        Path("errors").unlink()
        wanted = job.found()
    with folder_of_its_own() as folder:

        def work() -> int:
            end = time.monotonic() + 300
            while time.monotonic() < end:
                code = main(job.words)
                if code != 2:
                    return code
                time.sleep(0.01)
            return 3

        errors = [folder.parent / f"{folder.name}-{k}" for k in range(processes)]
        codes = [ended(number) for number in [forked(work, errors=path) for path in errors]]
        said = [path.read_text() for path in errors]
        for path in errors:
            path.unlink()
        refused = sum(text.count("carrousel: ") for text in said)
        understood = sum(text.count("another process") for text in said)
        found = job.found()
        lost = sum(code != 0 for code in codes) + (found != wanted) + (refused - understood)
        if lost:
            print(f"{job.name}: exit codes {codes}, {refused} refused, {understood} with the reason; {said[0][-600:]}")
        return report(f"{job.name}, {processes} at once, {understood} times refused", processes, lost)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=40, help="of each process")
    parser.add_argument("--processes", type=int, default=4)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    short()
    warm()
    lost = sum(together(writer, chosen.writes, chosen.processes) for writer in WRITERS)
    jobs = [job for job in JOBS if job.output == "nowhere"]
    lost += sum(contend(job, chosen.processes) for job in jobs)
    sys.exit(min(1, lost))
