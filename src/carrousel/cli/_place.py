"""Where a model goes: never over what is there unasked, and nothing half-written left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from carrousel._alone import alone
from carrousel._atomic import refuse_unusual
from carrousel.cli._errors import UsageError
from carrousel.cli._options import Run

__all__ = ["Figures", "Place", "figures_file", "folders_of", "place", "plain_file"]

Figures: TypeAlias = Annotated[Path | None, typer.Option("--out", "-o", help="keep the figures in this file")]


@dataclass(frozen=True)
class Place:
    """The model's directory, and beside it the checkpoint of a run that is under way."""

    out: Path
    checkpoint: Path
    finished: bool  # the model is there, and the run that is to be resumed has ended
    journal: Path | None = None  # of a search


@contextmanager
def place(run: Run, data: str, *, search: bool = False) -> Iterator[Place]:
    """Checks before anything is computed that the model can be written, and keeps others from the place meanwhile.

    Args:
        run: where the model goes.
        data: what it is trained on; the model's name by default.
        search: whether there is a journal beside the checkpoint.

    Raises:
        UsageError: it cannot be written there, or not without saying so.
        BlockingIOError: another process is training it.
    """
    stem = Path(data).stem
    out = run.out if run.out is not None else Path(f"{stem}-model")
    if not out.name:
        raise UsageError(f"--out {out}: name a directory")
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    journal = out.with_name(f"{out.name}.search") if search else None
    under_way = [path for path in (checkpoint, journal) if path is not None]
    for path in under_way:
        refuse_unusual(path)
    if run.resume and run.force:
        raise UsageError("--resume goes on with a run, --force starts anew: give one of them")
    if out.is_symlink():
        refuse_unusual(out, directory=True)
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: a file of that name is there")
    if out.is_dir() and not _is_model(out) and any(out.iterdir()):
        raise UsageError(f"--out {out}: this directory holds something else than a model")
    if run.resume and not any(path.exists() for path in under_way):
        if _is_model(out):
            yield Place(out, checkpoint, finished=True)
            return
        if not run.out:
            raise UsageError(f"--resume: there is no run to go on with ({under_way[-1]})")
    above = out.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: {above} cannot be written to")
    with folders_of(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with alone(out, "is training this model"):
            there, model = any(path.exists() for path in under_way), _is_model(out)
            if not run.force and not run.resume:
                if there:
                    raise UsageError(
                        f"--out {out}: a broken-off run is there; --resume goes on with it, --force starts anew"
                    )
                if model:
                    raise UsageError(f"--out {out}: a model is there; --force replaces it")
            yield Place(out, checkpoint, run.resume and model and not there, journal)


def _is_model(out: Path) -> bool:
    return (out / "model.json").exists()


def plain_file(option: str, path: Path) -> None:
    """Checks before anything is computed that a file can stand there; UsageError if something else does."""
    try:
        refuse_unusual(path)
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None


def figures_file(out: Path | None) -> None:
    """Checks before anything is measured that figures can be kept in a file; UsageError if not."""
    if out is None:
        return
    plain_file("--out", out)
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"--out {out}: there is no directory {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out {out}: nothing can be written in {folder}")


@contextmanager
def folders_of(path: Path) -> Iterator[None]:
    """Removes the empty folders that were made for ``path`` if what was to stand there is not."""
    new = []
    above = path.absolute().parent
    while not above.exists():
        new.append(above)
        above = above.parent
    try:
        yield
    finally:
        for folder in new:
            try:
                folder.rmdir()  # refuses a folder that holds something
            except OSError:
                break
