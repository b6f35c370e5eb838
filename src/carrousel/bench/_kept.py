"""What the benches of estimators and streams keep: figures in a file of their own, under one checksum."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from carrousel._atomic import write_file
from carrousel._format import Format, parse

__all__ = ["FIGURES", "METHOD", "keep_figures", "kept_figures", "measured_or_kept"]

METHOD = "LSTM"
"""What a network is called among the methods of kept figures."""
Case = TypeVar("Case")
Found = TypeVar("Found")
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


def measured_or_kept(
    cases: Iterable[Case],
    kept: Sequence[Found],
    is_of: Callable[[Found, Case], bool],
    measure: Callable[[Case], Found],
    place: Callable[[Found], Hashable],
    keep: Callable[[list[Found]], None] | None,
    tell: Callable[[Found, bool], None],
) -> list[Found]:
    """Returns what came out of every case: what was kept of it, or what is measured now, and kept at once.

    Args:
        cases: what is wanted, in its order.
        kept: what came out before.
        is_of: tells whether that is of a case.
        measure: measures a case.
        place: what stands once: of two with the same place the new one is kept.
        keep: is given all that there is, after each measurement; None keeps nothing.
        tell: called with what came out of each case, and whether it was kept before.
    """
    found: list[Found] = []
    for case in cases:
        there = next((one for one in kept if is_of(one, case)), None)
        found.append(measure(case) if there is None else there)
        if there is None and keep is not None:
            done = {place(one) for one in found}
            keep([*found, *(one for one in kept if place(one) not in done)])
        tell(found[-1], there is not None)
    return found
