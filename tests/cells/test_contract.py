"""The decorator, options, registry and mathematics of cells."""

import copy
import pickle
from dataclasses import replace

import pytest
import torch

import carrousel
from carrousel import Gates, State, cell, cells
from carrousel.cells import math
from carrousel.cells._registry import Registry
from carrousel.cells.math import identity, relu, sigmoid, tanh


def declare(equations, rows="i g", **declaration):
    """Decorates, with a declaration that fits ``good`` below where nothing else is said."""
    return cell(rows, **{"candidates": "g", "states": "c", "name": "attempt", **declaration})(equations)


def good(z, s, p):
    c = s.c + sigmoid(z.i) * p.g(tanh(z.g))
    return tanh(c), State(c=c), Gates(i=sigmoid(z.i), g=tanh(z.g))


def test_a_good_cell_knows_itself() -> None:
    made = declare(good)
    assert (made.name, made.rows, made.gates, made.candidates) == ("attempt", ("i", "g"), ("i",), ("g",))
    assert (made.states, made.peepholes, made.recurrent, made.spec) == (("c",), (), True, "attempt")
    assert made.reads_output is False
    assert made.exits == ()
    assert cells["lstm"].exits == ("c",)
    assert cells["gru"].reads_output is True


def returns(h, state, gates):
    def equations(z, s, p):
        used = z.i + p.g(z.g) + s.c
        values = {"used": used, "half": used[..., :0], "number": 0.5}
        return (
            values[h],
            State(**{key: values[value] for key, value in state.items()}),
            Gates(**{key: values[value] for key, value in gates.items()}),
        )

    return equations


def no_triple(z, s, p):
    return good(z, s, p)[:2]


def plain_dicts(z, s, p):
    h, state, gates = good(z, s, p)
    return h, vars(state), vars(gates)


def unused_row(z, s, p):
    g = p.g(z.g)
    return g, State(c=s.c), Gates(i=g, g=g)


def unused_port(z, s, p):
    return z.i, State(c=s.c), Gates(i=z.i, g=z.g)


def unknown_row(z, s, p):
    return z.q, State(), Gates()


def unknown_state(z, s, p):
    return s.d, State(), Gates()


def unknown_port(z, s, p):
    return p.i(s.c), State(), Gates()


def broken(z, s, p):
    return tanh(z.i, z.g), State(), Gates()


def needy(z, s, p, *, squash):
    return good(z, s, p)


def products(count):
    def equations(z, s, p):
        i = z.i.input + sum(z.i.recurrent(s.h) for _ in range(count))
        return i, State(c=s.c), Gates(i=i, g=p.g(z.g))

    return equations


FULL = {"i": "used", "g": "used"}


