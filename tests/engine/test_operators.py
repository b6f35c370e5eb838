"""The operators as torch knows them: there after a plain import, and proof against whatever they are given."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from against_reference import masks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from carrousel import LSTM
from carrousel.engine import QUIET
from carrousel.engine.doors._noise import written

T, B, I = 5, 3, 4


# There after a plain import

HEAVY = ["numpy", "numba", "llvmlite", "safetensors", "pandas", "sklearn", "carrousel.engine", "carrousel.cells"]


def runs(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("imports", ["import carrousel, torch", "import torch, carrousel"])
def test_a_plain_import_is_enough_and_stays_light(imports: str) -> None:
    """What loads a graph or a package of AOTInductor asks torch's dispatcher for the operators' names."""
    heavy = [name for name in HEAVY if name != "numpy"]  # torch imports that
    code = f"""
{imports}
import sys
for name in ("sequence", "sequence_kept", "sequence_backward"):
    torch._C._dispatch_find_schema_or_throw("carrousel::" + name, "")
    assert getattr(torch.ops.carrousel, name).default
    assert torch._C._dispatch_has_kernel_for_dispatch_key("carrousel::" + name, "CPU")
print([name for name in {heavy} if name in sys.modules])
"""
    assert runs(code).strip() == "[]"


def test_alone_it_imports_nothing_of_that_and_not_torch() -> None:
    assert runs(f"import sys, carrousel; print([n for n in ['torch', *{HEAVY}] if n in sys.modules])").strip() == "[]"


def test_torch_is_imported_as_if_nobody_waited_for_it() -> None:
    runs("""
import sys
before = list(sys.meta_path)
import carrousel, copy, importlib.util
spec = importlib.util.find_spec("torch")  # who only asks whether there is one
assert spec.origin and spec.loader.get_filename("torch") == spec.origin and copy.copy(spec.loader)
assert importlib.util.find_spec("no_such_module") is None
import torch, inspect
assert [finder for finder in sys.meta_path if getattr(finder, "name", None) == "torch"] == []
assert [finder for finder in sys.meta_path if finder in before] == before
import json
assert type(torch.__loader__) is type(torch.__spec__.loader) is type(json.__loader__)
assert "torch" in inspect.getsource(torch)
torch.ops.carrousel.sequence.default
""")


def test_what_goes_wrong_of_ours_is_a_warning_to_who_imports_torch() -> None:
    said = runs("""
