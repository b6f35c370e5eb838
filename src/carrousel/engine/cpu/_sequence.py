"""The recursion: what running all steps of all sequences of a batch has in both directions.

The rows of a batch are *packed*: step after step, each step as many rows as there are sequences left, the longest
sequences first. Sequence b's row of step t is ``offsets[t] + b``. No padding is computed. A dense batch is the case
in which all steps have B rows. Each thread has every n-th sequence and runs all its steps without waiting.
"""

from __future__ import annotations

from carrousel.engine._plan import Variant
from carrousel.engine.cpu._gemm import PRODUCT
from carrousel.engine.cpu._norm import BACKWARD as NORM_BACKWARD
from carrousel.engine.cpu._pointwise import SENT
from carrousel.engine.cpu.llvm._emit import Function
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_barrier
from carrousel.engine.cpu.llvm._words import Words

__all__ = [
    "Norm",
    "Share",
    "Steps",
    "backward_words",
    "forward_words",
    "mine",
    "noise_words",
    "product",
    "runs_of_product",
]

_VARYING = ["threads", "offsets", "T", "reverse", "G", "H", "H0", "P"]
_FIXED = [*TEAM, "product", "zeros", "width", "ldg", "ldh", "ldout", "units"]


def noise_words(variant: Variant) -> list[str]:
    """Lists the words that hold noise: of each its rows, and their distance, which is 0 where one is for all."""
    names = ["mask_h"] if variant.variational else []
    names += [f"mask_{row}" for row in variant.cell.candidates if variant.masked]
    names += ["zone_h"] if variant.zoned_h else []
    names += [f"zone_{state}" for state in variant.cell.states if variant.zoned]
    return [word for name in names for word in (name, f"ld_{name}")]


def _fixed(variant: Variant) -> list[str]:
    of_heads = ["heads", "head_in", "head_out"] if variant.heads else []
    return [*_FIXED, *of_heads, *(["KF"] if variant.fed else []), *(["yield"] if variant.by_units else [])]


def _groups(variant: Variant) -> list[str]:
    """Lists the buffers in which states stand: one for each of the cell's, and one for all activations sent."""
    return [*variant.cell.states, *([SENT] if variant.sent else [])]


def _of_norms(variant: Variant, kinds: tuple[str, ...]) -> list[str]:
    own = [*kinds[:4], *(["shares"] if variant.block_size > 1 else []), *kinds[4:]]
    return [f"{kind}_{name}" for name in variant.norms for kind in own]


def _of_cuts(variant: Variant, *kinds: str) -> list[str]:
    return [f"{kind}_{name}" for name in variant.bare_cuts for kind in kinds]


def _of_hearers(variant: Variant) -> list[str]:
    return [f"WF_{name}" for name, _ in variant.hearers]


def forward_words(variant: Variant) -> Words:
    """Returns the arguments of ``forward``.

    ``width`` is H padded to whole vectors. ``keep`` is 1 if every step's values are kept and 0 if each sequence has
    but one row for them. ``KX`` is I, or 0 if the input's part stands in G already. Of what is normalised ``E`` holds
    the rows and ``scale`` 1 / their deviation. ``R`` is what the recurrent weights are multiplied with, where that is
    not H itself but H times factors. ``V`` are the values that a gated row's weights ``WG`` are multiplied with.
    """
    states = [f"{kind}_{name}" for name in _groups(variant) for kind in ("S", "S0")]
    states += [f"S_{name}" for name in variant.told]
    norms = _of_norms(variant, ("E", "scale", "gain", "shift"))
    own = ["X", "KX", "WX", "WH", "WR", "WP", "bias", "keep", "out"]
    own += [f"{kind}_{row}" for row in variant.gated for kind in ("WG", "bias", "V")]
    own += ["R", "R0"] if variant.variational else []
    own += ["barrier"] if variant.by_units else []
    own += _of_hearers(variant)
    own += ["heard"] if variant.fed else []
    varying = [*_VARYING, *own, *states, *norms, *_of_cuts(variant, "E"), *noise_words(variant)]
    return Words(varying, [*_fixed(variant), "ldx", "KH", "out_kept"])


