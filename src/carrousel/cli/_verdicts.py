"""Figures beside their targets, as ``bench``, ``bench online`` and ``bench models`` print them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from carrousel.cli._output import emit, say

if TYPE_CHECKING:
    from carrousel.bench import Verdict
    from carrousel.bench._online import Figure

__all__ = ["facts_of", "say_figures", "say_verdicts"]


def facts_of(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Returns verdicts as JSON values."""
    return [{**vars(verdict), "reached": verdict.reached} for verdict in verdicts]


def say_figures(
    measure: Callable[[Callable[[Figure], None]], None], judge: Callable[[Sequence[Figure]], list[Verdict]],
    instructions: str, about: str, *, json: bool,
) -> None:  # fmt: skip
    """Measures figures and prints each as it is measured, then their targets; or all of it at once as JSON.

    Args:
        measure: hands each figure to what it is given.
        judge: holds the figures against their targets.
        instructions: as :func:`say_verdicts` has it.
        about: as there.
        json: whether JSON is wanted.
    """
    figures: list[Figure] = []

    def tell(figure: Figure) -> None:
        figures.append(figure)
        if not json:
            say(f"{figure.name:48} {figure.value:10.4g} {figure.unit:10} {figure.about}")

    measure(tell)
    judged = judge(figures)
    if json:
        emit({"figures": [vars(figure) for figure in figures], "targets": facts_of(judged)})
        return
    say("")
    say_verdicts(judged, instructions, about)


def say_verdicts(verdicts: Iterable[Verdict], instructions: str, about: str) -> None:
    """Prints the figures that there are, each with what is wanted of it.

    Args:
        verdicts: the figures and their targets.
        instructions: the instruction set by which the targets were chosen.
        about: what else the targets are meant for.
    """
    from carrousel.bench import COLUMNS

    known = [verdict for verdict in verdicts if verdict.value is not None]
    if not known:
        return
    if instructions in COLUMNS:
        say(f"targets for {instructions} and {about}:")
    else:
        say(f"targets for AVX2, which are not meant for this CPU ({instructions}), and {about}:")
    wide = max(len(verdict.figure) for verdict in known)
    for verdict in known:
        sign, word = ("<=" if verdict.at_most else ">="), ("reached" if verdict.reached else "FALLS SHORT")
        say(f"{verdict.figure:{wide}}  {verdict.value:6.2f}  (wanted {sign} {verdict.target:g})  {word}")
