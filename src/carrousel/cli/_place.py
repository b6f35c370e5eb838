"""Where a model goes: never over what is there unasked, and nothing half-written left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ._errors import UsageError
from ._options import Run


@dataclass(frozen=True)
class Place:
    """The model's directory, and beside it the checkpoint of a run that is under way."""

    out: Path
    checkpoint: Path
    finished: bool  # the model is there, and the run that is to be resumed has ended


def place(run: Run, data: str) -> Place:
    """Check before anything is computed that the model can be written; UsageError if not."""
    stem = Path(data).stem
    out = run.out if run.out is not None else Path(f"{stem}-model")
    if not out.name:
        raise UsageError(f"--out {out}: name a directory")
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    there = checkpoint.exists()
    if run.resume and run.force:
        raise UsageError("--resume goes on with a run, --force starts anew: give one of them")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: a file of that name is there")
    model = (out / "model.json").exists()
    if out.is_dir() and not model and any(out.iterdir()):
        raise UsageError(f"--out {out}: this directory holds something else than a model")
    if run.resume:
        if not there and not model and not run.out:
            raise UsageError(f"--resume: there is no run to go on with ({checkpoint})")
        return Place(out, checkpoint, finished=model and not there)
    if not run.force:
        if there:
            raise UsageError(f"--out {out}: a broken-off run is there; --resume goes on with it, --force starts anew")
        if model:
            raise UsageError(f"--out {out}: a model is there; --force replaces it")
    above = out.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: {above} cannot be written to")
    return Place(out, checkpoint, finished=False)


@contextmanager
def folders_of(path: Path) -> Iterator[None]:
    """Take away again the empty folders that were made for ``path``, when what was to stand there is not."""
    made = []
    above = path.absolute().parent
    while not above.exists():
        made.append(above)
        above = above.parent
    try:
        yield
    finally:
        for folder in made:
            try:
                folder.rmdir()  # refuses a folder that holds something
            except OSError:
                break
