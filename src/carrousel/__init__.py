"""carrousel: the long short-term memory family, whole and fast, for PyTorch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from carrousel._with_torch import with_torch

if TYPE_CHECKING:
    from carrousel import cells as cells
    from carrousel.cells import Cell, Gates, State, cell
    from carrousel.estimators import load
    from carrousel.learning import OnlineLSTM
    from carrousel.nets import LSTM, LSTMCell, explain, to_torch

__all__ = [
    "LSTM",
    "Cell",
    "Gates",
    "LSTMCell",
    "OnlineLSTM",
    "State",
    "__version__",
    "cell",
    "cells",
    "explain",
    "load",
    "to_torch",
]

__version__ = "0.1.0"

# Each name comes from its room when it is first used: the command line answers --help without torch.
_ROOMS = {
    "Cell": "cells",
    "Gates": "cells",
    "LSTM": "nets",
    "LSTMCell": "nets",
    "OnlineLSTM": "learning",
    "State": "cells",
    "cell": "cells",
    "explain": "nets",
    "load": "estimators",
    "to_torch": "nets",
}


# A saved graph names our operators, and torch must know them before it loads one.
with_torch(lambda: import_module("carrousel._operators"))


def __getattr__(name: str) -> Any:
    if name == "cells":
        return import_module("carrousel.cells")
    if name in _ROOMS:
        value = globals()[name] = getattr(import_module(f"carrousel.{_ROOMS[name]}"), name)
        return value
    raise AttributeError(f"module 'carrousel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
