"""How torch's ONNX exporter comes to know carrousel's operators."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["register", "translations"]


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Returns the translations of carrousel's operators, for ``custom_translation_table`` of ``torch.onnx.export``.

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
    """Enters the translations into the exporter's registry.

    ``import carrousel`` has it done when the exporter is loaded, so that neither has to import the other.
    """
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
