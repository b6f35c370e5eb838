"""Cells that recur over several dimensions: how they are declared, and what their equations are given."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import carrousel
from carrousel import Gates, State, cell, cells
from carrousel.cells.math import sigmoid, tanh


def test_rows_and_peepholes_of_each_dimension() -> None:
    over = cells["multidimensional"].using(dimensions=3)
    assert over.rows == ("i", "f0", "f1", "f2", "g", "o")
    assert over.peepholes == ("i", "f0", "f1", "f2", "o")
    assert over.gates == ("i", "f0", "f1", "f2", "o")
    assert (over.states, over.old) == (("c",), ("c0", "c1", "c2"))
    assert over.using(dimensions=1) == cells["multidimensional"]
    assert over.using(dimensions=2) == cells["multidimensional"].using(dimensions=2) != over


def test_its_name_says_how_many() -> None:
    over = cells["multidimensional(dimensions=2)"]
    assert over == cells["multidimensional"].using(dimensions=2) == cells.get(over.spec)
    assert pickle.loads(pickle.dumps(over)) == over
    assert cells["elman(squash=relu, dimensions=2)"].spec == "elman(squash=relu, dimensions=2)"


def numbers(names: str, size: int = 4) -> SimpleNamespace:
    rng = np.random.default_rng(len(names))
    return SimpleNamespace(**{name: torch.tensor(rng.normal(size=size)) for name in names.split()})


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_papers_equations(n) -> None:
    """In NumPy, from Graves et al. 2007 and the peepholes of RNNLIB."""
    over = cells["multidimensional"].using(dimensions=n)
    z, s, p = numbers(" ".join(over.rows)), numbers(" ".join(over.old)), numbers(" ".join(over.peepholes))
    ports = {name: weight.__mul__ for name, weight in vars(p).items()}
    h, state, gates = over(z, s, SimpleNamespace(**ports, g=lambda v: v, c=lambda v: v))

    def logistic(a):
        return 1 / (1 + np.exp(-a))

    z, s, p = (SimpleNamespace(**{k: v.numpy() for k, v in vars(each).items()}) for each in (z, s, p))
    olds, fs = [vars(s)[name] for name in over.old], [name for name in over.rows if name.startswith("f")]
    i = logistic(z.i + p.i * sum(olds))
    f = [logistic(vars(z)[name] + vars(p)[name] * old) for name, old in zip(fs, olds, strict=True)]
    c = i * np.tanh(z.g) + sum(each * old for each, old in zip(f, olds, strict=True))
    o = logistic(z.o + p.o * c)
    np.testing.assert_allclose(h, o * np.tanh(c))
    np.testing.assert_allclose(state.c, c)
    for name, value in {"i": i, **dict(zip(fs, f, strict=True)), "g": np.tanh(z.g), "o": o}.items():
        np.testing.assert_allclose(getattr(gates, name), value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lstm", "has states and no row for each dimension"),
        ("gru", "split or gated rows"),
        ("gru_cho", "split or gated rows"),
        ("minlstm", "reads its old output"),
    ],
)
def test_refuses_several_dimensions(name, words) -> None:
    with pytest.raises(ValueError, match=words):
        cells[name].using(dimensions=2)
    assert cells[name].using(dimensions=1) == cells[name]


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "2"])
def test_dimensions_are_counted(count) -> None:
    with pytest.raises(ValueError, match="whole number of at least 1"):
        cells["elman"].using(dimensions=count)


def test_a_sequence_has_one_dimension() -> None:
    with pytest.raises(ValueError, match="is for 2 dimensions, and sequences have one"):
        carrousel.LSTM(3, 4, cell="multidimensional(dimensions=2)")


def test_a_declaration_is_held_against_its_equations() -> None:
    def good(z, s, p):
        f, g = tuple(map(sigmoid, z.f)), p.g(tanh(z.g))
        c = sum(f_d * c_d for f_d, c_d in zip(f, s.c, strict=True)) + g
        return tanh(c), State(c=c), Gates(f=f, g=g)

    assert cell("f* g", candidates="g", states="c", name="good")(good).several == ("f",)

    def unused(z, s, p):
        c = s.c[0] + p.g(tanh(z.g))
        return c, State(c=c), Gates(f=s.c, g=c)

    def no_tuple(z, s, p):
        f, g = sigmoid(z.f[0]), p.g(tanh(z.g))
        c = f * s.c[0] + g
        return tanh(c), State(c=c), Gates(f=f, g=g)

    def reads_h(z, s, p):
        h, state, gates = good(z, s, p)
        return h + s.h, state, gates

    for equations, words in ((unused, "never use z.f"), (no_tuple, "a tuple"), (reads_h, "use s.h")):
        with pytest.raises(ValueError, match=words):
            cell("f* g", candidates="g", states="c", name="bad")(equations)
    with pytest.raises(ValueError, match="cannot be split or gated"):
        cell("f* g", candidates="g", states="c", split="g", name="bad")(good)
