"""The reference backend: the cell's own equations on torch tensors, step after step.

It runs on any device, in any dtype, under every transformation of torch. All else is tested against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from carrousel.cells import Named, Parts, State
from carrousel.engine._call import Call, Stack
from carrousel.engine._layer import Layer, Masks, Result, Weights
from carrousel.engine._rows import Rows

__all__ = [
    "NAME",
    "PASSES",
    "merit",
    "nothing",
    "quick_step",
    "refuses_call",
    "refuses_layer",
    "run",
    "step",
]


NAME = "reference"
PASSES = None


def refuses_layer(layer: Layer) -> str | None:
    """Refuses no layer: None."""
    return None


def refuses_call(call: Call) -> str | None:
    """Refuses no call: None."""
    return None


def merit(call: Call | Stack) -> str | None:
    """Has none but that all others refused: None."""
    return None


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Has nothing quicker than :func:`step`: None."""
    return None


def run(call: Call) -> Result:
    """Runs a layer over a batch of sequences, to a :class:`Result`."""
    if call.rows is not None:
        return _over_rows(call, call.rows)
    layer, weights, x, state, reverse, lengths, resets, masks, keep, _ = call
    T = x.shape[0]
    if not T:
        return nothing(call)
    active = None
    if lengths is not None:
        active = torch.arange(T, device=x.device).unsqueeze(-1) < lengths.to(x.device)  # [T, B]
        x = torch.where(active.unsqueeze(-1), x, torch.zeros_like(x))
    if resets is not None:
        resets = _before_running(resets if active is None else resets & active, reverse)
    projected = _input_part(layer, weights, x)  # [T, B, rows]
    if {*layer.cell.gated} == {*layer.cell.rows} and not layer.cell.reads_output:
        projected = projected + state[0][:0].sum()  # nothing hears h, whose derivative is zero and not missing
    kept: dict[str, list[Tensor]] = {name: [] for name in ("h", *keep)}
    for t in reversed(range(T)) if reverse else range(T):
        if resets is not None:
            clear = resets[t].unsqueeze(-1)
            state = tuple(torch.where(clear, torch.zeros_like(value), value) for value in state)
        old = state
        state, activations = _advance(layer, weights, projected[t], old, masks.at(t))
        seen = {**activations, **dict(zip(layer.state_names, state, strict=True))}
        if active is not None:
            real = active[t].unsqueeze(-1)
            state = tuple(torch.where(real, new, before) for new, before in zip(state, old, strict=True))
            seen = {name: torch.where(real, seen[name], torch.zeros_like(seen[name])) for name in kept}
        for name, values in kept.items():
            values.append(seen[name])
    steps = {}
    for name, values in kept.items():
        if reverse:
            values.reverse()
        steps[name] = torch.stack(values)
    output = steps["h"] if "h" in keep else steps.pop("h")
    return Result(output, state, steps)


def _over_rows(call: Call, rows: Rows) -> Result:
    """Runs a layer over packed rows, which it pads."""
    lengths, masks = None if rows.uniform else rows.lengths, call.masks.map(lambda mask: mask, rows.spread)
    result = run(call._replace(x=rows.spread(call.x), lengths=lengths, masks=masks, rows=None))
    every = {name: rows.gather(value) for name, value in result.steps.items()}
    return Result(rows.gather(result.output), result.final, every)


def nothing(call: Call) -> Result:
    """Makes the :class:`Result` of sequences that have no step: zeros, and the initial states.

    All of it depends on all that was given, as anywhere else, so that derivatives are zero and not missing.
    """
    layer, weights, x, state, keep = call.layer, call.weights, call.x, call.state, call.keep
    zero = torch.stack([value[:0].sum() for value in (x, *state, *weights.values())]).sum()

    def zeros(name: str) -> Tensor:
        return x.new_zeros(*x.shape[:2], layer.size_of(name)) + zero

    return Result(zeros("h"), tuple(value + zero for value in state), {name: zeros(name) for name in keep})


def step(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks = Masks(),  # noqa: B008
) -> tuple[Tensor, ...]:
    """Runs one step: from x ``[B, input]``, the old states and the masks of one step to the new states, h first."""
    return _advance(layer, weights, _input_part(layer, weights, x), state, masks)[0]


def _before_running(resets: Tensor, reverse: bool) -> Tensor:
    """Moves each reset to the step before which, in the order of running, the state is cleared."""
    if not reverse:
        return resets
    return torch.cat([resets[1:], torch.zeros_like(resets[:1])])


