"""What the recursion of a backward pass reads and writes."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from torch import Tensor

from carrousel.engine.cpu._counts import Count, Frame
from carrousel.engine.cpu._kernels import Kernels
from carrousel.engine.cpu._meeting import Meeting
from carrousel.engine.cpu._pointwise import SENT
from carrousel.engine.cpu._program import Place
from carrousel.engine.cpu._writer import Batch, Writer

__all__ = ["Adjoints", "Asked"]


class Asked(NamedTuple):
    """What decides about a backward pass besides the packing."""

    wanted: frozenset[str]
    d_output: bool
    d_steps: frozenset[str]
    d_final: tuple[bool, ...]


class Adjoints(Writer):
    """Lays out what the recursion of a backward pass reads and writes; adjoints take the place of what was kept."""

    def __init__(self, kernels: Kernels, frame: Frame, forms: tuple[bool, ...], asked: Asked, *, reverse: bool) -> None:
        super().__init__(kernels, frame, forms, reverse=reverse)
        self.asked, layer, variant = asked, self.layer, self.variant
        deep = frame.uniform
        self.kept = {
            name: self.buffer(name, self.program.given(("kept", name), partial(_kept, name)), deep=deep)
            for name in kernels.kept
        }
        threads = self.workers(self.N * self.ldg * layer.output_size)
        self.threads = threads if variant.by_units else min(threads, self.B)
        self.source = self.kept["R" if variant.variational else "H"]
        self.projected = bool(layer.proj_size)

    @property
    def recurrent_size(self) -> int:
        """The numbers in a row of the adjoints of what the recurrence feeds."""
        return (len(self.plan.slots) - self.plan.shared) * self.width

    def words(self) -> dict[str, Place | Count | int]:
        """Returns the words of the recursion."""
        layer, variant, kept, asked = self.layer, self.variant, self.kept, self.asked
        width, ldh, N, B, H, n = self.width, self.ldh, self.N, self.B, layer.hidden_size, self.n
        self.own = self.diagonal()
        self.initial = kept["H"].initial or self.padded(self.state(0), B, layer.output_size, ldh)
        self.d_h = self._running(None if self.projected else 0, layer.output_size, width)
        self.d_out = self._running(0, layer.output_size, ldh) if self.projected else self.d_h
        self.d_bias = self.program.room(B * self.ldg, cleared=True) if layer.bias else self.d_h
        self.vector_count = len(self.plan.vectors)
        self.d_vectors = self.program.room(max(B * self.vector_count * width, 1), cleared=True)
        self.dy, lddy = self._every_step("output", asked.d_output, layer.output_size, ldh)
        if self.projected:
            # What comes back through the recurrence is added to the outputs' adjoint, which is the caller's.
            own = self.program.room(N * ldh)
            self.rows(self.dy if asked.d_output else None, ldh, own, ldh, N, ldh, ldh)  # type: ignore[arg-type]
            self.dy, lddy = own, ldh
        direct = self.program.room(B * max(ldh, width), cleared=True) if variant.keeps_direct else self.d_h
        words: dict[str, Place | Count | int] = {
            "threads": self.threads, "offsets": self.offsets, "T": self.T, "reverse": self.reverse,
            "G": kept["G"].rows, "H": kept["H"].rows, "H0": self.initial, "P": self.vectors(), "WH": self._columns(),
            "WP": self._projection(), "dY": self.dy, "lddy": lddy, "dh": self.d_h, "dout": self.d_out,
            "direct": direct, "dbias": self.d_bias, "dP": self.d_vectors,
        }  # fmt: skip
        self.d_states = [self._running(k, H, width) for k in range(1, n)]
        for k, name in enumerate(layer.cell.states):
            dy, lddy = self._every_step(name, name in asked.d_steps, H, width)
            words |= {
                f"S_{name}": kept[f"state {k}"].rows, f"S0_{name}": self.padded(self.state(1 + k), B, H, width),
                f"dS_{name}": self.d_states[k], f"dY_{name}": dy, f"lddy_{name}": lddy,
            }  # fmt: skip
        for k, name in enumerate(variant.told, n - 1):
            dy, lddy = self._every_step(name, name in asked.d_steps, H, width)
            words |= {f"S_{name}": kept[f"state {k}"].rows, f"dY_{name}": dy, f"lddy_{name}": lddy}
        words |= self._of_gated() | self._of_gates() | self._of_norms() | self.noise()
        for name in variant.bare_cuts:
            words |= {f"E_{name}": kept[f"cut {name}"].rows, f"dE_{name}": self.program.room(B * width)}
        if self.own is not None:
            self.d_own = self.program.room(max(B * self.recurrent_size, 1), cleared=True)
            words |= {"R": self.source.rows, "dR": self.d_own}
        if variant.by_units:
            words["barrier"] = Meeting.place(self.program)
        return words

    def _running(self, k: int | None, size: int, width: int) -> Place:
        """Returns a room for adjoints that go from step to step, from those of a final state."""
        if k is None or not self.asked.d_final[k]:
            return self.program.room(self.B * width, cleared=True)
        room = self.program.room(self.B * width)
        final = self.program.given(("d final", k), lambda batch: batch.d_final[k])
        self.rows(final, size, room, width, self.B, size, width)
        return room

    def _every_step(self, name: str, there: bool, size: int, width: int) -> tuple[Place | int, int]:
        """Returns the adjoints of what every step gives, and the distance of their rows."""
        if not there:
            return self.zeros, 0
        if name == "output":
            place = self.program.given("d output", lambda batch: batch.d_output)
        else:
            place = self.program.given(("d step", name), lambda batch: batch.d_steps[name])
        return self.padded(place, self.N, size, width), width

    def _columns(self) -> Place:
        """Returns panels of W_hh itself, or its numbers where it is a diagonal; anything where it is not read."""
        if self.own is not None:
            return self.own
        return self._packed_columns(self.places.recurrent) if self.variant.recurs else self.d_h

    def _packed_columns(self, rows: Tensor) -> Place:
        layer, places = self.layer, self.places
        if not places.apart:
            return self.panels("weight_hh", rows, layer.hidden_size, layer.output_size)
        columns = layer.output_size // layer.heads
        room = self.program.room(len(rows) * self.width * columns)
        self.pack_heads("pack_columns", self.weight("weight_hh"), columns, rows, room)
        return room

    def panels(self, name: str, rows: Tensor, size: int, columns: int) -> Place:
        """Returns panels of a weight, for products with its rows."""
        return self._panels_of(self.weight(name), rows, size, columns)

    def _panels_of(self, weight: Place, rows: Tensor, size: int, columns: int) -> Place:
        whole = self.kernels.whole
        room = self.program.room(len(rows) * whole(size) * whole(columns))
        self.pack("pack_columns", weight, columns, rows, size, room)
        return room

    def _projection(self) -> Place:
        layer = self.layer
        if not self.projected:
            return self.d_h
        return self.panels("weight_hr", self.places.first, layer.proj_size, layer.hidden_size)

    def _of_gated(self) -> dict[str, Place | int]:
        """Returns the words of gated rows; of each, the adjoints of its recurrent part."""
        diagonal = self.gated_vectors("weight_hh") if self.layer.diagonal and self.variant.gated else {}
        self.d_gated, words = dict[str, Place](), dict[str, Place | int]()
        for row in self.variant.gated:
            self.d_gated[row] = self.program.room(self.N * self.width)
            weight = diagonal[row] if diagonal else self._packed_columns(self.places.gated[row])
            words |= {f"WG_{row}": weight, f"D_{row}": self.d_gated[row]}
        return words

    def _of_gates(self) -> dict[str, Place | int]:
        """Returns the words of what gates send, and of its adjoints."""
        if not self.layer.fed_back:
            return {}
        places, n, B, dtype = self.places, self.n, self.B, self.kernels.dtype
        sent, size = self.layer.fed_back, self.kernels.kept["sent"][0]
        words: dict[str, Place | int] = {
            f"WF_{name}": self._panels_of(weight, starts, self.layer.hidden_size, size)
            for name, weight, starts in self.gate_weights()
        }
        final = self.program.given("d sent", lambda batch: places.sent(batch.d_final[n:], B, dtype))
        self.d_sent = self.program.result("by sent", B, size)
        self.rows(final, size, self.d_sent, size, B, size, size)
        self.sent0 = self.kept["sent"].initial or self.sent()
        dy: Place | int = self.zeros
        if {*sent} & self.asked.d_steps:
            dy = self.program.given(
                "d sent steps",
                lambda batch: places.sent([batch.d_steps.get(name) for name in sent], batch.rows.total, dtype),
            )
        own = {"S": self.kept["sent"].rows, "S0": self.sent0, "dS": self.d_sent, "dY": dy}
        return words | {f"{kind}_{SENT}": place for kind, place in own.items()} | {
            f"lddy_{SENT}": 0 if isinstance(dy, int) else size
        }  # fmt: skip

    def _of_norms(self) -> dict[str, Place | int]:
        """Returns the words of layer norm; of all that it acts on, the derivatives by gain and bias."""
        self.d_norms, words = dict[str, tuple[Place, Place]](), dict[str, Place | int]()
        for name in self.variant.norms:
            size = self.kernels.norm_size(name)
            adjoint = self.d_h if name in self.variant.parts else self.program.room(self.B * size)
            self.d_norms[name] = by_gain, by_shift = (
                self.program.room(self.B * size, cleared=True), self.program.room(self.B * size, cleared=True)
            )  # fmt: skip
            words |= {f"E_{name}": self.kept[f"norm {name}"].rows, f"scale_{name}": self.kept[f"scale {name}"].rows}
            words |= {f"dE_{name}": adjoint, f"dgain_{name}": by_gain, f"dshift_{name}": by_shift}
            words |= self.norm_words(name)
        return words


def _kept(name: str, batch: Batch) -> Tensor:
    return batch.kept[name]
