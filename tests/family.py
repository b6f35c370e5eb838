"""The family's equations written out a second time, in NumPy, from the papers: the table that every cell stands in.

A line is a step function in float64 and the names in the order in which the cell's weights have them. The function is
given, by name of gate or candidate, ``x`` (W x + b) and ``h`` (R h + d; with ``products`` the function v -> R v + d),
the peephole weights ``p``, and the old states ``s`` with the old output as ``s.h``. It returns the new output, the new
states, and all activations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Member:
    step: Callable[..., tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]]
    rows: str
    candidates: str
    states: str = ""
    peepholes: str = ""
    recurrent: bool = True
    products: bool = False


def logistic(a):
    return 1 / (1 + np.exp(-a))


def lstm(x, h, p, s):
    i, f, o = logistic(x.i + h.i), logistic(x.f + h.f), logistic(x.o + h.o)
    g = np.tanh(x.g + h.g)
    c = f * s.c + i * g
    return o * np.tanh(c), {"c": c}, {"i": i, "f": f, "g": g, "o": o}


def original(x, h, p, s):
    y_in, y_out = logistic(x.i + h.i), logistic(x.o + h.o)
    g = 4 / (1 + np.exp(-(x.g + h.g))) - 2
    s_c = s.c + y_in * g
    return y_out * (2 / (1 + np.exp(-s_c)) - 1), {"c": s_c}, {"i": y_in, "g": g, "o": y_out}


def original_2a(x, h, p, s):
    """Experiment 2 of the paper: g in [0, 1], h the identity."""
    y_in, y_out, g = logistic(x.i + h.i), logistic(x.o + h.o), logistic(x.g + h.g)
    return y_out * (s.c + y_in * g), {"c": s.c + y_in * g}, {"i": y_in, "g": g, "o": y_out}


def vanilla(*, i_is_1=False, f_is_1=False, o_is_1=False, linear_in=False, linear_out=False, f_is_1_minus_i=False):
    """The Odyssey's vanilla LSTM, and what its variants leave out."""

    def step(x, h, p, s):
        seen = {}
        z = x.g + h.g if linear_in else np.tanh(x.g + h.g)
        i = f = o = 1.0
        if not i_is_1:
            seen["i"] = i = logistic(x.i + h.i + p.i * s.c)
        if f_is_1_minus_i:
            f = 1 - i
        elif not f_is_1:
            seen["f"] = f = logistic(x.f + h.f + p.f * s.c)
        c = i * z + f * s.c
        if not o_is_1:
            seen["o"] = o = logistic(x.o + h.o + p.o * c)
        return o * (c if linear_out else np.tanh(c)), {"c": c}, {**seen, "g": z}

    return step


def coupled(x, h, p, s):
    i, o, z = logistic(x.i + h.i), logistic(x.o + h.o), np.tanh(x.g + h.g)
    c = s.c + i * (z - s.c)
    return o * np.tanh(c), {"c": c}, {"i": i, "g": z, "o": o}


def gru(x, h, p, s):
    r, z = logistic(x.r + h.r), logistic(x.z + h.z)
    n = np.tanh(x.n + r * h.n)
    return n + z * (s.h - n), {}, {"r": r, "z": z, "n": n}


def gru_cho(x, h, p, s):
    r, z = logistic(x.r + h.r(s.h)), logistic(x.z + h.z(s.h))
    n = np.tanh(x.n + h.n(r * s.h))
    return z * s.h + (1 - z) * n, {}, {"r": r, "z": z, "n": n}


def slstm(x, h, p, s):
    i, f = x.i + h.i, x.f + h.f
    log_f = -np.log1p(np.exp(-f))
    m = np.where(s.n == 0, i, np.maximum(i, log_f + s.m))
    i, f = np.exp(i - m), np.minimum(1, np.exp(log_f + s.m - m))
    z, o = np.tanh(x.z + h.z), logistic(x.o + h.o)
    c, n = f * s.c + i * z, f * s.n + i
    return o * c / n, {"c": c, "n": n, "m": m}, {"i": i, "f": f, "z": z, "o": o}