def _input_part(layer: Layer, weights: Weights, x: Tensor) -> Tensor:
    """W x, normalised if asked, plus its bias: ``[..., rows]``."""
    if not layer.layer_norm:
        return functional.linear(x, weights["weight_ih"], weights.get("bias_ih"))
    z = functional.linear(x, weights["weight_ih"])
    return _normalise(z, weights["norm_ih"], weights.get("bias_ih"))


def _recurrent_part(layer: Layer, weights: Weights, h: Tensor, fed: tuple[Tensor, ...], rows: Sequence[str]) -> Tensor:
    """R h of some rows and what the gates of the step before send them, normalised if asked, plus its bias: ``[B,
    rows]``.
    """
    w, bias = (_of_rows(layer, weights.get(name), rows) for name in ("weight_hh", "bias_hh"))
    if layer.diagonal:
        z = h.repeat(1, len(rows)) * w
    elif layer.heads > 1:
        z = _per_head(layer, w, h, rows)
    else:
        z = functional.linear(h, w)
    if fed:
        z = z + _of_rows(layer, _from_gates(layer, weights["weight_gh"], torch.cat(fed, dim=-1)), rows, dim=-1)
    if layer.layer_norm:
        return _normalise(z, _of_rows(layer, weights["norm_hh"], rows), bias)
    return z if bias is None else z + bias


def _of_rows(layer: Layer, values: Tensor | None, rows: Sequence[str], *, dim: int = 0) -> Any:
    """Returns of what all gates and candidates have that of some of them."""
    if values is None or len(rows) == len(layer.cell.rows):
        return values
    parts = dict(zip(layer.cell.rows, values.split(layer.row_sizes, dim=dim), strict=True))
    return torch.cat([parts[row] for row in rows], dim=dim)


def _normalise(z: Tensor, gain: Tensor, bias: Tensor | None) -> Tensor:
    """Layer norm of ``[..., size]``.

    Torch's computes z / deviation - mean / deviation. Where all numbers are equal, as one number always is, that
    leaves what rounding made of two large ones, up to 300 times it. So the mean goes first: then it leaves nothing.
    """
    return functional.layer_norm(z - z.mean(-1, keepdim=True), z.shape[-1:], gain, bias)


def _per_head(layer: Layer, w: Tensor, h: Tensor, rows: Sequence[str]) -> Tensor:
    """Returns the block-diagonal product: of each gate and candidate, head k's rows see head k's part of h."""
    heads = h.unflatten(-1, (layer.heads, -1))  # [B, heads, output / heads]
    parts = []
    for block in w.split(_sizes(layer, rows)):
        per_head = block.unflatten(0, (layer.heads, -1))  # [heads, size / heads, output / heads]
        parts.append(torch.einsum("...kj,kij->...ki", heads, per_head).flatten(-2))
    return torch.cat(parts, dim=-1)


def _from_gates(layer: Layer, w: Tensor, gates: Tensor) -> Tensor:
    z = functional.linear(gates, w)
    if layer.gate_recurrence == "all":
        return z
    # Only gates listen: candidates get nothing, in their place among the rows.
    parts = iter(z.split([layer.blocks] * len(layer.fed_back), dim=-1))
    nothing = z.new_zeros(*z.shape[:-1], layer.hidden_size)
    return torch.cat([next(parts) if row in layer.fed_back else nothing for row in layer.cell.rows], dim=-1)


def _sizes(layer: Layer, rows: Sequence[str]) -> list[int]:
    """Returns the number of rows of some gates and candidates."""
    sizes = dict(zip(layer.cell.rows, layer.row_sizes, strict=True))
    return [sizes[row] for row in rows]


def _spread(layer: Layer, z: Tensor, rows: Sequence[str]) -> dict[str, Tensor]:
    """Splits rows into gates and candidates, each ``[B, H]``: a gate's row is repeated for the cells of its block."""
    parts = z.split(_sizes(layer, rows), dim=-1)
    gates = layer.cell.gates if layer.block_size > 1 else ()
    return {
        row: part.repeat_interleave(layer.block_size, dim=-1) if row in gates else part
        for row, part in zip(rows, parts, strict=True)
    }


class _Peephole:
    """What a gate sees of the carrousel: weights times states, summed over the cells of its block."""

    def __init__(self, weight: Tensor, block_size: int) -> None:
        self.weight, self.block_size = weight, block_size

    def __call__(self, c: Tensor) -> Tensor:
        seen = self.weight * c  # [B, H]
        if self.block_size == 1:
            return seen
        sums = seen.unflatten(-1, (-1, self.block_size)).sum(-1)  # [B, blocks]
        return sums.repeat_interleave(self.block_size, dim=-1)


