"""One backward pass on the kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine._backend import Grads
from carrousel.engine._layer import Layer, Masks, Weights
from carrousel.engine._memory import CPU, in_memory
from carrousel.engine._plan import FROM_H, FROM_X
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import empty, padded, rows_of, zeros
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._forward import Kept, of_noise
from carrousel.engine.cpu._kernels import Kernels, kernels_for
from carrousel.engine.cpu._meeting import Meeting

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
    run = _Run(kernels, weights, state, rows, kept, masks, reverse=reverse)
    run.start(d_output, dict(zip(steps, d_steps, strict=True)), d_final)
    run.go()
    dx = None
    if "x" in wanted:
        dx = empty(rows.total, kernels.ldx, dtype=x.dtype)
        wx = kernels.pack_columns(kernels.places.of_units(weights["weight_ih"]), kernels.places.into, layer.hidden_size)
        kernels.bulk(
            run.d_wx.data_ptr(), run.d_wx.stride(0), wx.data_ptr(), dx, M=rows.total, N=kernels.ldx,
            K=run.d_wx.shape[1],
        )  # fmt: skip
        dx = rows_of(dx, layer.input_size)
    if "state" in wanted or ("weight_hh" in wanted and run.diagonal is not None):
        run.go_to_start()
    d_state = run.by_state(d_final) if "state" in wanted else []
    return Grads(dx, d_state, {**run.by_products(x, wanted), **run.by_vectors()})


class _Run:
    """A backward pass: what it is given, what it writes, and the derivatives that come of this."""

    def __init__(
        self, kernels: Kernels, weights: Weights, state: list[Tensor], rows: Rows, kept: Kept, masks: Masks, *,
        reverse: bool,
    ) -> None:  # fmt: skip
        self.kernels, self.layer, self.variant, self.plan = kernels, kernels.layer, kernels.variant, kernels.plan
        self.weights, self.rows, self.kept, self.reverse = weights, rows, kept, reverse
        cell, dtype, n = self.layer.cell, kernels.dtype, 1 + len(self.layer.cell.states)
        self._noise = kernels.noise(masks)
        self._h0 = padded(state[0], kernels.ldh)
        self._source0 = self._h0 * self._noise[0][0] if self.variant.variational else self._h0
        self._inner = [padded(value, kernels.width) for value in state[1:n]]
        self._sent0 = kernels.places.sent(state[n:], rows.count, dtype) if self.variant.sent else self._h0
        self.diagonal = kernels.diagonal(weights)
        layer = self.layer
        self._wp = (
            kernels.pack_columns(weights["weight_hr"], kernels.places.first, layer.proj_size)
            if layer.proj_size
            else self._h0
        )
        if self.diagonal is not None:
            self._wh = self.diagonal
        else:
            self._wh = kernels.recurrent_columns(weights["weight_hh"]) if kernels.recurrent else self._h0
        self._gated = kernels.gated_columns(weights) if self.variant.gated else []
        # Adjoints of the recurrent parts of gated rows.
        self.d_gated = {row: empty(rows.total, kernels.width, dtype=dtype) for row in self.variant.gated}
        self._to_gates = kernels.gate_columns(weights["weight_gh"]) if layer.fed_back else []
        threads = kernels.threads(rows.total * kernels.ldg * layer.output_size)
        self.threads = threads if self.variant.by_units else min(threads, rows.count)
        self.d_sent = self.d_r = self._h0
        self._cell = cell

    def _running(self, d: Tensor | None, size: int) -> Tensor:
        """Makes a buffer for adjoints that go from step to step, from those of the final states."""
        buffer = zeros(self.rows.count, size, dtype=self.kernels.dtype)
        if d is not None:
            buffer[:, : d.shape[-1]] = d
        return buffer

    def start(self, d_output: Tensor | None, d_steps: dict[str, Tensor | None], d_final: list[Tensor | None]) -> None:
        """Lays out all that the pass reads and writes."""
        kernels, layer, variant, kept = self.kernels, self.layer, self.variant, self.kept
        width, ldh, dtype, total = kernels.width, kernels.ldh, kernels.dtype, self.rows.total
        n, projected = 1 + len(self._cell.states), bool(layer.proj_size)
        dy, lddy = (kernels.zeros, 0) if d_output is None else (padded(d_output, ldh), ldh)
        if projected:
            # What comes back through the recurrence is added to the outputs' adjoint, which is the caller's.
            dy, lddy = zeros(total, ldh, dtype=dtype) if d_output is None else dy.clone(), ldh
        self._dy = dy
        self.dh = self._running(None if projected else d_final[0], width)
        self.dout = self._running(d_final[0], ldh) if projected else self.dh
        self._direct = self._running(None, ldh if projected else width) if variant.keeps_direct else self.dh
        self._dbias = self._running(None, kernels.ldg) if layer.bias else self.dh
        self._dvectors = self._running(None, len(self.plan.vectors) * width) if self.plan.vectors else self.dh
        self.d_states = [self._running(d, width) for d in d_final[1:n]]
        own: list[int] = []
        self._held: list[Tensor] = []  # what only the kernel refers to
        if self.diagonal is not None:
            self.d_r = self._running(None, self.diagonal.numel())
            own += kept.R.data_ptr(), self.d_r.data_ptr()
        for weight, d in zip(self._gated, self.d_gated.values(), strict=True):
            own += weight.data_ptr(), d.data_ptr()
        if variant.by_units:
            self._meeting = Meeting(self.rows.steps)
            own.append(self._meeting.counter.data_ptr())
        own += [panels.data_ptr() for panels in self._to_gates]
        for name, s, s0, ds in zip(self._cell.states, kept.states, self._inner, self.d_states, strict=False):
            own += s.data_ptr(), s0.data_ptr(), ds.data_ptr(), *self._words_of_steps(d_steps.get(name))
        if variant.sent:
            own += self._words_of_sent(d_steps, d_final[n:])
        for name, s in zip(variant.told, kept.states[n - 1 :], strict=True):
            own += s.data_ptr(), *self._words_of_steps(d_steps.get(name))
        own += self._words_of_norms()
        for name in variant.bare_cuts:
            adjoint = empty(self.rows.count, width, dtype=dtype)
            self._held.append(adjoint)
            own += kept.at_cuts[name].data_ptr(), adjoint.data_ptr()
        values = [
            self.threads, self.rows.offsets.data_ptr(), self.rows.steps, self.reverse, kept.G.data_ptr(),
            kept.H.data_ptr(), self._h0.data_ptr(), self._vectors().data_ptr(), self._wh.data_ptr(),
            self._wp.data_ptr(), dy.data_ptr(), lddy, self.dh.data_ptr(), self.dout.data_ptr(),
            self._direct.data_ptr(), self._dbias.data_ptr(), self._dvectors.data_ptr(), *own, *of_noise(self._noise),
        ]  # fmt: skip
        self._words = values

    def _vectors(self) -> Tensor:
        vectors = self.kernels.vectors(self.weights)
        self._held.append(vectors)
        return vectors

    def _words_of_steps(self, d: Tensor | None) -> tuple[int, int]:
        """Returns the words of adjoints that every step is given: their address, and the distance of rows."""
        if d is None:
            return self.kernels.zeros.data_ptr(), 0
        d = padded(d, self.kernels.width)
        self._held.append(d)
        return d.data_ptr(), self.kernels.width

    def _words_of_sent(self, d_steps: dict[str, Tensor | None], d_final: list[Tensor | None]) -> list[int]:
        kernels, sent = self.kernels, self.layer.fed_back
        places, dtype = kernels.places, kernels.dtype
        self.d_sent = places.sent(d_final, self.rows.count, dtype)
        d, ld = kernels.zeros, 0
        if any(d_steps.get(name) is not None for name in sent):
            d, ld = places.sent([d_steps.get(name) for name in sent], self.rows.total, dtype), self.d_sent.shape[1]
            self._held.append(d)
        return [self.kept.sent.data_ptr(), self._sent0.data_ptr(), self.d_sent.data_ptr(), d.data_ptr(), ld]

    def _words_of_norms(self) -> list[int]:
        kernels, words = self.kernels, list[int]()
        self._d_norms: dict[str, tuple[Tensor, Tensor]] = {}
        for name in self.variant.norms:
            size = kernels.norm_size(name)
            part = name in self.variant.parts
            adjoint = self.dh if part else empty(self.rows.count, size, dtype=kernels.dtype)
            self._d_norms[name] = self._running(None, size), self._running(None, size)
            buffers = (*self.kept.norms[name], *kernels.of_norm(self.weights, name), adjoint, *self._d_norms[name])
            self._held += buffers
            words += [buffer.data_ptr() for buffer in buffers]
        return words

    def go(self) -> None:
        """Runs the kernel over all steps."""
        kernels, kept, p, width = self.kernels, self.kept, self.plan, self.kernels.width
        kernels.backward_kernel()(ctypes.byref(kernels.backward_arguments(*self._words)))
        if self.variant.by_units:
            self._meeting.end()
        # The adjoints of the products W x and R h: normalised, they are not those of the pre-activations.
        if self.layer.layer_norm:
            self.d_wx, self.d_rh = kept.norms[FROM_X][0], kept.norms[FROM_H][0] if kernels.recurrent else kept.G
            return
        self.d_wx = kept.G[:, : p.inputs * width]
        together = not self._cell.parted and kernels.recurrent
        self.d_rh = self.d_wx if together else kept.G[:, p.shared * width : len(p.slots) * width]

    def go_to_start(self) -> None:
        """Goes on from each sequence's first step, the first that it ran, to the initial states."""
        kernels, rows, words = self.kernels, self.rows, list(self._words)
        first = rows.last(reverse=not self.reverse)
        runs = rows.lengths > 0

        def of_first(buffer: Tensor) -> Tensor:
            # Nothing comes back to a sequence of no steps.
            gathered = buffer[first]
            return gathered if bool(runs.all()) else torch.where(runs.unsqueeze(-1), gathered, 0)

        offsets = torch.tensor([0, rows.count], dtype=torch.int64, device=CPU)
        place = kernels.backward_arguments.place
        changed: dict[str, Tensor] = {"offsets": offsets, "G": of_first(self.kept.G), "H": self._h0}
        if self.layer.layer_norm and kernels.recurrent:
            changed[f"E_{FROM_H}"] = of_first(self.kept.norms[FROM_H][0])
        changed |= {f"D_{row}": of_first(self.d_gated[row]) for row in self.variant.gated_listening}
        if self.diagonal is not None:
            changed["R"] = self._source0
        for name, value in changed.items():
            words[place(name)] = value.data_ptr()
        words[place("T")], words[place("threads")] = 1, 1
        kernels.backward_kernel("to_start")(ctypes.byref(kernels.backward_arguments(*words)))

    def by_state(self, d_final: list[Tensor | None]) -> list[Tensor]:
        """Returns the derivatives by the initial states."""
        layer, kernels = self.layer, self.kernels
        total = rows_of(self.dout, layer.output_size)
        runs = self.rows.lengths > 0
        if not bool(runs.all()):
            # A sequence of no steps hands its final state's adjoint straight on.
            own = torch.zeros_like(total) if d_final[0] is None else d_final[0]
            total = torch.where(runs.unsqueeze(-1), total, own)
        sent = [kernels.places.of_sent(self.d_sent, gate).contiguous() for gate in layer.fed_back]
        return [total, *(rows_of(value, layer.hidden_size) for value in self.d_states), *sent]

    def by_products(self, x: Tensor, wanted: set[str]) -> dict[str, Tensor]:
        """Returns the derivatives by the matrices that are multiplied with x, h and gates."""
        layer, kernels, places, found = self.layer, self.kernels, self.kernels.places, dict[str, Tensor]()
        ask_ih = "weight_ih" in wanted
        ask_hh = "weight_hh" in wanted and self.multiplies and self.diagonal is None
        xs = padded(x, kernels.ldx) if ask_ih else x
        factors = self._factors() if ask_hh else []
        if ask_ih and ask_hh and self.d_wx is self.d_rh and not places.apart:
            by_ih, by_hh = kernels.outer(self.d_wx, xs, factors[0][1])  # in one pass over the adjoints
        else:
            by_ih = kernels.outer(self.d_wx, xs)[0] if ask_ih else xs
            if ask_hh:
                product = kernels.outer_of_heads if places.apart else lambda a, b: kernels.outer(a, b)[0]
                by_hh = _joined([product(d, source) for d, source in factors])
        if ask_ih:
            found["weight_ih"] = places.of_rows(places.from_slots(by_ih, places.into, layer.input_size))
        if ask_hh:
            columns = layer.output_size // layer.heads if places.apart else layer.output_size
            found["weight_hh"] = places.of_recurrent_weight(places.from_slots(by_hh, places.in_recurrence, columns))
        if "weight_hr" in wanted:
            (dw,) = kernels.outer(self._dy, self.kept.out)
            found["weight_hr"] = rows_of(dw[: layer.proj_size], layer.hidden_size)
        if "weight_gh" in wanted and layer.fed_back:
            found["weight_gh"] = self._by_gates()
        return found

    @property
    def multiplies(self) -> bool:
        """Whether anything is multiplied with recurrent weights that are no part of the equations."""
        return self.kernels.recurrent or bool(self.variant.gated)

    def _factors(self) -> list[tuple[Tensor, Tensor]]:
        """Lists the adjoints of all recurrent products, and what the weights were multiplied with."""
        kept, gated = self.kept, [(self.d_gated[row], self.kept.values[row]) for row in self.variant.gated]
        if not self.kernels.recurrent:
            return gated
        return [(self.d_rh, self._before(kept.R, self._source0, kept.before)), *gated]

    def _by_gates(self) -> Tensor:
        """Returns the derivative by the weights of what gates send."""
        kernels, width, H = self.kernels, self.kernels.width, self.layer.hidden_size
        sent = self._before(self.kept.sent, self._sent0, self.kept.sent_before)
        total = torch.zeros_like(self.weights["weight_gh"], memory_format=torch.contiguous_format)
        shared, variant = self.plan.shared * width, self.variant
        heard = [self.d_rh[:, low * width - shared : high * width - shared] for low, high in variant.listening]
        heard += [self.d_gated[row] for row in variant.gated_listening]
        for d, (_, rows) in zip(heard, variant.hearers, strict=True):
            (units,) = kernels.outer(d, sent)
            units = units.view(len(rows), width, -1)[:, :H].reshape(len(rows) * H, -1)
            kernels.places.add_gate_weight(total, units, rows)
        return total

    def _before(self, buffer: Tensor, initial: Tensor, before: Tensor | None) -> Tensor:
        """For every row what stood in a buffer at the step before."""
        if before is not None:
            return before
        old, exists = self.rows.before(reverse=self.reverse)
        return torch.where(exists.unsqueeze(-1), buffer[old], initial[self.rows.places[1]])

    def by_vectors(self) -> dict[str, Tensor]:
        """Returns the derivatives by biases, peepholes, gains, a diagonal recurrence: sums over the sequences."""
        kernels, layer, p, width = self.kernels, self.layer, self.plan, self.kernels.width
        places, H, found = kernels.places, layer.hidden_size, dict[str, Tensor]()

        def of_rows(total: Tensor, ending: str) -> Tensor:
            # Memory of its own: who scales one parameter's gradient in place must not scale another's.
            if places.plain:
                return total.clone()
            rows = places.into if ending == "ih" else places.in_recurrence
            return places.of_rows(places.from_slots(total.unsqueeze(-1), rows, 1).squeeze(-1)).clone()

        if layer.bias:
            total = kernels.column_sum(self._dbias)[: len(p.slots) * width]
            found["bias_ih"] = of_rows(total[: p.inputs * width], "ih")
            if self.multiplies:
                parts = [total[p.shared * width :]] if kernels.recurrent else []
                parts += [kernels.column_sum(self._d_bias(row)) for row in self.variant.gated]
                found["bias_hh"] = of_rows(_joined(parts), "hh")
        if p.vectors:
            found |= self._by_own(rows_of(kernels.column_sum(self._dvectors).view(-1, width), H), found)
        if self.diagonal is not None:
            own = [kernels.column_sum(self.d_r)] if kernels.recurrent else []
            own += [kernels.column_sum(self.d_gated[row] * self.kept.values[row]) for row in self.variant.gated]
            found["weight_hh"] = of_rows(_joined(own), "hh")
        of_hh: list[Tensor] = []
        for name, (by_gain, by_shift) in self._d_norms.items():
            if name == FROM_X:
                found["norm_ih"] = of_rows(kernels.column_sum(by_gain), "ih")
            elif name == FROM_H or name in self.variant.gated:
                of_hh.append(kernels.column_sum(by_gain))
            else:
                found[f"norm_{name}"] = rows_of(kernels.column_sum(by_gain), H)
                found[f"norm_bias_{name}"] = rows_of(kernels.column_sum(by_shift), H)
        if of_hh:
            found["norm_hh"] = of_rows(_joined(of_hh), "hh")
        return found

    def _d_bias(self, row: str) -> Tensor:
        """Returns the derivatives by the recurrent bias of a gated row, of each sequence or each step of it."""
        return self._d_norms[row][1] if self.variant.normed else self.d_gated[row]

    def _by_own(self, total: Tensor, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the derivatives by the weights that are part of the equations, from those by the plan's vectors."""
        layer, own = self.layer, dict[str, Tensor]()
        rows, n = layer.cell.rows, len(layer.cell.peepholes)
        if n:
            own["weight_peephole"] = total[:n].contiguous()
        if not self.variant.pointwise:
            return own
        own["weight_hh"] = total[n : n + len(rows)].reshape(-1)
        if layer.bias:
            bias = found["bias_ih"].clone().view(len(rows), -1)
            for k, row in enumerate(layer.cell.parted):
                bias[rows.index(row)] = total[n + len(rows) + k]
            own["bias_hh"] = bias.view(-1)
        return own


def _joined(parts: list[Tensor]) -> Tensor:
    """Returns parts one after the other; the only one as it is, for copying it would be work for nothing."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)
