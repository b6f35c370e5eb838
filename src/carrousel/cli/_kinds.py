"""What is known of a saved model without the estimators, whose import takes seconds: its kind, and its options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from carrousel.cli._errors import UsageError

__all__ = ["KINDS_OF", "OF_TEXT", "check_options", "kinds_of"]

KINDS_OF: dict[str, tuple[str, tuple[str, ...]]] = {
    "LSTMClassifier": ("a classifier", ("sequences", "images")),
    "LSTMRegressor": ("a regressor", ("sequences",)),
    "LSTMForecaster": ("a forecaster of one series", ("series",)),
    "LSTMPanelForecaster": ("a forecaster of many series", ("panel", "series")),
    "LSTMTagger": ("a tagger", ("tags",)),
    "LSTMTranscriber": ("a transcriber", ("strings", "images")),
    "LSTMGenerator": ("a generator of text", ("texts",)),
    "LSTMComposer": ("a composer of music", ("music",)),
    "LSTMTranslator": ("a translator", ("pairs",)),
}
"""What each estimator is called, and which kinds of data it reads, by the name of its class."""
OF_TEXT = ("LSTMGenerator", "LSTMTranslator")
"""Those that read running text, which is no table."""
PARTED = ("sequences", "tags", "strings", "texts", "pairs", "music")  # kinds of data whose sets may have a test part
OF_METHODS = {
    "future": ("LSTMForecaster", "LSTMPanelForecaster"),
    "sequence": tuple(name for name in KINDS_OF if name != "LSTMForecaster"),
}
"""The estimators that have an option of a single command, by the option."""
LARGEST = 256 * 2**20  # bytes of a description


def kinds_of(path: Path) -> str | None:
    """Returns the name of a saved model's class, or None where it is not to be told or none of carrousel's own."""
    described = path / "model.json"
    try:
        if described.stat().st_size > LARGEST:
            return None
        facts: Any = json.loads(described.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None  # whoever loads it says what is wrong
    name = facts.get("estimator") if isinstance(facts, dict) else None
    return name if isinstance(name, str) and name in KINDS_OF else None


def check_options(path: Path, name: str, source: Any, options: dict[str, Any]) -> None:
    """Refuses options that are not for a model of this class.

    Args:
        path: of the model.
        name: of its class.
        source: the opened file, or the name of a data set.
        options: those that were given.

    Raises:
        UsageError: one is for others.
    """
    from carrousel.data import File, takes
    from carrousel.data._registry import KINDS, by_ending

    word, kinds = KINDS_OF[name]
    for option in (option for option, value in options.items() if value is not None):
        if option in OF_METHODS:
            fits, others = name in OF_METHODS[option], OF_METHODS[option]
        elif option == "split":
            fits, others = kinds[0] in PARTED, tuple(n for n, (_, of) in KINDS_OF.items() if of[0] in PARTED)
        elif isinstance(source, File):
            having = [k for k in KINDS if source.ending in by_ending(k) and option in takes(source, k)]
            fits = any(kind in having for kind in kinds) or not having
            others = tuple(n for n, (_, of) in KINDS_OF.items() if of[0] in having)
        else:
            continue  # a data set's reader says what it takes
        if not fits:
            known = ", ".join(KINDS_OF[other][0].split(" ", 1)[1] for other in others)
            flag = f"--{option.replace('_', '-')}"
            raise UsageError(f"{flag}: {path} is {word}, and that option is for others ({known})")
