"""The one error that this room adds to Python's own."""

from __future__ import annotations

__all__ = ["ModelError"]


class ModelError(ValueError):
    """A saved model or checkpoint cannot be used: truncated, foreign, tampered with, or of another configuration.

    The message names the file and what is wrong with it. Reading such a file never runs code from it.
    """
