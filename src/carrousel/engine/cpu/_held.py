"""What a forward pass leaves, as buffers of which no two share memory: so a traced graph can hold it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine._backend import Outline
from carrousel.engine._layer import QUIET
from carrousel.engine.cpu._forward import Kept
from carrousel.engine.cpu._kernels import Extras, Kernels, kernels_of

__all__ = ["buffers_of", "kept_of", "shapes_of"]


def _kernels(outline: Outline) -> Kernels:
    noise = outline.noise
    extras = Extras.of(outline.layer, QUIET, outline.steps)._replace(
        masked="candidate" in noise, variational="variational" in noise, zoned_h="zoneout_h" in noise,
        zoned="zoneout_c" in noise,
    )  # fmt: skip
    return kernels_of(outline.layer, outline.dtype, extras)


def _sizes(kernels: Kernels) -> dict[str, tuple[int, bool]]:
    """Returns for each buffer the size of a row, and whether each sequence has a row more, of its initial values."""
    layer, variant, width, ldh = kernels.layer, kernels.variant, kernels.width, kernels.ldh
    sizes = {"G": (kernels.ldg, False), "H": (ldh, not variant.variational)}
    if variant.variational:
        sizes["R"] = ldh, True
    if variant.sent:
        sizes["sent"] = len(layer.fed_back) * width, True
    if layer.proj_size:
        sizes["out"] = width, False
    sizes |= {f"state {k}": (width, False) for k in range(len(layer.cell.states) + len(variant.told))}
    sizes |= {f"sum {name}": (width, False) for name in variant.summed}
    for name in variant.norms:
        sizes |= {f"norm {name}": (kernels.norm_size(name), False), f"scale {name}": (1, False)}
    return sizes


def shapes_of(outline: Outline) -> list[tuple[int, int]]:
    """Returns the shapes of the buffers."""
    N, B = outline.T * outline.B, outline.B
    return [(N + B if more else N, size) for size, more in _sizes(_kernels(outline)).values()]


def buffers_of(outline: Outline, kept: Kept) -> list[Tensor]:
    """Returns the buffers of what a forward pass left; they are the same memory."""
    named: dict[str, Tensor] = {"G": kept.G, "H": kept.H, "R": kept.R, "sent": kept.sent, "out": kept.out}
    named |= {f"state {k}": value for k, value in enumerate(kept.states)}
    named |= {f"sum {name}": value for name, value in kept.sums.items()}
    for name, (rows, scale) in kept.norms.items():
        named |= {f"norm {name}": rows, f"scale {name}": scale}
    return [
        torch.as_strided(named[name], shape, (shape[1], 1), 0)
        for name, shape in zip(_sizes(_kernels(outline)), shapes_of(outline), strict=True)
    ]


def kept_of(outline: Outline, buffers: Sequence[Tensor], *, reverse: bool) -> Kept:
    """Returns what a backward pass can use up, from buffers that stay as they are."""
    kernels, N, B = _kernels(outline), outline.T * outline.B, outline.B
    variant, sizes = kernels.variant, _sizes(kernels)
    named = dict(zip(sizes, buffers, strict=True))

    def rows(name: str) -> Tensor:
        buffer = named[name]
        return buffer if not sizes[name][1] else buffer[:N] if reverse else buffer[B:]

    def before(name: str) -> Tensor:
        return named[name][B:] if reverse else named[name][:N]

    source, sent = "R" if variant.variational else "H", "sent" if variant.sent else "H"
    states = [named[name] for name in sizes if name.startswith("state ")]
    sums = {name: named[f"sum {name}"] for name in variant.summed}
    norms = {name: (named[f"norm {name}"].clone(), named[f"scale {name}"].view(-1)) for name in variant.norms}
    return Kept(
        named["G"].clone(), states, rows(sent), rows("out" if "out" in sizes else "H"), rows("H"), rows(source), norms,
        sums, before(source), before(sent) if variant.sent else None, True,
    )  # fmt: skip
