"""Figures beside their targets, as ``bench`` and ``bench online`` print them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from carrousel.cli._output import say

if TYPE_CHECKING:
    from carrousel.bench import Verdict

__all__ = ["say_verdicts"]


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