@pytest.mark.parametrize(
    ("equations", "declaration", "message"),
    [
        (good, {"rows": ""}, "declares no rows"),
        (good, {"rows": "i g g"}, "stands twice"),
        (good, {"states": "g"}, "stands twice"),
        (good, {"states": "h"}, "'h' is the output"),
        (good, {"rows": "h g"}, "'h' is the output"),
        (good, {"rows": "i-1 g"}, "'i-1' cannot be a name"),
        (good, {"rows": "_i g"}, "'_i' cannot be a name"),
        (good, {"name": "not-a-word"}, "must be one word"),
        (good, {"candidates": "q"}, "candidate 'q' is not among i, g"),
        (good, {"peepholes": "g"}, "peephole 'g' is not among i"),
        (good, {"peepholes": "q"}, "peephole 'q' is not among i"),
        (good, {"split": "q"}, "split row 'q' is not among i, g"),
        (good, {"split": "i", "recurrent": False}, "cannot be split"),
        (good, {"gated": "q"}, "gated row 'q' is not among i, g"),
        (good, {"gated": "i", "recurrent": False}, "cannot be gated"),
        (good, {"split": "i", "gated": "i"}, "both split and gated"),
        (products(0), {"gated": "i"}, r"ask 0 times for z\.i\.recurrent"),
        (products(2), {"gated": "i"}, r"ask 2 times for z\.i\.recurrent"),
        (good, {"states": "c d"}, r"return State\(c\), its declaration says c, d"),
        (good, {"states": ""}, r"use s\.c, which is not declared; s has h"),
        (good, {"rows": "i f g"}, r"return Gates\(i, g\), its declaration says i, f, g"),
        (good, {"peepholes": "i"}, r"never use the peephole p\.i"),
        (no_triple, {}, r"must return \(h, State\(\.\.\.\), Gates\(\.\.\.\)\)"),
        (plain_dicts, {}, "must return"),
        (unused_row, {}, r"never use z\.i"),
        (unused_port, {}, r"never use the candidate's port p\.g\(tanh\(z\.g\)\)"),
        (unknown_row, {}, r"use z\.q, which is not declared; z has i, g"),
        (unknown_state, {}, r"use s\.d, which is not declared; s has c, h"),
        (unknown_port, {}, r"use p\.i, which is not declared; p has g, c"),
        (broken, {}, "its equations fail: TypeError"),
        (needy, {}, "option 'squash' has no default"),
        (returns("number", {"c": "used"}, FULL), {}, "return for h not a value for each cell but 0.5"),
        (returns("used", {"c": "number"}, FULL), {}, "return for c not a value"),
        (returns("used", {"c": "half"}, FULL), {}, "return for c not a value"),
        (returns("used", {"c": "used"}, {"i": "number", "g": "used"}), {}, "return for i not a value"),
    ],
)
def test_declaration_and_equations_are_held_together(equations, declaration, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        declare(equations, **declaration)
    assert str(caught.value).startswith(f"cell {declaration.get('name', 'attempt')!r}: ")


def test_options() -> None:
    elman = cells["elman"]
    assert elman.using(squash=relu).spec == "elman(squash=relu)"
    assert elman.using(squash=relu) == cells.get("elman(squash=relu)") == cells.get(" elman( squash = relu ) ")
    assert elman.using(squash=relu).using(squash=identity).spec == "elman(squash=identity)"
    both = cells.get("original(output_squash=identity, input_squash=sigmoid)")
    assert both.spec == "original(input_squash=sigmoid, output_squash=identity)"
    assert cells.get(both.spec) == both


def test_a_default_spelled_out_is_the_same_cell() -> None:
    assert cells.get("elman(squash=tanh)") == cells["elman"]
    assert cells["elman"].using(squash=relu).using(squash=tanh).spec == "elman"


@cell("i g", candidates="g", states="c")
def leaky(z, s, p, *, leak=0.5):
    c = leak * s.c + sigmoid(z.i) * p.g(tanh(z.g))
    return tanh(c), State(c=c), Gates(i=sigmoid(z.i), g=tanh(z.g))


def test_a_number_as_an_option() -> None:
    registry = Registry()
    registry.register(leaky)
    found = registry.resolve("leaky(leak=0.25)")
    assert dict(found.options) == {"leak": 0.25}
    c = torch.ones(2)
    zero = torch.zeros(2)
    z, s, p = State(i=zero, g=zero), State(c=c, h=zero), State(g=identity)
    assert torch.equal(found(z, s, p)[1].c, 0.25 * c)
    assert registry.resolve(found.spec) == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lsmt", "unknown cell 'lsmt'; did you mean 'lstm'"),
        ("peepholes", "did you mean 'peephole'"),
        ("LSTM", "unknown cell 'LSTM'"),
        ("qqqq", r"unknown cell 'qqqq' \(known: lstm, "),
        ("", "cannot read ''"),
        ("lstm gru", "cannot read 'lstm gru'"),
        ("elman(squash=relu", "cannot read"),
        ("elman(relu)", "cannot read the option 'relu' of cell 'elman': name=value"),
        ("elman(squash=relu,)", "cannot read the option ''"),
        ("elman(squash=Tanh)", "option 'squash' of cell 'elman'.* is 'Tanh'"),
        ("elman(squish=relu)", "cell 'elman' has no option 'squish': its options are squash"),
        ("lstm(squash=relu)", "cell 'lstm' has no option 'squash': it has none"),
        ("elman(squash=3)", r"cell 'elman\(squash=3\.0\)': its equations fail"),
        ("elman(squash=maximum)", r"cell 'elman\(squash=maximum\)': its equations fail"),
    ],
)
def test_wrong_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cells.get(name)
    with pytest.raises(ValueError, match=message):
        carrousel.LSTM(2, 3, cell=name)


@pytest.mark.parametrize("wrong", [None, 3, good, torch.nn.LSTM])
def test_what_is_no_cell_at_all(wrong) -> None:
    with pytest.raises(TypeError, match=r"a cell is a name or the result of the decorator carrousel\.cell"):
        cells.get(wrong)


def test_the_module_is_a_mapping() -> None:
    assert "lstm" in cells
    assert "lsmt" not in cells
    assert len(cells) == len(list(cells)) == len(dict(cells.items())) >= 16
    assert list(cells.keys()) == list(cells)
    for name, value in cells.items():
        assert value.name == name
        assert cells[name] is value
        assert value.doc
    assert list(cells.values()) == [cells[name] for name in cells]
    with pytest.raises(ValueError, match="did you mean 'gru'"):
        cells["grus"]


