"""One backward pass on the kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from carrousel.engine._backend import Grads
from carrousel.engine._layer import Layer, Masks, Weights
from carrousel.engine._memory import CPU, in_memory
from carrousel.engine._plan import FROM_H, FROM_X
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._adjoints import Adjoints, Asked
from carrousel.engine.cpu._buffers import poisoned
from carrousel.engine.cpu._counts import Frame
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._held import Kept
from carrousel.engine.cpu._kernels import Kernels, kernels_for
from carrousel.engine.cpu._meeting import Meeting
from carrousel.engine.cpu._program import Place, Program
from carrousel.engine.cpu._writer import Batch, Buffer, forms_of
from carrousel.engine.cpu.llvm import _parallel

__all__ = ["backward"]


def backward(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: list[Tensor],
    rows: Rows,
    kept: Kept,
    d_output: Tensor | None,
    d_steps: list[Tensor | None],
    d_final: list[Tensor | None],
    *,
    reverse: bool,
    wanted: set[str],
    masks: Masks,
    steps: Sequence[str],
) -> Grads:
    """Computes the :class:`Grads` that are wanted. See ``Backward``."""
    in_memory((x, *state, *weights.values()))  # what was there going forward may be gone
    kernels = kernels_for(layer, x.dtype, extras_of(layer, masks, steps), rows)
    by_step = {name: d for name, d in zip(steps, d_steps, strict=True) if d is not None}
    asked = Asked(frozenset(wanted), d_output is not None, frozenset(by_step), tuple(d is not None for d in d_final))
    forms, sizes = forms_of(masks), rows.sizes
    frame = Frame.of(sizes)
    key = ("backward", frame, reverse, asked, forms, _parallel.threads(), poisoned())
    write = partial(_write, kernels, frame, forms, asked, reverse=reverse)
    batch = Batch(x, state, weights, rows, masks, kept.buffers, d_output, by_step, d_final)
    made = kernels.program(key, write).run(batch, sizes.total, sizes.steps)
    if kernels.variant.by_units:
        Meeting.end(made["barrier"], sizes.steps)
    return _results(kernels, made, wanted)


def _results(kernels: Kernels, made: dict[str, Tensor], wanted: set[str]) -> Grads:
    """Returns the derivatives as the layer has its weights."""
    layer, places = kernels.layer, kernels.places
    states: list[Tensor] = []
    if "state" in wanted:
        states = [made[f"by state {k}"] for k in range(1 + len(layer.cell.states))]
        states += [places.of_sent(made["by sent"], gate).contiguous() for gate in layer.fed_back]
    found = {name: places.of_name(name, made[name]) for name in layer.shapes() if name in made}
    if "weight_gh" in wanted:
        found["weight_gh"] = places.of_gate_weight(
            [(made[f"by gates {name}"], rows) for name, rows in kernels.variant.hearers]
        )
    return Grads(made.get("x"), states, found)


def _write(kernels: Kernels, frame: Frame, forms: tuple[bool, ...], asked: Asked, *, reverse: bool) -> Program:
    return _Backward(kernels, frame, forms, asked, reverse=reverse).write()


class _Backward(Adjoints):
    """Writes a backward pass."""

    def write(self) -> Program:
        """Writes it all; returns the :class:`Program`."""
        words = self.words()
        code, arguments = self.kernels.backward_code, self.kernels.backward_arguments
        self.program.call(code, "backward", arguments, **words)
        wanted = self.asked.wanted
        if "x" in wanted:
            self._by_x()
        if "state" in wanted or ("weight_hh" in wanted and self.own is not None):
            # On from each sequence's first step, the first that it ran, to the initial states.
            self.program.call(code, "to_start", arguments, **{**words, **self._at_start()})
        if "state" in wanted:
            self._by_state()
        self._by_products()
        self._by_vectors()
        return self.program.seal()

    @property
    def _by_wx(self) -> tuple[Place, int, int]:
        """The adjoints of the products W x: their rows, the distance of these, and their columns. Normalised, they are
        not those of the pre-activations.
        """
        size = self.plan.inputs * self.width
        if self.layer.layer_norm:
            return self.kept[f"norm {FROM_X}"].rows, size, size
        return self.kept["G"].rows, self.ldg, size

    @property
    def _by_rh(self) -> tuple[Place, int, int]:
        """The adjoints of the products R h."""
        size = self.recurrent_size
        if self.layer.layer_norm:
            return self.kept[f"norm {FROM_H}"].rows, size, size
        return self.kept["G"].rows.after(self.plan.shared * self.width), self.ldg, size

    def _at_start(self) -> dict[str, Place | int]:
        """Returns the words that are others for the way from the first steps to the initial states."""
        running, variant = self.frame.running, self.variant
        offsets = torch.tensor([0, running], dtype=torch.int64, device=CPU)
        words: dict[str, Place | int] = {
            "offsets": self.program.constant(offsets), "T": 1, "threads": 1, "H": self.initial,
            "G": self._of_first(self.kept["G"].rows, self.ldg),
        }  # fmt: skip
        if self.layer.layer_norm and variant.recurs:
            rows, ld, _ = self._by_rh
            words[f"E_{FROM_H}"] = self._of_first(rows, ld)
        for row in variant.gated_listening:
            words[f"D_{row}"] = self._of_first(self.d_gated[row], self.width)
        if self.own is not None:
            words["R"] = self._source0()
        return words

    def _of_first(self, rows: Place, ld: int) -> Place:
        """Returns the rows of each sequence's first step, of those that have any."""
        if not self.reverse:
            return rows
        if self.frame.uniform:
            return rows.after((self.N - self.B) * ld)
        index = self.program.given("starts", lambda batch: batch.rows.last_rows, 8)
        room = self.program.room(self.frame.running * ld)
        self.pick(rows, ld, index, room, ld, self.frame.running, ld, ld)
        return room

    def _source0(self) -> Place:
        """Returns what the recurrent weights are multiplied with first."""
        if not self.variant.variational:
            return self.initial
        return self.source.initial or self.padded(self.weighed(), self.B, self.layer.output_size, self.ldh)

    def _before(self, buffer: Buffer, initial: Place) -> Place:
        """Returns for every row what stood in a buffer at the step before."""
        if buffer.before is not None:
            return buffer.before
        reverse = self.reverse
        index = self.program.given("before", lambda batch: batch.rows.before(reverse=reverse), 8)
        room, size = self.program.room(self.N * buffer.size), buffer.size
        self.pick(buffer.rows, size, index, room, size, self.N, size, size, initial, size)
        return room

    def _by_x(self) -> None:
        """Writes the derivative by the input."""
        I, ldx = self.layer.input_size, self.kernels.ldx
        panels = self.panels("weight_ih", self.places.into, self.layer.hidden_size, I)
        rows, ld, size = self._by_wx
        whole = self.program.result("x", self.N, I) if ldx == I else self.program.room(self.N * ldx)
        self.bulk(rows, ld, panels, whole, ldx, M=self.N, N=ldx, K=size)
        if ldx != I:
            self.cut(whole, ldx, self.N, I, "x")

    def _by_state(self) -> None:
        """Writes the derivatives by the initial states. A sequence of no steps hands its final state's adjoint on."""
        self.cut(self.d_out, self.ldh if self.projected else self.width, self.B, self.layer.output_size, "by state 0")
        for k, place in enumerate(self.d_states, 1):
            self.cut(place, self.width, self.B, self.layer.hidden_size, f"by state {k}")

    def _by_products(self) -> None:
        """Writes the derivatives by the matrices that are multiplied with x, h and gates."""
        layer, kernels, places, wanted, N = self.layer, self.kernels, self.places, self.asked.wanted, self.N
        pending: list[tuple[Place, int, int, list[_Product]]] = []
        if "weight_ih" in wanted:
            I = layer.input_size
            xs = self.padded(self.x, N, I, kernels.ldx)
            pending.append((*self._by_wx, [_Product(xs, kernels.ldx, I, "weight_ih", places.into.tolist())]))
        if "weight_hh" in wanted and not layer.diagonal:
            columns = layer.output_size // layer.heads if places.apart else layer.output_size
            for a, size, b, ldb, starts in self._factors():
                product = _Product(b, ldb, columns, "weight_hh", starts)
                if places.apart:
                    self._outer_of_heads(*a, size, product)
                elif pending and pending[-1][:3] == (*a, size):
                    pending[-1][3].append(product)  # in one pass over the adjoints
                else:
                    pending.append((*a, size, [product]))
        for rows, ld, size, products in pending:
            outs = [self._target(product, size) for product in products]
            self.outer(rows, ld, N, size, *((p.b, p.ldb, p.ldb, out) for p, out in zip(products, outs, strict=True)))
            for product, out in zip(products, outs, strict=True):
                self._from_slots(product, out)
        if "weight_hr" in wanted:
            self._by_projection()
        if "weight_gh" in wanted:
            self._by_gates()

    def _factors(self) -> Iterator[tuple[tuple[Place, int], int, Place, int, list[int]]]:
        """Yields the adjoints of all recurrent products, the distance of their rows and their columns; what the weights
        were multiplied with; and the first of the weights' rows for each slot.
        """
        if self.variant.recurs:
            rows, ld, size = self._by_rh
            yield (rows, ld), size, self._before(self.source, self._source0()), self.ldh, self.places.recurrent.tolist()
        for row, start in self.places.gated.items():
            yield (
                (self.d_gated[row], self.width),
                self.width,
                self.kept[f"value {row}"].rows,
                self.width,
                start.tolist(),
            )

    def _weight_result(self, product: _Product) -> Place:
        """Returns the derivative by a weight that has a row for each unit."""
        rows = self.places.into if product.name == "weight_ih" else self.places.in_recurrence
        return self.program.result(product.name, len(rows) * self.layer.hidden_size, product.columns)

    def _target(self, product: _Product, size: int) -> Place:
        """Returns where a product is put: into the result itself, if slots stand in it as they do here."""
        if self._stands(product):
            return self._weight_result(product).after(product.starts[0] * product.columns)
        return self.program.room(size * product.ldb)

    def _stands(self, product: _Product) -> bool:
        H, starts = self.layer.hidden_size, product.starts
        return (
            self.width == H
            and product.ldb == product.columns
            and starts == [*range(starts[0], starts[0] + len(starts) * H, H)]
        )

    def _from_slots(self, product: _Product, slots: Place) -> None:
        """Copies slots, rows in whole vectors, to the units' rows of a weight."""
        if self._stands(product):
            return
        H, columns, ld = self.layer.hidden_size, product.columns, product.ldb
        result = self._weight_result(product)
        for k, start in enumerate(product.starts):
            source = slots.after(k * self.width * ld)
            self.rows(source, ld, result.after(start * columns), columns, H, columns, columns)

    def _outer_of_heads(self, a: Place, lda: int, size: int, product: _Product) -> None:
        """A^T B of each slot and head, ``[slots · H, output / heads]``."""
        heads, columns = self.layer.heads, product.columns
        tall = self.layer.hidden_size // heads
        result = self._weight_result(product)
        for k in range(size // tall):
            slot, head = divmod(k, heads)
            target = result.after((product.starts[slot] + head * tall) * columns)
            self.outer(
                a.after(k * tall), lda, self.N, tall,
                (product.b.after(head * columns), product.ldb, columns, target),
            )  # fmt: skip

    def _by_projection(self) -> None:
        layer, ldh, width = self.layer, self.ldh, self.width
        whole = self.program.room(ldh * width)
        assert isinstance(self.dy, Place), "a projection has adjoints of its own"
        self.outer(self.dy, ldh, self.N, ldh, (self.kept["out"].rows, width, width, whole))
        self.cut(whole, width, layer.proj_size, layer.hidden_size, "weight_hr")

    def _by_gates(self) -> None:
        """Writes the derivatives by the weights of what gates send, for each that hears them."""
        size, shared = self.kernels.kept["sent"][0], self.plan.shared
        sent = self._before(self.kept["sent"], self.sent0)
        heard: list[tuple[Place, int, int]] = []
        for low, high in self.variant.listening:
            rows, ld, _ = self._by_rh
            heard.append((rows.after((low - shared) * self.width), ld, (high - low) * self.width))
        heard += [(self.d_gated[row], self.width, self.width) for row in self.variant.gated_listening]
        for (rows, ld, columns), (name, _) in zip(heard, self.variant.hearers, strict=True):
            result = self.program.result(f"by gates {name}", columns, size)
            self.outer(rows, ld, self.N, columns, (sent, size, size, result))

    def _by_vectors(self) -> None:
        """Writes the derivatives by biases, peepholes, gains, a diagonal recurrence: sums over the sequences."""
        layer, variant, plan, places, wanted = self.layer, self.variant, self.plan, self.places, self.asked.wanted
        H, width, B, n = layer.hidden_size, self.width, self.B, len(layer.cell.peepholes)
        into, recurrent = places.into.tolist(), places.recurrent.tolist()

        def of_slots(name: str, starts: list[int], source: Place, ld: int, first: int = 0) -> None:
            result = self._vector(name)
            for k, start in enumerate(starts, first):
                self.sum(source.after(k * width), ld, B, H, result.after(start))

        if "bias_ih" in wanted:
            of_slots("bias_ih", into, self.d_bias, self.ldg)
        if "bias_hh" in wanted and variant.pointwise:
            self._by_own_bias()
        elif "bias_hh" in wanted:
            if variant.recurs:
                of_slots("bias_hh", recurrent, self.d_bias, self.ldg, plan.shared)
            for row, start in places.gated.items():
                source, count = (self.d_norms[row][1], B) if variant.normed else (self.d_gated[row], self.N)
                self.sum(source, width, count, H, self._vector("bias_hh").after(int(start)))
        ld = self.vector_count * width
        if "weight_peephole" in wanted:
            result = self.program.result("weight_peephole", n, H)
            for k in range(n):
                self.sum(self.d_vectors.after(k * width), ld, B, H, result.after(k * H))
        if "weight_hh" in wanted and variant.pointwise:
            of_slots("weight_hh", [k * H for k in range(len(layer.cell.rows))], self.d_vectors.after(n * width), ld)
        elif "weight_hh" in wanted and layer.diagonal:
            if variant.recurs:
                of_slots("weight_hh", recurrent, self.d_own, self.recurrent_size)
            for row, start in places.gated.items():
                target, values = self._vector("weight_hh").after(int(start)), self.kept[f"value {row}"].rows
                self.sum(self.d_gated[row], width, self.N, H, target, values)
        for name, (by_gain, by_shift) in self.d_norms.items():
            size = self.kernels.norm_size(name)
            if name == FROM_X:
                of_slots("norm_ih", into, by_gain, size)
            elif name == FROM_H or name in places.gated:
                of_slots("norm_hh", recurrent if name == FROM_H else places.gated[name].tolist(), by_gain, size)
            else:
                self.sum(by_gain, size, B, H, self.program.result(f"norm_{name}", H))
                self.sum(by_shift, size, B, H, self.program.result(f"norm_bias_{name}", H))

    def _by_own_bias(self) -> None:
        """Writes the derivative by the recurrent bias where the recurrence is part of the equations."""
        layer, width, H = self.layer, self.width, self.layer.hidden_size
        cell, result = layer.cell, self._vector("bias_hh")
        first = len(cell.peepholes) + len(cell.rows)
        for k, row in enumerate(cell.parted, first):
            target = result.after(cell.rows.index(row) * H)
            self.sum(self.d_vectors.after(k * width), self.vector_count * width, self.B, H, target)
        for slot, start in enumerate(self.places.into.tolist()):
            if cell.rows[start // H] not in cell.parted:
                self.sum(self.d_bias.after(slot * width), self.ldg, self.B, H, result.after(start))

    def _vector(self, name: str) -> Place:
        """Returns the derivative by a weight that has a number for each row."""
        return self.program.result(name, len(self.layer.cell.rows) * self.layer.hidden_size)


class _Product(NamedTuple):
    """A product that makes a part of a weight's derivative.

    Attributes:
        b: what the weight was multiplied with.
        ldb: the size of its rows, whole vectors.
        columns: those of the weight.
        name: the weight's.
        starts: for each slot the first of the weight's rows.
    """

    b: Place
    ldb: int
    columns: int
    name: str
    starts: list[int]
