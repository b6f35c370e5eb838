"""How torch's ONNX exporter comes to know carrousel's operators, although nobody may import it for that."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

__all__ = ["register", "translations"]

_TORCH_OPERATORS = "torch.onnx._internal.exporter._torchlib.ops"
"""The module in which torch's own operators enter the exporter's registry; it imports onnxscript."""


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Gives the translations of carrousel's operators, for ``custom_translation_table`` of ``torch.onnx.export``.

    They are registered by themselves; this is for a version of torch that has moved its registry.

    >>> from carrousel.engine.onnx import translations
    >>> sorted(str(operator) for operator in translations())
    ['carrousel.equations.default', 'carrousel.sequence.default']
    """
    from carrousel.engine.onnx import _translate

    return {
        torch.ops.carrousel.sequence.default: _translate.sequence,
        torch.ops.carrousel.equations.default: _translate.equations,
    }


def register() -> None:
    """Enters the translations into the exporter's registry as soon as somebody loads the exporter."""
    if _TORCH_OPERATORS in sys.modules:
        _enter()
    else:
        sys.meta_path.insert(0, _Watcher())


def _enter() -> None:
    try:
        from torch.onnx._internal.exporter._torchlib._torchlib_registry import onnx_impl

        for operator, translation in translations().items():
            onnx_impl(operator, no_compile=True)(translation)
    except (ImportError, AttributeError, TypeError) as error:
        warnings.warn(
            f"this version of torch registers ONNX operators in a way that carrousel does not know ({error}); "
            "pass custom_translation_table=carrousel.engine.onnx.translations() to torch.onnx.export",
            stacklevel=2,
        )


class _Watcher(MetaPathFinder):
    """Waits for the exporter to be imported, and then takes itself away."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _TORCH_OPERATORS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_enter(module: ModuleType) -> None:
                load(module)
                _enter()

            setattr(spec.loader, "exec_module", load_and_enter)  # noqa: B010 - a method of this one loader
        return spec
