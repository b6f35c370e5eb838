"""What a forward pass leaves, as buffers of which no two share memory: so a traced graph can hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from carrousel.engine._backend import Outline
from carrousel.engine._layer import QUIET, Layer
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._forward import Kept
from carrousel.engine.cpu._kernels import kernels_of

__all__ = ["buffers_of", "kept_of", "shapes_of"]


def _sizes(outline: Outline) -> dict[str, tuple[int, bool]]:
    """Returns for each buffer the size of a row, and whether each sequence has a row more, of its initial values."""
    return _sizes_of(outline.layer, outline.dtype, outline.noise, outline.steps)


@lru_cache(maxsize=128)
def _sizes_of(
    layer: Layer, dtype: torch.dtype, noise: frozenset[str], steps: tuple[str, ...]
) -> dict[str, tuple[int, bool]]:
    extras = replace(
        extras_of(layer, QUIET, steps),
        masked="candidate" in noise,
        variational="variational" in noise,
        zoned_h="zoneout_h" in noise,
        zoned="zoneout_c" in noise,
    )
    with _disable_current_modes():  # kernels outlive the trace in which their sizes are first asked for
        kernels = kernels_of(layer, dtype, extras)
    variant, width, ldh = kernels.variant, kernels.width, kernels.ldh
    sizes = {"G": (kernels.ldg, False), "H": (ldh, not variant.variational)}
    if variant.variational:
        sizes["R"] = ldh, True
    if variant.sent:
        sizes["sent"] = len(layer.fed_back) * width, True
    if layer.proj_size:
        sizes["out"] = width, False
    sizes |= {f"state {k}": (width, False) for k in range(len(layer.cell.states) + len(variant.told))}
    sizes |= {f"cut {name}": (width, False) for name in variant.bare_cuts}
    sizes |= {f"value {name}": (width, False) for name in variant.gated}
    for name in variant.norms:
        sizes |= {f"norm {name}": (kernels.norm_size(name), False), f"scale {name}": (1, False)}
    return sizes


def shapes_of(outline: Outline) -> list[tuple[int, int]]:
    """Returns the shapes of the buffers."""
    N, B = outline.T * outline.B, outline.B
    return [(N + B if more else N, size) for size, more in _sizes(outline).values()]


def buffers_of(outline: Outline, kept: Kept) -> list[Tensor]:
    """Returns the buffers of what a forward pass left; they are the same memory."""
    named: dict[str, Tensor] = {"G": kept.G, "H": kept.H, "R": kept.R, "sent": kept.sent, "out": kept.out}
    named |= {f"state {k}": value for k, value in enumerate(kept.states)}
    named |= {f"cut {name}": value for name, value in kept.at_cuts.items()}
    named |= {f"value {name}": value for name, value in kept.values.items()}
    for name, (rows, scale) in kept.norms.items():
        named |= {f"norm {name}": rows, f"scale {name}": scale}
    return [
        torch.as_strided(named[name], shape, (shape[1], 1), 0)
        for name, shape in zip(_sizes(outline), shapes_of(outline), strict=True)
    ]


def kept_of(outline: Outline, buffers: Sequence[Tensor], *, reverse: bool) -> Kept:
    """Returns what a backward pass can use up, from buffers that stay as they are."""
    N, B, sizes = outline.T * outline.B, outline.B, _sizes(outline)
    named = dict(zip(sizes, buffers, strict=True))

    def rows(name: str) -> Tensor:
        buffer = named[name]
        return buffer if not sizes[name][1] else buffer[:N] if reverse else buffer[B:]

    def before(name: str) -> Tensor:
        return named[name][B:] if reverse else named[name][:N]

    def of(kind: str) -> dict[str, Tensor]:
        return {name.removeprefix(kind): named[name] for name in sizes if name.startswith(kind)}

    source, sent = "R" if "R" in sizes else "H", "sent" if "sent" in sizes else "H"
    scales = of("scale ")
    norms = {name: (value.clone(), scales[name].view(-1)) for name, value in of("norm ").items()}
    return Kept(
        named["G"].clone(), [*of("state ").values()], rows(sent), rows("out" if "out" in sizes else "H"), rows("H"),
        rows(source), norms, of("cut "), of("value "), before(source), before(sent) if "sent" in sizes else None,
        True,
    )  # fmt: skip