import sys, warnings, carrousel
sys.modules["carrousel._operators"] = None  # as if it could not be imported
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    import torch
print([str(w.message) for w in seen if "carrousel" in str(w.message)], torch.zeros(1).item())
""")
    assert "carrousel's operators are not known to torch" in said
    assert "0.0" in said


# Proof against whatever they are given


class Call:
    """The arguments of a call that is right, to be made wrong."""

    def __init__(self, *, noisy: bool = False, **options: Any) -> None:
        torch.manual_seed(0)
        net = LSTM(I, 8, dtype=torch.float64, **options)
        self.layer = net.layers[0]
        self.x = torch.randn(T, B, I, dtype=torch.float64)
        self.state = [torch.rand(B, size, dtype=torch.float64) for size in self.layer.state_sizes]
        self.weights = [weight.detach() for weight in net.parameters()]
        self.lengths: Any = torch.tensor([5, 0, 2])
        self.resets: Any = torch.zeros(T, B, dtype=torch.bool)
        self.key: Any = self.layer.key
        masks = masks_of(self.layer, T, B, ["variational", "candidate", "zoneout_h", "share_c"])
        self.noise, self.kinds = written(masks if noisy else QUIET)
        self.steps, self.reverse = " ".join(self.layer.cell.states), False
        self.kept: list[Tensor] = []
        self.adjoints: list[Tensor] = [torch.ones_like(value) for value in self.forward()]

    def forward(self) -> list[Tensor]:
        return torch.ops.carrousel.sequence(
            self.x, self.state, self.weights, self.noise, self.lengths, self.resets, self.key, self.kinds, self.reverse,
            self.steps,
        )  # fmt: skip

    def keep(self) -> list[Tensor]:
        """Returns the buffers that the call keeps."""
        results = torch.ops.carrousel.sequence_kept(
            self.x, self.state, self.weights, self.noise, self.lengths, self.resets, self.key, self.kinds, self.reverse,
            self.steps, "",
        )  # fmt: skip
        assert all(map(torch.equal, results, self.forward()))
        return results[len(self.adjoints) :]

    def backward(self) -> list[Tensor]:
        return torch.ops.carrousel.sequence_backward(
            self.adjoints, self.kept, self.x, self.state, self.weights, self.noise, self.lengths, self.resets, self.key,
            self.kinds, self.reverse, self.steps, True, True,
        )  # fmt: skip


def changed(key: str, **values: Any) -> str:
    return json.dumps({**json.loads(key), **values})


def without(key: str, name: str) -> str:
    return json.dumps({k: v for k, v in json.loads(key).items() if k != name})


def put(name: str, value: Callable[[Any], Any]) -> Callable[[Call], None]:
    return lambda call: setattr(call, name, value(getattr(call, name)))


def put_one(name: str, place: int, value: Callable[[Tensor], Tensor]) -> Callable[[Call], None]:
    def change(call: Call) -> None:
        values = list(getattr(call, name))
        values[place] = value(values[place])
        setattr(call, name, values)

    return change


def freed(tensor: Tensor) -> Tensor:
    tensor = tensor.clone()
    tensor.untyped_storage().resize_(0)
    return tensor


WRONG: dict[str, tuple[Callable[[Call], None], str]] = {
    "x of two dimensions": (put("x", lambda x: x[0]), r"x should have the shape \[steps, sequences, 4\], got \[3, 4\]"),
    "x without features": (put("x", lambda x: x[..., :0]), "x should have the shape"),
    "x with a feature less": (put("x", lambda x: x[..., 1:]), "x should have the shape"),
    "x for fewer sequences": (put("x", lambda x: x[:, 1:]), r"h should have the shape \[2, 8\], got \[3, 8\]"),
    "x of single precision": (put("x", Tensor.float), "h has the type torch.float64, x torch.float32"),
    "x of integers": (put("x", Tensor.long), "x should be float32 or float64"),
    "x of half precision": (put("x", Tensor.half), "x should be float32 or float64"),
    "x freed": (put("x", freed), "freed"),
    "no state": (put("state", lambda _: []), r"there should be 2 states \(h, c\), got 0"),
    "a state too many": (put("state", lambda s: [*s, s[0]]), "there should be 2 states"),
    "h wider": (put_one("state", 0, lambda h: h.repeat(1, 2)), "h should have the shape"),
    "c narrower": (put_one("state", 1, lambda c: c[:, 1:]), r"c should have the shape \[3, 8\], got \[3, 7\]"),
    "c of another type": (put_one("state", 1, Tensor.float), "c has the type"),
    "c for one sequence": (put_one("state", 1, lambda c: c[:1]), "c should have the shape"),
    "c freed": (put_one("state", 1, freed), "freed"),
    "no weights": (put("weights", lambda _: []), r"there should be 4 weights \(weight_ih, .*\), got 0"),
    "a weight too few": (put("weights", lambda w: w[:-1]), "there should be 4 weights"),
    "weights in another order": (put("weights", lambda w: w[::-1]), "weight_ih should have the shape"),
    "a weight of less": (put_one("weights", 1, lambda w: w[:, 1:]), r"weight_hh should have the shape \[32, 8\]"),
    "a flat weight": (put_one("weights", 0, lambda w: w.flatten()), "weight_ih should have the shape"),
    "a weight of single precision": (put_one("weights", 1, Tensor.float), "weight_hh has the type"),
    "a sparse weight": (put_one("weights", 1, Tensor.to_sparse), r"weight_hh should be .*dense|Sparse"),
    "a weight freed": (put_one("weights", 3, freed), "freed"),
    "a length too few": (put("lengths", lambda n: n[1:]), r"lengths should have the shape \[3\], got \[2\]"),
    "lengths below 0": (put("lengths", lambda n: n - 1), "lengths should lie between 0 and 5, got -1 to 4"),
    "lengths above the steps": (put("lengths", lambda n: n + 1), "lengths should lie between 0 and 5, got 1 to 6"),
    "huge lengths": (put("lengths", lambda n: n + 2**60), "lengths should lie between"),
    "lengths that are no integers": (put("lengths", lambda n: n.double()), "lengths should be integers"),
    "lengths as bools": (put("lengths", lambda n: n > 0), "lengths should be integers"),
    "resets of other steps": (put("resets", lambda r: r[1:]), r"resets should have the shape \[5, 3\]"),
    "resets of integers": (put("resets", lambda r: r.long()), "resets should be bools"),
    "a larger layer": (put("key", lambda k: changed(k, hidden_size=4096)), "h should have the shape"),
    "a layer of no size": (put("key", lambda k: changed(k, hidden_size=0)), "hidden_size is 0"),
    "a layer of negative size": (put("key", lambda k: changed(k, input_size=-4)), "input_size is -4"),
    "a layer of half a size": (put("key", lambda k: changed(k, hidden_size=8.0)), "hidden_size is 8.0"),
    "a layer with a projection to more": (put("key", lambda k: changed(k, proj_size=8)), "proj_size has to be smaller"),
    "a projection of what is read": (put("key", lambda k: changed(k, cell="gru", proj_size=4)), "cannot be projected"),
    "heads that do not divide": (put("key", lambda k: changed(k, heads=3)), "heads 3 does not divide"),
    "blocks that do not divide": (put("key", lambda k: changed(k, block_size=5)), "block_size 5 does not divide"),
    "blocks of nothing": (put("key", lambda k: changed(k, block_size=0)), "block_size is 0"),
    "more heads than weights are for": (put("key", lambda k: changed(k, heads=2)), "weight_hh should have the shape"),
    "diagonal heads": (put("key", lambda k: changed(k, heads=2, diagonal=True)), "does not go together"),
    "gates that send to nobody": (put("key", lambda k: changed(k, gate_recurrence="x")), "gate_recurrence is 'x'"),
    "gates that send": (put("key", lambda k: changed(k, gate_recurrence="all")), "there should be 5 states"),
    "steps of what is not there": (put("steps", lambda _: "c n"), "steps should be some of c, f, g, i, o"),
    "steps of h": (put("steps", lambda _: "h"), "steps should be some of"),
    "steps twice": (put("steps", lambda _: "c c"), "steps should be some of"),
    "noise that nobody described": (put("noise", lambda _: [torch.ones(3, 8).double()]), "more than its description"),
    "noise that is not there": (put("kinds", lambda _: "variational"), r"the shape \[3, 8\]"),
    "noise of a share above 1": (put("kinds", lambda _: "zoneout_h=1.5"), "noise that carrousel cannot read"),
    "noise of no number": (put("kinds", lambda _: "zoneout_h=nan"), "noise that carrousel cannot read"),
    "noise of another kind": (put("kinds", lambda _: "white=0.5"), "noise that carrousel cannot read"),
    "noise of a kind twice": (put("kinds", lambda _: "zoneout_h=0.5 zoneout_h=0.5"), "has a word twice"),
    "a layer with another cell": (put("key", lambda k: changed(k, cell="slstm")), "there should be 4 states"),
    "a layer with an unknown cell": (put("key", lambda k: changed(k, cell="gpt")), "unknown cell 'gpt'"),
    "a layer without a cell": (put("key", lambda k: without(k, "cell")), "cannot read"),
    "a layer without a size": (put("key", lambda k: without(k, "hidden_size")), "cannot read"),
    "a layer with something more": (put("key", lambda k: changed(k, depth=3)), "cannot read"),
    "an empty layer": (put("key", lambda _: ""), "cannot read"),
    "a layer that is a list": (put("key", lambda _: "[1, 2]"), "cannot read"),
    "a layer that is deep": (put("key", lambda _: "[" * 100_000), "cannot read"),
}

WRONG_ADJOINTS: dict[str, tuple[Callable[[Call], None], str]] = {
    "none": (put("adjoints", lambda _: []), r"there should be 4 adjoints \(output, h, c, every c\), got 0"),
    "one too many": (put("adjoints", lambda d: [*d, d[0]]), "there should be 4 adjoints"),
    "that of the output of fewer steps": (put_one("adjoints", 0, lambda d: d[1:]), "output should have the shape"),
    "that of c of single precision": (put_one("adjoints", 2, Tensor.float), "c has the type"),
    "that of every c narrower": (put_one("adjoints", 3, lambda d: d[..., :1]), "every c should have the shape"),
    "one freed": (put_one("adjoints", 0, freed), "freed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_refused(name: str) -> None:
    change, message = WRONG[name]
    call = Call()
    change(call)
    for run in (call.forward, call.backward):
        with pytest.raises((TypeError, ValueError, RuntimeError, NotImplementedError), match=message):
            run()


@pytest.mark.parametrize("name", WRONG_ADJOINTS)
def test_wrong_adjoints_are_refused(name: str) -> None:
    change, message = WRONG_ADJOINTS[name]
    call = Call()
    change(call)
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        call.backward()


WRONG_BUFFERS: dict[str, tuple[Callable[[Call], None], str]] = {
    "one less": (put("kept", lambda k: k[1:]), r"there should be 3 buffers .* got 2"),
    "one more": (put("kept", lambda k: [*k, k[0]]), "there should be 3 buffers"),
    "in another order": (put("kept", lambda k: k[::-1]), "buffer 0 should have the shape"),
    "of fewer rows": (put_one("kept", 1, lambda k: k[1:]), "buffer 1 should have the shape"),
    "of another type": (put_one("kept", 2, Tensor.float), "buffer 2 has the type"),
    "with gaps": (put_one("kept", 0, lambda k: k.mT.contiguous().mT), "buffers should be contiguous"),
    "freed": (put_one("kept", 0, freed), "freed"),
}


@pytest.mark.parametrize("name", WRONG_BUFFERS)
def test_wrong_buffers_are_refused(name: str) -> None:
    change, message = WRONG_BUFFERS[name]
    call = Call()
    call.kept = call.keep()
    change(call)
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        call.backward()


KEPT = [
    {}, {"cell": "gru"}, {"cell": "slstm"}, {"proj_size": 3}, {"cell": "peephole", "layer_norm": True},
    {"cell": "peephole", "block_size": 2}, {"gate_recurrence": "gates"}, {"gate_recurrence": "all", "bias": False},
    {"heads": 2}, {"diagonal": True}, {"cell": "gru", "layer_norm": True, "diagonal": True},
]  # fmt: skip


RAGGED: dict[str, tuple[Any, Any]] = {
    "whole": (None, None),
    "ragged": (torch.tensor([5, 0, 2]), None),
    "equally short": (torch.tensor([3, 3, 3]), None),
    "reset": (None, torch.rand(T, B, generator=torch.Generator().manual_seed(1)) < 0.4),
    "reset everywhere": (None, torch.ones(T, B, dtype=torch.bool)),
    "ragged and reset": (torch.tensor([1, 5, 4]), torch.rand(T, B, generator=torch.Generator().manual_seed(2)) < 0.4),
}


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("ragged", RAGGED)
@pytest.mark.parametrize("options", KEPT, ids=str)
def test_what_is_kept_is_as_good_as_another_forward_pass(options: dict[str, Any], ragged: str, noisy: bool) -> None:
    """And it can be used twice."""
    call = Call(noisy=noisy, **options)
    (call.lengths, call.resets), call.reverse = RAGGED[ragged], noisy
    call.kept = call.keep()
    assert call.kept
    assert len({buffer.untyped_storage().data_ptr() for buffer in call.kept}) == len(call.kept)
    once, twice = call.backward(), call.backward()
    call.kept = []
    for value, other, want in zip(once, twice, call.backward(), strict=True):
        assert torch.equal(value, other)
        torch.testing.assert_close(value, want, rtol=1e-12, atol=1e-12)


WRONG_NOISE: dict[str, tuple[Callable[[Call], None], str]] = {
    "a tensor less": (put("noise", lambda n: n[1:]), "noise should have the shape"),
    "a tensor more": (put("noise", lambda n: [*n, n[0]]), "more than its description"),
    "that of a sequence for fewer": (put_one("noise", 0, lambda n: n[1:]), "noise should have the shape"),
    "that of a step for fewer steps": (put_one("noise", 1, lambda n: n[1:]), "noise should have the shape"),
    "a narrower one": (put_one("noise", 2, lambda n: n[..., 1:]), "noise should have the shape"),
    "a sparse one": (put_one("noise", 0, Tensor.to_sparse), r"noise should|Sparse"),
    "another type": (put_one("noise", 0, Tensor.float), "noise has the type torch.float32, x torch.float64"),
    "one freed": (put_one("noise", 1, freed), "freed"),
}


@pytest.mark.parametrize("name", WRONG_NOISE)
def test_wrong_noise_is_refused(name: str) -> None:
    change, message = WRONG_NOISE[name]
    call = Call(noisy=True)
    assert all(value.isfinite().all() for value in (*call.forward(), *call.backward()))
    change(call)
    for run in (call.forward, call.backward):
        with pytest.raises((TypeError, ValueError, RuntimeError, NotImplementedError), match=message):
            run()


@pytest.mark.parametrize("options", [{}, {"cell": "gru"}, {"cell": "peephole", "layer_norm": True}, {"proj_size": 3}])
def test_what_is_right_is_computed(options: dict[str, Any]) -> None:
    call = Call(**options)
    results = [*call.forward(), *call.backward()]
    assert len(results) == len(call.adjoints) + 1 + len(call.state) + len(call.weights)
    assert all(value.isfinite().all() for value in results)
    call.lengths = call.resets = None
    assert call.forward()[0].abs().min() > 0


@pytest.mark.parametrize("steps", ["", "c", "o c i f g"])
def test_steps_are_given_in_the_order_in_which_they_are_asked_for(steps: str) -> None:
    call = Call()
    call.steps = "c i f g o"
    every = dict(zip(call.steps.split(), call.forward()[3:], strict=True))
    call.steps = steps
    for name, value in zip(steps.split(), call.forward()[3:], strict=True):
        assert torch.equal(value, every[name])


def test_signs_and_strides_of_arguments_are_taken_as_they_are() -> None:
    call, odd = Call(), Call()
    odd.x = torch._neg_view(-odd.x.transpose(0, 1).contiguous().transpose(0, 1))
    odd.state = [torch._neg_view(-value) for value in odd.state]
    odd.weights = [torch._neg_view(-value.mT.contiguous().mT if value.dim() > 1 else -value) for value in odd.weights]
    odd.adjoints = [value[..., :1].expand(value.shape) for value in odd.adjoints]
    torch.testing.assert_close([*odd.forward(), *odd.backward()], [*call.forward(), *call.backward()])


SIZES = st.integers(0, 9)


@given(
    x=st.lists(SIZES, min_size=1, max_size=4),
    states=st.lists(st.lists(SIZES, min_size=1, max_size=3), max_size=3),
    weights=st.lists(st.lists(SIZES, min_size=1, max_size=2), max_size=5),
    lengths=st.none() | st.lists(st.integers(-3, 12), max_size=5),
    resets=st.none() | st.lists(SIZES, min_size=2, max_size=2),
    right=st.sets(st.sampled_from(["x", "state", "weights", "lengths", "resets"])),
    hidden=st.integers(1, 9),
)
@settings(max_examples=200, deadline=None)
def test_any_shapes_are_refused_or_right(x, states, weights, lengths, resets, right, hidden) -> None:
    """Of some arguments any shapes, the others right: the results have the layer's shapes, or there are none."""
    call = Call()
    made = {
        "x": torch.ones(x, dtype=torch.float64),
        "state": [torch.ones(shape, dtype=torch.float64) for shape in states],
        "weights": [torch.ones(shape, dtype=torch.float64) for shape in weights],
        "lengths": None if lengths is None else torch.tensor(lengths, dtype=torch.int64),
        "resets": None if resets is None else torch.ones(resets, dtype=torch.bool),
    }
    for name in made.keys() - right:
        setattr(call, name, made[name])
    call.key = changed(call.key, hidden_size=hidden)
    try:
        output, h, c, every = call.forward()
    except (TypeError, ValueError):
        return
    steps, count = call.x.shape[:2]
    assert output.shape == every.shape == (steps, count, hidden)
    assert h.shape == c.shape == (count, hidden)
