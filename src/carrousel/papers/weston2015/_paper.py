"""The citation of the paper."""

from __future__ import annotations

__all__ = ["CITATION"]

CITATION = (
    "J. Weston, A. Bordes, S. Chopra, A. M. Rush, B. van Merriënboer, A. Joulin, T. Mikolov: Towards AI-complete "
    "question answering: a set of prerequisite toy tasks. arXiv 1502.05698, 2015"
)