def backward_words(variant: Variant) -> Words:
    """The arguments of ``backward``: adjoints ``dY`` of the outputs, running ones ``dh`` and ``dS`` of the states, and
    ``D`` of the recurrent parts of gated rows.
    """
    states = [f"{kind}_{name}" for name in _groups(variant) for kind in ("S", "S0", "dS", "dY", "lddy")]
    states += [f"{kind}_{name}" for name in variant.told for kind in ("S", "dY", "lddy")]
    norms = _of_norms(variant, ("E", "scale", "gain", "shift", "dE", "dgain", "dshift"))
    own = ["WH", "WP", "dY", "lddy", "dh", "dout", "direct", "dbias", "dP"]
    own += ["R", "dR"] if variant.diagonal and variant.normed else []
    own += [f"{kind}_{row}" for row in variant.gated for kind in ("WG", "D")]
    own += ["barrier"] if variant.by_units else []
    own += _of_hearers(variant)
    varying = [*_VARYING, *own, *states, *norms, *_of_cuts(variant, "E", "dE"), *noise_words(variant)]
    return Words(varying, _fixed(variant))


def product(f: Function, words: Words, **values: str) -> None:
    """Calls ``product``; what is not given is nothing."""
    nothing = (
        dict.fromkeys(("a1", "b1", "a2", "b2"), "null") | dict.fromkeys(("m1", "K1", "m2", "K2"), "0") | {"k1": "1"}
    )
    values = nothing | values
    f.line(f"call void {words.pointer(f, 'product')}({', '.join(f'{kind} {values[name]}' for kind, name in PRODUCT)})")


def runs_of_product(f: Function, words: Words, slots: int, values: dict[str, str], *, transposed: bool = False) -> None:
    """Emits the product of some slots with a block of each head: A's columns of a head with its own rows of weights.

    Forward A is h and C the slots; ``transposed``, A is the slots and C is h, the sum over all slots.
    """
    heads, of_h, of_slot, width = (words.integer(f, name) for name in ("heads", "head_in", "head_out", "width"))
    size = f.mul(of_h, of_slot)
    for slot in range(slots):
        with f.loop(0, heads) as head:
            at_h, at_slot = f.mul(head, of_h), f.add(f.mul(width, slot), f.mul(head, of_slot))
            panels = f.at(values["b2"], f.mul(f.add(f.mul(heads, slot), head), size))
            a, c = (at_slot, at_h) if transposed else (at_h, at_slot)
            first = not transposed or slot == 0  # all others go on from what stands there
            begin = f.at(values["start"], c) if first else f.at(values["c"], c)
            moved = {
                "start": begin, "ldstart": values["ldstart"] if first else values["ldc"], "a2": f.at(values["a2"], a),
                "b2": panels, "c": f.at(values["c"], c),
                "K2": of_slot if transposed else of_h, "N": of_h if transposed else of_slot,
            }  # fmt: skip
            product(f, words, **{**values, **moved})


class Share:
    """What falls to a thread: its sequences, all their units; or a part of the units of all sequences.

    Units are shared in whole panels of the weights.
    """

    def __init__(self, f: Function, words: Words, *, by_units: bool) -> None:
        self._f, self._words, self._by_units = f, words, by_units
        width = words.integer(f, "width")
        self.threads = "1" if by_units else words.integer(f, "threads")
        self.first_unit, self.end_unit = "0", width
        if by_units:
            panel = f.module.target.tile[1] * f.module.lanes
            panels = f.quotient(f.add(width, panel - 1), panel)
            self.first_unit, self.end_unit = (
                f.least(f.mul(f.quotient(f.mul(panels, thread), "%team"), panel), width)
                for thread in ("%thread", f.add("%thread", 1))
            )
            self._steps = f.variable("i64", "0")

    def of(self, lo: str, hi: str) -> tuple[str, str]:
        """Emits the first sequence in a range, and how many there are."""
        return (lo, self._f.sub(hi, lo)) if self._by_units else mine(self._f, self.threads, lo, hi)

    def wait(self) -> None:
        """Emits the end of a step: nobody goes on before all have come so far."""
        if not self._by_units:
            return
        f = self._f
        count = f.add(f.get("i64", self._steps), 1)
        f.put("i64", self._steps, count)
        emit_barrier(f, self._words.pointer(f, "barrier"), f.mul(count, "%team"), self._words.pointer(f, "yield"))


