"""What all agents share: they are written to one file, and read from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from carrousel._format import Arrays, Format

__all__ = ["SavedAgent"]


class SavedAgent:
    """An agent that is kept in a safetensors file, as facts and arrays."""

    _format: ClassVar[Format]

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`.

        Raises:
            ValueError: a weight or a state is NaN or infinite; what was at the path stays.
        """
        self._format.write(Path(path), *self._whole())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads the agent that :meth:`save` wrote, which goes on as the saved one would have.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        with cls._format.reading(path) as (facts, arrays):
            return cls._restored(facts, arrays)

    def _whole(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns the facts and the arrays of a file."""
        raise NotImplementedError

    @classmethod
    def _restored(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        """Makes the agent of a file's facts and arrays; ValueError if they are none of its own."""
        raise NotImplementedError
