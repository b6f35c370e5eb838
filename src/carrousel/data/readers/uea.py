"""The UEA/UCR archive: what sktime carries is read where it lies, the rest is downloaded once."""

from __future__ import annotations

import importlib.util
import os
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carrousel.data._errors import DataError, reading
from carrousel.data._registry import plain, reads_name
from carrousel.data._types import Sequences
from carrousel.data.readers.ts import read_part

__all__ = ["PARTS", "archive_names", "read_archive"]

PARTS = ("train", "test")


@reads_name("sequences", "japanese-vowels", splits=PARTS)
def japanese_vowels(name: str, split: str) -> Sequences:
    """Reads nine speakers, two vowels: 270 + 370 recordings, 12 channels, 7 to 29 steps (Kudo et al. 1999)."""
    return read_archive("JapaneseVowels", split, name=name)


@reads_name("sequences", "basic-motions", splits=PARTS)
def basic_motions(name: str, split: str) -> Sequences:
    """Reads four movements seen by a smart watch: 40 + 40 recordings, 6 channels, 100 steps."""
    return read_archive("BasicMotions", split, name=name)


def archive_names() -> dict[str, str]:
    """Returns the names of the archive that sktime knows, by their plain spelling."""
    # The list alone: with sktime come scikit-learn and others, which take seconds.
    spec = importlib.util.spec_from_file_location("_archive_names", _of_sktime().parent / "tsc_dataset_names.py")
    assert spec is not None
    assert spec.loader is not None
    listed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(listed)
    names = {*listed.univariate, *listed.multivariate, *_titles_in(_of_sktime())}
    return {plain(name): name for name in sorted(names)}


def read_archive(title: str, split: str, *, name: str) -> Sequences:
    """Reads a data set of the archive by the archive's name (``"JapaneseVowels"``); ``"all"`` is train, then test."""
    import numpy as np

    place = next((root for root in (_of_sktime(), _downloads()) if title in _titles_in(root)), None)
    folder = (place or _download(title, _downloads())) / title
    parts = [
        read_part(folder / f"{title}_{part.upper()}.ts", name=name, split=part)
        for part in (PARTS if split == "all" else (split,))
    ]
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    if len(first.channels) != len(second.channels):
        raise DataError(
            f"{folder}: the train part has {len(first.channels)} channels, the test part {len(second.channels)}"
        )
    if first.y is None or second.y is None or first.y.dtype.kind != second.y.dtype.kind:
        raise DataError(f"{folder}: the labels of the train and the test part are not of one kind")
    return Sequences(
        first.X + second.X,
        np.concatenate([first.y, second.y]),
        np.arange(len(first) + len(second)),
        first.channels,
        name,
    )


def _of_sktime() -> Path:
    spec = importlib.util.find_spec("sktime")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sktime is not installed", name="sktime")
    return Path(spec.origin).parent / "datasets" / "data"


def _downloads() -> Path:
    with reading("~/.cache", "there is no home directory; XDG_CACHE_HOME names another place"):
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "carrousel" / "uea"


def _titles_in(root: Path) -> list[str]:
    with reading(root):
        if not root.is_dir():
            return []
        return [d.name for d in root.iterdir() if all((d / f"{d.name}_{p.upper()}.ts").is_file() for p in PARTS)]


def _download(title: str, root: Path) -> Path:
    """Fetches a data set with sktime into ``root``; what is broken off leaves nothing there."""
    from sktime.datasets import load_UCR_UEA_dataset

    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            try:
                with _patience(20.0), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # sktime advertises another mirror
                    load_UCR_UEA_dataset(title, split="train", extract_path=scratch)
            except Exception as error:  # sktime: RuntimeError, URLError, HTTPError, BadZipFile ...
                raise DataError(
                    f"{title} is not on this machine and could not be downloaded from the UEA/UCR archive "
                    "(is there a network?); japanese-vowels, basic-motions and digits need none"
                ) from error
            try:
                os.replace(Path(scratch) / title, root / title)
            except OSError:
                if title not in _titles_in(root):  # another process was there first
                    raise
    except OSError as error:
        raise DataError(f"{root}: a downloaded data set cannot be stored there: {error.strerror or error}") from error
    return root


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Limits how long a silent network is waited for; sktime's downloader sets no limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