def test_a_name_is_given_once() -> None:
    registry = Registry()
    assert registry.register(leaky) is leaky
    registry.register(leaky)
    with pytest.raises(ValueError, match="there is a cell named 'leaky' already"):
        registry.register(replace(cells["lstm"], name="leaky"))


def test_copies() -> None:
    for original in (*cells.values(), cells.get("elman(squash=relu)"), leaky, leaky.using(leak=0.75)):
        assert pickle.loads(pickle.dumps(original)) == original
        assert copy.deepcopy(original) is original


def test_a_cell_that_cannot_be_found_again_is_not_pickled() -> None:
    with pytest.raises(pickle.PicklingError, match="cell 'attempt' cannot be pickled"):
        pickle.dumps(declare(good))
    local = declare(lambda z, s, p: good(z, s, p))
    assert copy.deepcopy(local) is local
    with pytest.raises(pickle.PicklingError, match="cannot be pickled"):
        pickle.dumps(local)


X = torch.tensor([-30.0, -1.5, -0.2, 0.0, 0.3, 2.0, 30.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("function", "want"),
    [
        (math.sigmoid, 1 / (1 + (-X).exp())),
        (math.sigmoid_pm1, 2 / (1 + (-X).exp()) - 1),
        (math.sigmoid_pm2, 4 / (1 + (-X).exp()) - 2),
        (math.tanh, (X.exp() - (-X).exp()) / (X.exp() + (-X).exp())),
        (math.identity, X),
        (math.relu, X * (X > 0)),
        (math.exp, torch.e**X),
        (math.softplus, X.clamp(min=0) + (-X.abs()).exp().log1p()),
        (math.logsigmoid, -((-X).clamp(min=0) + (-X.abs()).exp().log1p())),
        (math.absolute, (X * X).sqrt()),
        (math.stop_gradient, X),
        (lambda x: math.log(math.absolute(x) + 1), torch.log1p(X.abs())),
        (lambda x: math.maximum(x, 0.25), X.clamp(min=0.25)),
        (lambda x: math.maximum(0.25, x), X.clamp(min=0.25)),
        (lambda x: math.minimum(x, -x), -X.abs()),
        (lambda x: math.where(x >= 0.3, x, -1.0), torch.tensor([-1, -1, -1, -1, 0.3, 2, 30]).double()),
        (lambda x: math.where(math.equal(x, 0.0), 1.0, x * 0), (X == 0).double()),
    ],
)
def test_functions(function, want) -> None:
    torch.testing.assert_close(function(X), want)


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (math.relu, 0.0, 0.0),
        (math.absolute, 0.0, 0.0),
        (lambda x: math.maximum(x, 0.0), 0.0, 0.5),
        (lambda x: math.minimum(x, 0.0), 0.0, 0.5),
        (lambda x: math.stop_gradient(x) * x, 3.0, 3.0),
        (lambda x: math.where(x > 0.0, x, 2 * x), -1.0, 2.0),
        (math.softplus, 1000.0, 1.0),
        (math.logsigmoid, -1000.0, 1.0),
    ],
)
def test_slopes_where_they_are_a_choice(function, at: float, slope: float) -> None:
    x = torch.tensor(at, requires_grad=True)
    assert torch.autograd.grad(function(x), x)[0] == slope


class Symbol:
    """A stand-in for the engine's symbols: it writes down what is asked of it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __carrousel__(self, operation, arguments):
        return Symbol(f"{operation}({', '.join(getattr(a, 'text', repr(a)) for a in arguments)})")


def test_functions_take_symbols() -> None:
    x = Symbol("x")
    assert math.tanh(x).text == "tanh(x)"
    assert math.maximum(0.0, x).text == "maximum(0.0, x)"
    assert math.where(math.equal(x, 0.0), x, 1.0).text == "where(equal(x, 0.0), x, 1.0)"
    for name in set(math.__all__) - {"identity", "sigmoid_pm1", "sigmoid_pm2", "where", "equal", "maximum", "minimum"}:
        assert getattr(math, name)(x).text == f"{name}(x)"


def test_functions_refuse_what_is_neither() -> None:
    with pytest.raises(TypeError, match="tanh takes torch tensors, got float"):
        math.tanh(0.5)


def test_an_unknown_name_is_an_error_of_a_mapping_too() -> None:
    with pytest.raises(KeyError, match=r"^unknown cell 'lsmt'; did you mean 'lstm'"):
        cells["lsmt"]
