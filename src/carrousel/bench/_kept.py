"""What the benches of estimators and streams keep: figures in a file of their own, under one checksum."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carrousel._atomic import write_file
from carrousel._format import Format, parse

__all__ = ["FIGURES", "keep_figures", "kept_figures"]

FIGURES = Format("carrousel-figures", 1, "figures of a bench")


def keep_figures(path: Path, bench: str, facts: Mapping[str, Any]) -> None:
    """Writes the figures of a bench, ``carrousel bench BENCH``, in one step."""
    sealed = FIGURES.seal({"bench": bench, **facts})
    write_file(path, (json.dumps(sealed, indent=1, ensure_ascii=False) + "\n").encode())


@contextmanager
def kept_figures(path: Path, bench: str) -> Iterator[dict[str, Any]]:
    """Reads the figures of a bench; whatever is found wrong with them in the block is the file's fault.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or of another bench, or it was changed.
    """
    with FIGURES.blaming(path):
        facts = FIGURES.unseal(parse(path.read_bytes()))
        if facts["bench"] != bench:
            raise ValueError(f"it has figures of `carrousel bench {facts['bench']}`, not of {bench}")
        yield facts
