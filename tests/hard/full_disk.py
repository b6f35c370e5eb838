"""Has every writer of the project write to a disk with too little room, and every command go on when there is room.

    python tests/hard/full_disk.py [--times N]

The disk is a small one in memory, for which one must be root; else a limit on the size of files stands for it. What was
there must stay, nothing else may be left, the error must say what could not be written, and commands must go on to
what they would have come to.
"""

from __future__ import annotations

import argparse
import errno
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from _processes import ended, forked, report
from kills import JOBS, Job, finish, folder_of_its_own, output, short, warm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from writers import WRITERS, Writer  # the tests' list

from carrousel.cli import main

PAGE, DISK = 4096, 4 * 2**20
FULL = {errno.ENOSPC, errno.EFBIG}


class Disk:
    """A folder in which only so many more bytes can be written, while :meth:`tight` lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        call = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
        self.mounted = shutil.which("mount") is not None and subprocess.run(call, capture_output=True).returncode == 0

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)

    @contextmanager
    def tight(self, room: int) -> Iterator[None]:
        if not self.mounted:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            return
        filler = self.folder / "filler"
        about = os.statvfs(self.folder)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, about.f_bavail * about.f_frsize - room))
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def disk() -> Iterator[Disk]:
    with tempfile.TemporaryDirectory() as name:
        made = Disk(Path(name))
        try:
            yield made
        finally:
            made.close()


def write(writer: Writer, times: int) -> int:
    """Has a writer write with less room than it needs; prints and returns how often something was lost."""
    with tempfile.TemporaryDirectory() as name:
        wanted = []
        for version in (0, 1):
            (Path(name) / str(version)).mkdir()
            writer.write(Path(name) / str(version) / writer.path, version)
            wanted.append(writer.read(Path(name) / str(version) / writer.path))
    largest = max(len(content) for content in wanted[1].values())
    lost = failed = 0
    with disk() as small:
        path = small.folder / writer.path
        for k in range(times):
            room = largest * k // times // PAGE * PAGE
            writer.write(path, 0)
            said = ""
            with small.tight(room):
                try:
                    writer.write(path, 1)
                except OSError as error:
                    failed += 1
                    good = error.errno in FULL and str(error.filename).startswith(str(path))
                    said = "" if good else f"{error!r} of {error.filename}; "
            found = writer.read(path)
            either = all(found[file] in (wanted[0][file], wanted[1][file]) for file in found)
            whole = either if writer.name == "a report" else found in wanted  # a report is two files
            left = [entry.name for entry in small.folder.iterdir()]
            if said or not whole or left != [writer.path]:
                lost += 1
                print(f"{writer.name}, with room for {room} of {largest}: {said}left {left}, whole: {whole}")
    if not failed:
        lost += 1
        print(f"{writer.name}: no writing failed")
    return report(f"{writer.name}, {failed} times without room", times, lost)


def command(job: Job, times: int) -> int:
    """Runs a command with little room, and again with enough; compares with a run that had enough."""
    with folder_of_its_own():
        assert finish(job) == 0
        Path("errors").unlink()
        wanted = job.found()
    lost = failed = 0
    for k in range(times):
        with folder_of_its_own() as whole, disk() as small:
            shutil.copytree(whole, small.folder, dirs_exist_ok=True)
            os.chdir(small.folder)
            os.environ["XDG_CACHE_HOME"] = str(small.folder / "cache")
            errors = whole / "said"
            room = k * (PAGE if small.mounted else 512)
            with output(job.output) as handle, small.tight(room):
                code = ended(forked(lambda: main(job.words), handle, errors))
            said = errors.read_text() if errors.exists() else ""
            failed += code != 0
            clear = code == 0 or (
                code == 2 and ("No space left" in said or "too large" in said) and "Traceback" not in said
            )
            left = [str(path) for path in Path().rglob(".*") if path.name.endswith((".tmp", ".lock", ".saving"))]
            again = finish(job)
            Path("errors").unlink()
            found = job.found() if again == 0 else None
            if not clear or left or found != wanted:
                lost += 1
                print(f"{job.name}, with room for {room}: exit code {code}, then {again}; left {left}; {said[-600:]}")
            os.chdir(whole)
    if not failed:
        lost += 1
        print(f"{job.name}: always had room")
    return report(f"{job.name}, {failed} times without room", times, lost)


def caches(times: int) -> int:
    """Compiles kernels that cannot be kept: they must run all the same, and no part of them may be left."""
    call = "import torch, carrousel; print(carrousel.LSTM(3, 8)(torch.ones(2, 1, 3))[0].isfinite().all().item())"
    lost = 0
    with disk() as small:
        for k in range(times):
            with small.tight(k * PAGE):
                done = subprocess.run(
                    [sys.executable, "-W", "error", "-c", call],
                    env={**os.environ, "CARROUSEL_CACHE": str(small.folder / "cache")},
                    capture_output=True,
                    text=True,
                )
            parts = [p.name for p in small.folder.rglob("*") if p.is_file() and p.suffix not in (".o", ".numba")]
            if (done.returncode, done.stdout, parts) != (0, "True\n", []):
                lost += 1
                print(f"kernels: {done.stdout}{done.stderr[-600:]} left {parts}")
    return report("kernels that are kept", times, lost)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=6, help="of each")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with disk() as tried:
        print("on a small disk" if tried.mounted else "not root: with a limit on the size of files instead of a disk")
    short()
    warm()
    lost = sum(write(writer, chosen.times) for writer in WRITERS)
    lost += sum(command(job, chosen.times) for job in JOBS if job.output != "pipe")
    lost += caches(min(3, chosen.times))
    sys.exit(min(1, lost))
