"""One forward pass on the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from carrousel.engine._layer import Layer, Masks, Weights
from carrousel.engine._plan import FROM_X
from carrousel.engine._rows import Rows, Sizes
from carrousel.engine.cpu._buffers import handed_out, poisoned
from carrousel.engine.cpu._counts import Count, Frame
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._held import Kept
from carrousel.engine.cpu._kernels import Kernels, kernels_for
from carrousel.engine.cpu._meeting import Meeting
from carrousel.engine.cpu._pointwise import SENT
from carrousel.engine.cpu._program import Place, Program
from carrousel.engine.cpu._writer import Batch, Buffer, Writer, forms_of
from carrousel.engine.cpu.llvm import _parallel

__all__ = ["forward"]

_FEW = 6
"""With fewer sequences a thread the input's part is computed for all steps at once, for then its weights are read
once and not at every step."""


def forward(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: list[Tensor],
    rows: Rows,
    *,
    reverse: bool,
    keep: bool,
    masks: Masks,
    steps: Sequence[str],
    into: Kept | None = None,
) -> tuple[list[Tensor], Kept]:
    """Computes outputs, final states, and every step's values of ``steps``; and the :class:`Kept`. See ``Forward``."""
    kernels = kernels_for(layer, x.dtype, extras_of(layer, masks, steps), rows)
    keep, forms, sizes = keep or bool(steps), forms_of(masks), rows.sizes
    frame = Frame.of(sizes)
    key = ("forward", frame, reverse, keep, into is not None, forms, _parallel.threads(), poisoned())
    write = partial(_write, kernels, frame, forms, reverse=reverse, keep=keep, given=into is not None)
    batch = Batch(x, state, weights, rows, masks, {} if into is None else into.buffers)
    made = kernels.program(key, write).run(batch, sizes.total, sizes.steps)
    if kernels.variant.by_units:
        Meeting.end(made["barrier"], sizes.steps)
    kept = Kept({name: made[name] for name in kernels.kept} if keep else {}) if into is None else into
    return _results(kernels, made, kept, sizes, steps, reverse=reverse), kept


def _results(
    kernels: Kernels, made: dict[str, Tensor], kept: Kept, sizes: Sizes, steps: Sequence[str], *, reverse: bool
) -> list[Tensor]:
    """Returns outputs, final states and every step's values as they are handed out."""
    layer, places = kernels.layer, kernels.places

    def rows_of(name: str, size: int) -> Tensor:
        buffer = kept.buffers[name]
        begin = sizes.sequences if sizes.uniform and not reverse and kernels.kept[name][1] else 0
        return handed_out(buffer[begin : begin + sizes.total], size)

    def every(name: str) -> Tensor:
        if name in layer.fed_back:
            return places.of_sent(rows_of("sent", kernels.kept["sent"][0]), name).contiguous()
        own = (*layer.cell.states, *kernels.variant.told)
        return rows_of(f"state {own.index(name)}", layer.hidden_size)

    output = rows_of("H", layer.output_size) if kept.buffers else made["output"]
    final = [made[f"final {k}"] for k in range(1 + len(layer.cell.states))]
    final += [places.of_sent(made["final sent"], gate).contiguous() for gate in layer.fed_back]
    return [output, *final, *map(every, steps)]


def _write(
    kernels: Kernels, frame: Frame, forms: tuple[bool, ...], *, reverse: bool, keep: bool, given: bool
) -> Program:
    return _Forward(kernels, frame, forms, reverse=reverse, keep=keep, given=given).write()


