"""The figures of a training run's epochs, checked when they come from a file."""

from __future__ import annotations

from typing import Any

from carrousel._format import number

__all__ = ["checked_history", "misses"]


def checked_history(history: Any, most: int) -> list[dict[str, Any]]:
    """Returns a run's history after checking it: one row of figures for each epoch, at most ``most``.

    Raises:
        ValueError: it is no such history.
    """
    if not isinstance(history, list) or not 1 <= len(history) <= most:
        raise ValueError(f"its history should be a list of 1 to {most} epochs")
    for k, row in enumerate(history):
        named = isinstance(row, dict) and row.keys() == history[0].keys() >= {"epoch", "learning_rate", "train_loss"}
        if not named or row["epoch"] != k + 1:
            raise ValueError(f"epoch {k + 1} of its history is {row}")
        for name, value in row.items():
            number(value, f"the {name} of epoch {k + 1}")
    return history


def misses(history: list[dict[str, Any]]) -> int:
    """Returns how many epochs ago the validation loss was least; 0 without validation."""
    losses = [row["valid_loss"] for row in history if "valid_loss" in row]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0
