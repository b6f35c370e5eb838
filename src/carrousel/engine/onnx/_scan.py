"""Layers that ONNX has no operator for: a Scan over the graph of the cell's equations.

What a step does is what it does in ``carrousel.engine.reference``, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import onnx_ir as ir

from carrousel.engine._graph import Node, trace
from carrousel.engine._layer import Layer
from carrousel.engine.onnx._emit import Emitter, lower

__all__ = ["run"]

Values = Mapping[str, ir.Value]

_EPSILON = 1e-5
"""That of torch's ``layer_norm``."""


def run(
    emit: Emitter,
    layer: Layer,
    weights: Values,
    x: ir.Value,
    state: Sequence[ir.Value],
    *,
    lengths: ir.Value | None,
    resets: ir.Value | None,
    reverse: bool,
    keep: Sequence[str],
    zoneout: tuple[float, float],
) -> list[ir.Value]:
    """Writes a layer down; returns its results.

    They are the output ``[T, B, output]``, the final states, and every step's values of those named in ``keep``. The
    arguments are as in ``reference.run``; the shares of zoneout are for h and for c.
    """
    prefix = f"{x.name}.{weights['weight_ih'].name}"
    flags: dict[str, ir.Value] = {}  # [T, B, 1] each
    if lengths is not None:
        flags["real"] = _real(emit, x, lengths)
        x = emit("Where", flags["real"], x, emit.number(0.0))
    if resets is not None:
        flags["clear"] = _clear(emit, resets, flags.get("real"), reverse=reverse)
    projected = _input_part(emit, layer, weights, x)  # [T, B, rows]
    batch = None if state[0].shape is None else state[0].shape[0]

    def given(size: int, dtype: ir.DataType) -> ir.Value:
        return ir.Value(shape=ir.Shape([batch, size]), type=ir.TensorType(dtype))

    body = _Step(emit, layer, weights, zoneout).graph(
        [given(size, emit.dtype) for size in layer.state_sizes],
        given(sum(layer.row_sizes), emit.dtype),
        {name: given(1, ir.DataType.BOOL) for name in flags},
        keep,
    )
    _name(body, prefix)
    along = [projected, *flags.values()]
    direction = int(reverse)
    results = emit.several(
        "Scan",
        *state,
        *along,
        count=len(body.outputs),
        body=body,
        num_scan_inputs=len(along),
        scan_input_directions=[direction] * len(along),
        scan_output_directions=[direction] * (1 + len(keep)),
    )
    n = len(state)
    return [results[n], *results[:n], *results[n + 1 :]]


def _name(body: ir.Graph, prefix: str) -> None:
    """Gives all values of a body names that no other graph of the model has."""
    for index, value in enumerate([*body.inputs, *(output for node in body for output in node.outputs)]):
        value.name = f"{prefix}.{index}"


def _real(emit: Emitter, x: ir.Value, lengths: ir.Value) -> ir.Value:
    """Writes which steps lie within their sequences, ``[T, B, 1]``."""
    T = emit("Squeeze", emit("Shape", x, start=0, end=1))
    zero, one = (emit("Squeeze", emit.integers(value)) for value in (0, 1))
    steps = emit("Unsqueeze", emit("Range", zero, T, one), emit.integers(1, 2))
    return emit("Less", steps, emit("Unsqueeze", emit("Cast", lengths, to=ir.DataType.INT64), emit.integers(1)))


def _clear(emit: Emitter, resets: ir.Value, real: ir.Value | None, *, reverse: bool) -> ir.Value:
    """Writes before which steps, in the order of running, the states are cleared, ``[T, B, 1]``."""
    clear = emit("Unsqueeze", resets, emit.integers(2))
    if real is not None:
        clear = emit("And", clear, real)
    if not reverse:
        return clear
    zero, one, end = emit.integers(0), emit.integers(1), emit.integers(2**31)
    first, others = emit("Slice", clear, zero, one, zero), emit("Slice", clear, one, end, zero)
    return emit.concat([others, emit("Xor", first, first)], axis=0)