class _Forward(Writer):
    """Writes a forward pass. ``keep`` says whether a backward pass, or somebody who wants all states, will follow;
    ``given``, whether there are buffers for what is kept.
    """

    def __init__(
        self, kernels: Kernels, frame: Frame, forms: tuple[bool, ...], *, reverse: bool, keep: bool, given: bool
    ) -> None:
        super().__init__(kernels, frame, forms, reverse=reverse)
        layer, variant = self.layer, self.variant
        threads = self.workers(self.N * self.ldg * (layer.input_size + layer.output_size))
        self.threads = threads if variant.by_units else min(threads, self.B)
        self.fused = _FEW * self.threads <= self.B
        # Ahead of the recursion the input's part has a place only in what is kept.
        self.every = keep or not self.fused or variant.needs_old
        self.buffers = {name: self._buffer(name, keep=keep, given=given) for name in kernels.kept}
        self._keep = keep

    def _buffer(self, name: str, *, keep: bool, given: bool) -> Buffer:
        (size, more), deep = self.kernels.kept[name], keep and self.frame.uniform
        if given:
            base = self.program.given(("kept", name), lambda batch: batch.kept[name])
        elif keep:
            base = self.program.result(name, self.N + (self.B if more and deep else 0), size)
        elif name == "H":
            whole = self.ldh == self.layer.output_size
            base = self.program.result("output", self.N, size) if whole else self.program.room(self.N * size)
        else:
            base = self.program.room((self.N if self.every else self.B) * size)
        return self.buffer(name, base, deep=deep)

    def _begun(self, buffer: Buffer, initial: Place, size: int) -> Place:
        """Returns the place of initial values in whole vectors; in the buffer, if they have one there."""
        if buffer.initial is None:
            return self.padded(initial, self.B, size, buffer.size)
        self.rows(initial, size, buffer.initial, buffer.size, self.B, size, buffer.size)
        return buffer.initial

    def write(self) -> Program:
        """Writes it all; returns the :class:`Program`."""
        layer, variant, kernels, own = self.layer, self.variant, self.kernels, self.buffers
        I, output, G = layer.input_size, own["H"], own["G"]
        bias, panels = self.bias(), self._panels()
        wx = panels["WX"]
        nothing: Place | int = wx  # what a kernel does not read
        columns = self.plan.inputs * self.width
        if not self.fused and layer.layer_norm:
            self.bulk(self.x, I, wx, own[f"norm {FROM_X}"].rows, columns, M=self.N, N=columns, K=I)
        elif not self.fused:
            self.bulk(self.x, I, wx, G.rows, self.ldg, M=self.N, N=columns, K=I, start=bias)
        diagonal = self.diagonal()
        words: dict[str, Place | Count | int] = {
            "threads": self.threads, "offsets": self.offsets, "T": self.T, "reverse": self.reverse,
            "G": G.rows, "H": output.rows, "H0": self._begun(output, self.state(0), layer.output_size),
            "P": self.vectors(), "X": self.x, "KX": I if self.fused else 0, "WX": wx,
            "WH": panels.get("WH", nothing) if diagonal is None else diagonal, "WR": panels.get("WR", nothing),
            "WP": panels.get("WP", nothing), "bias": bias, "keep": self.every,
            "out": own["out"].rows if layer.proj_size else output.rows,
        }  # fmt: skip
        if variant.variational:
            words |= {"R": own["R"].rows, "R0": self._begun(own["R"], self.weighed(), layer.output_size)}
        for k, name in enumerate(layer.cell.states):
            words[f"S_{name}"] = own[f"state {k}"].rows
            words[f"S0_{name}"] = self.padded(self.state(1 + k), self.B, layer.hidden_size, self.width)
        for k, name in enumerate(variant.told, len(layer.cell.states)):
            words[f"S_{name}"] = own[f"state {k}"].rows
        if variant.sent:
            words[f"S_{SENT}"] = own["sent"].rows
            words[f"S0_{SENT}"] = self._begun(own["sent"], self.sent(), own["sent"].size)
        words |= self._of_gated(panels) | self._of_gates() | self.noise()
        for name in variant.norms:
            words |= {f"E_{name}": own[f"norm {name}"].rows, f"scale_{name}": own[f"scale {name}"].rows}
            words |= self.norm_words(name)
        words |= {f"E_{name}": own[f"cut {name}"].rows for name in variant.bare_cuts}
        if variant.by_units:
            words["barrier"] = Meeting.place(self.program)
        self.program.call(kernels.forward_code(keep=self._keep), "forward", kernels.forward_arguments, **words)
        self._final()
        if not self._keep and self.ldh != layer.output_size:
            self.cut(output.rows, self.ldh, self.N, layer.output_size, "output")
        return self.program.seal()

    def _of_gated(self, panels: dict[str, Place]) -> dict[str, Place | int]:
        """Returns the words of gated rows."""
        words: dict[str, Place | int] = {}
        if not self.variant.gated:
            return words
        biases = self.gated_vectors("bias_hh")
        weights = self.gated_vectors("weight_hh") if self.layer.diagonal else panels
        for row in self.variant.gated:
            weight = weights[row if self.layer.diagonal else f"WG_{row}"]
            words |= {f"WG_{row}": weight, f"bias_{row}": biases[row], f"V_{row}": self.buffers[f"value {row}"].rows}
        return words

    def _of_gates(self) -> dict[str, Place | int]:
        """Returns the words of what gates send."""
        words: dict[str, Place | int] = {}
        if not self.layer.fed_back:
            return words
        columns = len(self.layer.fed_back) * self.width
        for name, weight, starts in self.gate_weights():
            words[f"WF_{name}"] = panels = self.program.room(len(starts) * self.width * columns)
            self.pack("pack_rows", weight, columns, starts, self.layer.hidden_size, panels)
        slots = max(len(self.plan.slots) - self.plan.shared, 1)
        return words | {"heard": self.program.room(self.B * slots * self.width)}

    def _panels(self) -> dict[str, Place]:
        """Returns panels of the W^T of all that the pass multiplies with: of W_ih, of W_hh, of the rows of W_hh that
        only the recurrence feeds, of the gated rows, and of W_hr, where there are such.
        """
        layer, places = self.layer, self.places
        named = [("WX", "weight_ih", places.into, layer.hidden_size, layer.input_size)]
        columns = layer.output_size // layer.heads if places.apart else layer.output_size
        if self.variant.recurs and not layer.diagonal:
            # Normalised in one piece, the recurrent part is computed in one piece; else apart from what only it feeds.
            together = places.recurrent if layer.layer_norm else places.both
            named.append(("WH", "weight_hh", together, layer.hidden_size, columns))
            if layer.cell.split and not layer.layer_norm:
                named.append(("WR", "weight_hh", places.only, layer.hidden_size, columns))
        if not layer.diagonal:
            named += [(f"WG_{r}", "weight_hh", rows, layer.hidden_size, columns) for r, rows in places.gated.items()]
        if layer.proj_size:
            named.append(("WP", "weight_hr", places.first, layer.proj_size, layer.hidden_size))
        panels = {}
        for word, name, rows, size, columns in named:
            panels[word] = place = self.program.room(len(rows) * self.kernels.whole(size) * columns)
            if name == "weight_hh" and places.apart:
                self.pack_heads("pack_rows", self.weight(name), columns, rows, place)
            elif name == "weight_hh" and self.variant.by_units:
                self.pack_apart("pack_rows", self.weight(name), columns, rows, size, place)
            else:
                self.pack("pack_rows", self.weight(name), columns, rows, size, place)
        return panels

    def _final(self) -> None:
        """Writes the states after each sequence's last step."""
        layer, own = self.layer, self.buffers
        self._end("final 0", own["H"], layer.output_size, self.state(0), every=True)
        for k in range(1, self.n):
            self._end(f"final {k}", own[f"state {k - 1}"], layer.hidden_size, self.state(k), every=self.every)
        if self.variant.sent:
            self._end("final sent", own["sent"], own["sent"].size, self.sent(), every=self.every)

    def _end(self, name: str, buffer: Buffer, size: int, initial: Place, *, every: bool) -> None:
        frame, reverse = self.frame, self.reverse
        target, running = self.program.result(name, self.B, size), frame.running
        if every and not frame.uniform:
            index = self.program.given("ends", lambda batch: batch.rows.ends(reverse=reverse), 8)
            self.pick(buffer.rows, buffer.size, index, target, size, running, size, size)
        else:
            # Without every step there is one row for each sequence.
            last: int | Count = 0 if reverse or not every else self.N - self.B
            self.rows(buffer.rows.after(last * buffer.size), buffer.size, target, size, running, size, size)
        if running < self.B:  # a sequence of no steps ends in the state that it began with
            rest = self.B - running
            self.rows(initial.after(running * size), size, target.after(running * size), size, rest, size, size)