def mine(f: Function, threads: str, lo: str, hi: str) -> tuple[str, str]:
    """This thread's first sequence in a range, and how many it has there."""
    # lo + (thread - lo) mod threads, in whole numbers that are never negative
    shift = f.op(f"srem i64 {f.sub('%thread', lo)}, {threads}")
    shift = f.select(f.op(f"icmp slt i64 {shift}, 0"), "i64", f.add(shift, threads), shift)
    first = f.add(lo, shift)
    count = f.quotient(f.add(f.sub(hi, first), f.sub(threads, 1)), threads)
    return first, f.most(count, 0)


class Steps:
    """The step of a loop over time: which one, where its rows begin, how many, and the same of its neighbour."""

    def __init__(self, f: Function, words: Words, s: str, *, backward: bool) -> None:
        T, reverse, offsets = words.integer(f, "T"), words.integer(f, "reverse"), words.pointer(f, "offsets")
        is_reverse = f.op(f"icmp ne i64 {reverse}, 0")
        last = f.sub(f.sub(T, 1), s)
        self.t = f.select(is_reverse, "i64", *((s, last) if backward else (last, s)))
        one = f.select(is_reverse, "i64", "1", "-1")

        def rows(t: str) -> tuple[str, str]:
            """First row and number of rows of a step, none outside of the sequence."""
            inside = f.op(f"icmp ult i64 {t}, {T}")
            safe = f.select(inside, "i64", t, "0")
            start, end = (
                f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {offsets}, i64 {index}')}")
                for index in (safe, f.add(safe, 1))
            )
            return start, f.select(inside, "i64", f.sub(end, start), "0")

        self.at, self.count = rows(self.t)
        self.before, count_before = rows(f.add(self.t, one))
        self.after, count_after = rows(f.sub(self.t, one))
        # A sequence runs on from, or into, a neighbour only where that has the sequence too.
        self.old, self.next = f.least(self.count, count_before), f.least(self.count, count_after)


class Norm:
    """Where layer norm acts: rows that it normalises in place, and its gain and bias."""

    def __init__(self, f: Function, words: Words, name: str, *, shared: bool) -> None:
        self._f, self._words, self._name = f, words, name
        self.rows, self._scale, self._gain, self._shift = (
            words.pointer(f, f"{kind}_{name}") for kind in ("E", "scale", "gain", "shift")
        )
        self._shares = words.pointer(f, f"shares_{name}") if shared else "null"

    def forward(self, row: str, size: str, groups: int) -> str:
        """Normalises a row of ``size`` numbers in groups; returns its place."""
        f, place = self._f, self._f.at(self.rows, self._f.mul(row, size))
        width, units = (self._words.integer(f, name) for name in ("width", "units"))
        scale = f.at(self._scale, row)
        f.line(
            f"call void @norm_forward(ptr {place}, i64 {groups}, i64 {width}, i64 {units}, ptr {self._shares}, "
            f"ptr {scale})"
        )
        return place

    def value(self, place: str, u: str) -> str:
        """Returns what a normalised vector becomes."""
        f = self._f
        return f.fma(f.load(place), f.load(f.at(self._gain, u)), f.load(f.at(self._shift, u)))

    def backward(self, dy: str, row: str, b: str, size: str, groups: int, dx: str, *, shift: bool) -> None:
        """From the adjoint dy of a row of sequence b to dx; ``shift``: whether the bias' derivative is wanted here."""
        f = self._f
        width, units = (self._words.integer(f, name) for name in ("width", "units"))
        dgain, dshift = (
            f.at(self._words.pointer(f, f"{kind}_{self._name}"), f.mul(b, size)) for kind in ("dgain", "dshift")
        )
        values = {
            "dy": dy, "gain": self._gain, "x": f.at(self.rows, f.mul(row, size)), "groups": str(groups),
            "width": width, "units": units, "shares": self._shares, "scale": f.at(self._scale, row), "dx": dx,
            "dgain": dgain, "dshift": dshift if shift else "null",
        }  # fmt: skip
        f.line(f"call void @norm_backward({', '.join(f'{kind} {values[name]}' for kind, name in NORM_BACKWARD)})")