def _transposed(emit: Emitter, weight: ir.Value) -> ir.Value:
    return emit("Transpose", weight, perm=[1, 0])


def _normalised(emit: Emitter, value: ir.Value, weight: ir.Value, bias: ir.Value | None) -> ir.Value:
    return emit("LayerNormalization", value, weight, *([] if bias is None else [bias]), axis=-1, epsilon=_EPSILON)


def _finished(
    emit: Emitter, layer: Layer, weights: Values, part: str, z: ir.Value, rows: Sequence[str] | None = None
) -> ir.Value:
    """Writes the input's part (``ih``) or the recurrent (``hh``) of all or some rows, normalised if asked, plus its
    bias.
    """
    own = {
        name: _of_rows(emit, layer, weights[name], rows) for name in (f"bias_{part}", f"norm_{part}") if name in weights
    }
    bias = own.get(f"bias_{part}")
    if layer.layer_norm:
        return _normalised(emit, z, own[f"norm_{part}"], bias)
    return z if bias is None else emit("Add", z, bias)


def _of_rows(emit: Emitter, layer: Layer, value: ir.Value, rows: Sequence[str] | None) -> ir.Value:
    """Writes of what all gates and candidates have that of some of them, which is all for None."""
    if rows is None or len(rows) == len(layer.cell.rows):
        return value
    parts = dict(zip(layer.cell.rows, emit.rows(value, layer.row_sizes), strict=True))
    return emit.concat([parts[row] for row in rows], axis=0)


def _input_part(emit: Emitter, layer: Layer, weights: Values, x: ir.Value) -> ir.Value:
    z = emit("MatMul", x, _transposed(emit, weights["weight_ih"]))
    return _finished(emit, layer, weights, "ih", z)


Product = Callable[[Emitter, ir.Value], ir.Value]
"""Writes the product of a weight, which was prepared outside of the steps, with a value of one step."""


def _product(emit: Emitter, weight: ir.Value) -> Product:
    prepared = _transposed(emit, weight)
    return lambda body, value: body("MatMul", value, prepared)