def minlstm(x, h, p, s):
    f, i = logistic(x.f), logistic(x.i)
    g = np.where(x.g >= 0, x.g + 0.5, logistic(x.g))
    return f / (f + i) * s.h + i / (f + i) * g, {}, {"f": f, "i": i, "g": g}


def elstm(x, h, p, s):
    f, z = logistic(x.f + h.f(s.c)), np.tanh(x.z + h.z(s.c))
    c = z + f * (s.c - z)
    o = logistic(x.o + h.o(c))
    return o * c, {"c": c}, {"f": f, "z": z, "o": o}


def elman(squash):
    def step(x, h, p, s):
        y = squash(x.g + h.g)
        return y, {}, {"g": y}

    return step


FAMILY: dict[str, Member] = {
    "lstm": Member(lstm, "i f g o", "g", "c"),
    "no_peepholes": Member(lstm, "i f g o", "g", "c"),
    "original": Member(original, "i g o", "g", "c"),
    "original(input_squash=sigmoid, output_squash=identity)": Member(original_2a, "i g o", "g", "c"),
    "peephole": Member(vanilla(), "i f g o", "g", "c", "i f o"),
    "gers2002": Member(vanilla(linear_in=True, linear_out=True), "i f g o", "g", "c", "i f o"),
    "gers2002(input_squash=tanh)": Member(vanilla(linear_out=True), "i f g o", "g", "c", "i f o"),
    "coupled": Member(coupled, "i g o", "g", "c"),
    "coupled_peephole": Member(vanilla(f_is_1_minus_i=True), "i g o", "g", "c", "i o"),
    "no_input_gate": Member(vanilla(i_is_1=True), "f g o", "g", "c", "f o"),
    "no_forget_gate": Member(vanilla(f_is_1=True), "i g o", "g", "c", "i o"),
    "no_output_gate": Member(vanilla(o_is_1=True), "i f g", "g", "c", "i f"),
    "no_input_activation": Member(vanilla(linear_in=True), "i f g o", "g", "c", "i f o"),
    "no_output_activation": Member(vanilla(linear_out=True), "i f g o", "g", "c", "i f o"),
    "gru": Member(gru, "r z n", "n"),
    "gru_cho": Member(gru_cho, "r z n", "n", products=True),
    "slstm": Member(slstm, "i f z o", "z", "c n m"),
    "minlstm": Member(minlstm, "f i g", "g", recurrent=False),
    "elstm": Member(elstm, "f z o", "z", "c", products=True),
    "multidimensional": Member(vanilla(), "i f g o", "g", "c", "i f o"),
    "elman": Member(elman(np.tanh), "g", "g"),
    "elman(squash=relu)": Member(elman(lambda a: np.maximum(a, 0)), "g", "g"),
}


def by_name(names: str, parts: Any) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(names.split(), parts, strict=True)))


def run(
    member: Member, weights: dict[str, np.ndarray], x: np.ndarray, state: dict[str, np.ndarray]
) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """Runs one layer over x ``[T, B, I]`` from the states ``[B, H]``: each step's output, states and activations."""
    count = len(member.rows.split())
    W, b = np.split(weights["weight_ih"], count), np.split(weights["bias_ih"], count)
    R, d = (np.split(weights["weight_hh"], count), np.split(weights["bias_hh"], count)) if member.recurrent else (W, b)
    p = by_name(member.peepholes, weights.get("weight_peephole", ()))
    outputs, states, activations = [], [], []
    for x_t in x:
        s = SimpleNamespace(**state)
        from_x = by_name(member.rows, [x_t @ W_k.T + b_k for W_k, b_k in zip(W, b, strict=True)])
        products = [lambda v, R_k=R_k, d_k=d_k: v @ R_k.T + d_k for R_k, d_k in zip(R, d, strict=True)]
        from_h = None
        if member.recurrent:
            from_h = by_name(member.rows, products if member.products else [product(s.h) for product in products])
        h, new, seen = member.step(from_x, from_h, p, s)
        state = {"h": h, **new}
        outputs.append(h)
        states.append(state)
        activations.append(seen)
    return outputs, states, activations
