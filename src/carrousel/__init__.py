"""carrousel: the long short-term memory family, whole and fast, for PyTorch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from carrousel._on_import import on_import

if TYPE_CHECKING:
    from carrousel import cells as cells
    from carrousel.cells import Cell, Gates, State, cell
    from carrousel.estimators import load
    from carrousel.learning import OnlineLSTM
    from carrousel.nets import LSTM, MDLSTM, LSTMCell, explain, to_torch

__all__ = [
    "LSTM",
    "MDLSTM",
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
    "MDLSTM": "nets",
    "OnlineLSTM": "learning",
    "State": "cells",
    "cell": "cells",
    "explain": "nets",
    "load": "estimators",
    "to_torch": "nets",
}


# A saved graph names our operators: torch must know them before it loads one, its ONNX exporter what they do.
on_import("torch", lambda: import_module("carrousel._operators"))
on_import(
    "torch.onnx._internal.exporter._torchlib.ops",  # where torch's own operators enter the exporter's registry
    lambda: import_module("carrousel.engine.onnx").register(),
)


def __getattr__(name: str) -> Any:
    if name == "cells":
        return import_module("carrousel.cells")
    if name in _ROOMS:
        value = globals()[name] = getattr(import_module(f"carrousel.{_ROOMS[name]}"), name)
        return value
    raise AttributeError(f"module 'carrousel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