class _Product:
    """The recurrent part of a gated row: a function of the value that its weights are multiplied with."""

    def __init__(self, layer: Layer, weights: Weights, row: str, mask: Tensor | None, fed: tuple[Tensor, ...]) -> None:
        self.layer, self.weights, self.row, self.mask, self.fed = layer, weights, row, mask, fed

    def __call__(self, value: Tensor) -> Tensor:
        seen = value if self.mask is None else value * self.mask
        part = _recurrent_part(self.layer, self.weights, seen, self.fed, (self.row,))
        return _spread(self.layer, part, (self.row,))[self.row]


class _Factor:
    """A candidate's port: dropout's factors, where there are any."""

    def __init__(self, mask: Tensor | None) -> None:
        self.mask = mask

    def __call__(self, value: Tensor) -> Tensor:
        return value if self.mask is None else value * self.mask


class _Exit:
    """A state's port: layer norm, where it is asked for."""

    def __init__(self, weight: Tensor | None, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, value: Tensor) -> Tensor:
        if self.weight is None:
            return value
        return _normalise(value, self.weight, self.bias)


def _ports(layer: Layer, weights: Weights, masks: Masks) -> Named:
    cell = layer.cell
    ports = Named()
    for index, gate in enumerate(cell.peepholes):
        setattr(ports, gate, _Peephole(weights["weight_peephole"][index], layer.block_size))
    for candidate in cell.candidates:
        setattr(ports, candidate, _Factor(masks.candidate[candidate] if masks.candidate else None))
    for state in cell.states:
        setattr(ports, state, _Exit(weights.get(f"norm_{state}"), weights.get(f"norm_bias_{state}")))
    return ports


def _pre_activations(
    layer: Layer, weights: Weights, projected: Tensor, h: Tensor, mask: Tensor | None, fed: tuple[Tensor, ...]
) -> Named:
    cell = layer.cell
    if not cell.recurrent:
        return Named(**_spread(layer, projected, cell.rows))
    rows = [row for row in cell.rows if row not in cell.gated]
    seen = h if mask is None else h * mask
    if not cell.parted:
        return Named(**_spread(layer, projected + _recurrent_part(layer, weights, seen, fed, rows), rows))
    z: dict[str, Any] = {}
    from_h = _spread(layer, _recurrent_part(layer, weights, seen, fed, rows), rows) if rows else {}
    for row, part in _spread(layer, projected, cell.rows).items():
        if row in cell.gated:
            z[row] = Parts(part, _Product(layer, weights, row, mask, fed))
        else:
            z[row] = Parts(part, from_h[row]) if row in cell.split else part + from_h[row]
    return Named(**z)


def _advance(
    layer: Layer, weights: Weights, projected: Tensor, old: tuple[Tensor, ...], masks: Masks
) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    """One step from the input part ``[B, rows]``: the new states, and all activations by name ``[B, H]``."""
    cell = layer.cell
    n = 1 + len(cell.states)
    h, inner, fed = old[0], old[1:n], old[n:]
    z = _pre_activations(layer, weights, projected, h, masks.variational, fed)
    s = State(h=h, **dict(zip(cell.states, inner, strict=True)))
    new_h, new_state, gates = cell(z, s, _ports(layer, weights, masks))
    if layer.proj_size:
        new_h = functional.linear(new_h, weights["weight_hr"])
    new_h = _zone(masks.zoneout_h, h, new_h)
    new_inner = (
        _zone(masks.zoneout_c, before, getattr(new_state, name))
        for name, before in zip(cell.states, inner, strict=True)
    )
    activations = {row: getattr(gates, row) for row in cell.rows}
    new_fed = (activations[gate][..., :: layer.block_size] for gate in layer.fed_back)
    new = new_h, *new_inner, *new_fed
    if torch._C._is_any_autocast_enabled():  # matrix products are then narrower, but what lasts is not
        return tuple(value.to(h.dtype) for value in new), {row: v.to(h.dtype) for row, v in activations.items()}
    return new, activations


def _zone(share: Tensor | float | None, old: Tensor, new: Tensor) -> Tensor:
    """Zoneout (Krueger et al. 2017): keeps the share of the old state."""
    return new if share is None else share * old + (1 - share) * new