def _recurrent_product(emit: Emitter, layer: Layer, weight: ir.Value, rows: Sequence[str]) -> Product:
    """Prepares the product of h, or of a value in its place, with the recurrent weights of some rows."""
    weight = _of_rows(emit, layer, weight, rows)
    row_sizes = [dict(zip(layer.cell.rows, layer.row_sizes, strict=True))[row] for row in rows]
    if layer.diagonal:
        return lambda body, h: body("Mul", body.concat([h] * len(rows), axis=-1), weight)
    if layer.heads == 1:
        return _product(emit, weight)
    # Of each gate and candidate, head k's rows see head k's part of h.
    heads, seen = layer.heads, layer.output_size // layer.heads
    sizes = [size // heads for size in row_sizes]
    parts = [
        emit("Reshape", rows, emit.integers(heads, size, seen))
        for rows, size in zip(emit.rows(weight, row_sizes), sizes, strict=True)
    ]
    prepared = emit("Transpose", emit.concat(parts, axis=1), perm=[0, 2, 1])  # [heads, output / heads, rows / heads]

    def per_head(body: Emitter, h: ir.Value) -> ir.Value:
        one = body("Reshape", h, body.integers(-1, heads, 1, seen))
        products = body.split(body("MatMul", one, prepared), sizes)  # [B, heads, 1, size / heads] each
        return body.concat(
            [body("Reshape", z, body.integers(-1, heads * n)) for z, n in zip(products, sizes, strict=True)], axis=-1
        )

    return per_head


def _gate_product(emit: Emitter, layer: Layer, weight: ir.Value, rows: Sequence[str]) -> Product:
    """Prepares the product of some rows for the gates of the step before; if gates alone see them, candidates get
    zeros instead.
    """
    if layer.gate_recurrence == "gates":
        sent = iter(emit.rows(weight, [layer.blocks] * len(layer.fed_back)))
        count = layer.blocks * len(layer.fed_back)
        nothing = emit("Expand", emit.number(0.0), emit.integers(layer.hidden_size, count))
        weight = emit.concat([next(sent) if row in layer.fed_back else nothing for row in layer.cell.rows], axis=0)
    return _product(emit, _of_rows(emit, layer, weight, rows))


class _Step:
    """One step of a layer, as the body of a Scan. Weights are prepared in the graph around it."""

    def __init__(self, emit: Emitter, layer: Layer, weights: Values, zoneout: tuple[float, float]) -> None:
        self.layer, self.weights, self.zoneout = layer, weights, zoneout
        self.emit = Emitter(emit.dtype)
        cell = layer.cell
        self._rows = [row for row in cell.rows if row not in cell.gated] if cell.recurrent else []
        groups = [tuple(rows) for rows in (self._rows, *([row] for row in cell.gated)) if rows]
        self._products = {rows: _recurrent_product(emit, layer, weights["weight_hh"], rows) for rows in groups}
        self._gates = {}
        if layer.fed_back:
            self._gates = {rows: _gate_product(emit, layer, weights["weight_gh"], rows) for rows in groups}
        self._projection = _product(emit, weights["weight_hr"]) if layer.proj_size else None
        peepholes = layer.cell.peepholes
        self._peepholes: Values = {}
        if peepholes:
            each = emit.rows(weights["weight_peephole"], [1] * len(peepholes))
            self._peepholes = dict(zip(peepholes, each, strict=True))

    def graph(self, state: list[ir.Value], projected: ir.Value, flags: Values, keep: Sequence[str]) -> ir.Graph:
        """Writes the body.

        It goes from states, the input's part ``[B, rows]`` and flags ``[B, 1]`` to new states, the output, and the
        values named in ``keep``.
        """
        emit, zero = self.emit, self.emit.number(0.0)
        old = state
        if "clear" in flags:
            old = [emit("Where", flags["clear"], zero, value) for value in state]
        new, seen = self._advance(projected, old, keep)
        steps = [new[0], *seen]
        if "real" in flags:
            real = flags["real"]
            new = [emit("Where", real, value, before) for value, before in zip(new, old, strict=True)]
            steps = [emit("Where", real, value, zero) for value in steps]
        # A result of a graph is no argument of it, and no other result.
        results: list[ir.Value] = []
        for value in (*new, *steps):
            results.append(emit("Identity", value) if value in results or value.producer() is None else value)
        return ir.Graph([*state, projected, *flags.values()], results, nodes=emit.nodes, name="step")

    def _advance(
        self, projected: ir.Value, old: list[ir.Value], keep: Sequence[str]
    ) -> tuple[list[ir.Value], list[ir.Value]]:
        """Writes the equations; returns the new states, and the values of those named in ``keep``."""
        layer, emit, cell = self.layer, self.emit, self.layer.cell
        n = 1 + len(cell.states)
        self._fed = old[n:]
        leaves = self._pre_activations(projected, old[0])
        like = next(iter(leaves.values()))
        leaves |= {("s", name): value for name, value in zip(("h", *cell.states), old, strict=False)}
        program = trace(cell, exits=True, peephole=lambda gate, value: Node("peephole", (value,), gate))
        computed = {**program.gates, **program.states}
        names = [name for name in dict.fromkeys((*layer.state_names, *keep)) if name != "h"]
        roots = [program.h, *(computed[name] for name in names)]
        h, *others = lower(emit, roots, leaves, self._elsewhere(), like)
        values = dict(zip(names, others, strict=True))
        if self._projection is not None:
            h = self._projection(emit, h)
        values["h"] = self._zone(self.zoneout[0], old[0], h)
        for name, before in zip(cell.states, old[1:n], strict=True):
            values[name] = self._zone(self.zoneout[1], before, values[name])
        if layer.block_size > 1:
            once = emit.integers(*range(0, layer.hidden_size, layer.block_size))
            values |= {gate: emit("Gather", values[gate], once, axis=-1) for gate in layer.fed_back}
        return [values[name] for name in layer.state_names], [values[name] for name in keep]

    def _elsewhere(self) -> dict[str, Callable[[str, ir.Value], ir.Value]]:
        """Returns what writes the operations that are the layer's and not the cell's."""
        return {"exit": self._exit, "peephole": self._peephole, "gated": self._gated}

    def _pre_activations(self, projected: ir.Value, h: ir.Value) -> dict[tuple[str, str], ir.Value]:
        emit, cell = self.emit, self.layer.cell
        if not cell.recurrent:
            return {("z", row): z for row, z in self._spread(projected, cell.rows).items()}
        z = self._from(h, self._rows) if self._rows else None
        if not cell.parted:
            return {("z", row): part for row, part in self._spread(emit("Add", projected, z), cell.rows).items()}
        inputs, recurrent = self._spread(projected, cell.rows), {} if z is None else self._spread(z, self._rows)
        parts = {("z", row): emit("Add", inputs[row], recurrent[row]) for row in cell.rows if row not in cell.parted}
        parts |= {("z.input", row): inputs[row] for row in cell.parted}
        return parts | {("z.recurrent", row): recurrent[row] for row in cell.split}

    def _from(self, value: ir.Value, rows: Sequence[str]) -> ir.Value:
        """Writes the recurrent part of some rows, made of h or of a value in its place, ``[B, rows]``."""
        emit, own = self.emit, tuple(rows)
        z = self._products[own](emit, value)
        if self._gates:
            z = emit("Add", z, self._gates[own](emit, emit.concat(self._fed, axis=-1)))
        return _finished(emit, self.layer, self.weights, "hh", z, rows)

    def _gated(self, row: str, value: ir.Value) -> ir.Value:
        return self._spread(self._from(value, (row,)), (row,))[row]

    def _spread(self, z: ir.Value, rows: Sequence[str]) -> dict[str, ir.Value]:
        """Returns rows ``[B, H]`` by name: a gate's is repeated for the cells of its block."""
        layer = self.layer
        sizes = dict(zip(layer.cell.rows, layer.row_sizes, strict=True))
        parts = dict(zip(rows, self.emit.split(z, [sizes[row] for row in rows]), strict=True))
        return {row: self._repeated(part) if row in layer.cell.gates else part for row, part in parts.items()}

    def _repeated(self, value: ir.Value) -> ir.Value:
        """Spreads one value for each block to one for each cell."""
        layer = self.layer
        if layer.block_size == 1:
            return value
        return self.emit(
            "Gather", value, self.emit.integers(*(k // layer.block_size for k in range(layer.hidden_size))), axis=-1
        )

    def _peephole(self, gate: str, value: ir.Value) -> ir.Value:
        layer, emit = self.layer, self.emit
        seen = emit("Mul", self._peepholes[gate], value)
        if layer.block_size == 1:
            return seen
        blocks = emit("Reshape", seen, emit.integers(-1, layer.blocks, layer.block_size))
        return self._repeated(emit("ReduceSum", blocks, emit.integers(2), keepdims=0))

    def _exit(self, state: str, value: ir.Value) -> ir.Value:
        if not self.layer.layer_norm:
            return value
        return _normalised(self.emit, value, self.weights[f"norm_{state}"], self.weights.get(f"norm_bias_{state}"))

    def _zone(self, share: float, old: ir.Value, new: ir.Value) -> ir.Value:
        if not share:
            return new
        emit = self.emit
        return emit("Add", emit("Mul", emit.number(share), old), emit("Mul", emit.number(1 - share), new))
