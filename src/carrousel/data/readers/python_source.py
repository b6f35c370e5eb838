"""The text of Python's own standard library."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from carrousel.data._errors import DataError
from carrousel.data._registry import reads_name
from carrousel.data._texts import Texts

__all__ = ["read"]

FEWEST = 20  # modules; a Python that comes without its source has none
EVERY = 5  # so many modules one is held out


@reads_name("texts", "python-source", splits=("train", "test"))
def read(name: str, split: str) -> Texts:
    """Reads the modules of the standard library of the Python that runs, each a document, in the order of their names.

    Every fifth is the test part. Another version of Python has another text.

    Raises:
        DataError: this Python comes without its source.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in folder.glob("*.py") if path.is_file())
    documents, titles = [], []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        if text:
            documents.append(text)
            titles.append(path.name)
    if len(documents) < FEWEST:
        raise DataError(f"{name}: in {folder} there are {len(documents)} modules; this Python comes without its source")
    last = [k for k in range(len(documents)) if k % EVERY == EVERY - 1]
    rows = {"train": sorted(set(range(len(documents))) - set(last)), "test": last, "all": range(len(documents))}[split]
    return Texts([documents[k] for k in rows], tuple(titles[k] for k in rows), name, split)
