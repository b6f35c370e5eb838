"""Where numbers stand: freed memory, small stacks, lazy signs, and derivatives in one piece."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from configurations import ALL, CELLS, I, as_hx, as_tuple, random_state, running_on
from configurations import make as make_small
from layer_options import fits
from torch import Tensor, nn

import carrousel
from carrousel import engine
from carrousel.engine import Layer, cpu
from carrousel.engine.cpu import _step

SIZES = [8, 16, 7]  # whole vectors of AVX2, of AVX-512, of neither
T, B = 5, 3


def network(H: int, **options) -> carrousel.LSTM:
    torch.manual_seed(0)
    return carrousel.LSTM(4, H, **options)


# Freed memory


def freed(tensor: Tensor) -> Tensor:
    tensor.untyped_storage().resize_(0)
    return tensor


def a_pass(net: carrousel.LSTM, given: dict[str, Tensor]) -> Callable[[], object]:
    return lambda: net(given["x"], (given["h"], given["c"]))


def a_ragged_pass(net: carrousel.LSTM, given: dict[str, Tensor]) -> Callable[[], object]:
    return lambda: net(given["x"], (given["h"], given["c"]), lengths=[5, 0, 2], resets=torch.ones(T, B) > 0)


def a_step(net: carrousel.LSTM, given: dict[str, Tensor]) -> Callable[[], object]:
    return torch.no_grad()(lambda: net.step(given["x"][0], (given["h"], given["c"])))


def a_step_with_gradients(net: carrousel.LSTM, given: dict[str, Tensor]) -> Callable[[], object]:
    return lambda: net.step(given["x"][0], (given["h"], given["c"]))


def a_backward_pass(net: carrousel.LSTM, given: dict[str, Tensor]) -> Callable[[], object]:
    return net(given["x"], (given["h"], given["c"]))[0].sum().backward


@pytest.mark.parametrize("H", SIZES)
@pytest.mark.parametrize("name", ["x", "h", "c", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "weight_peephole_l0"])
@pytest.mark.parametrize("call", [a_pass, a_ragged_pass, a_step, a_step_with_gradients, a_backward_pass])
def test_freed_memory_is_never_read(call: Callable, name: str, H: int) -> None:
    """torch's own operations end the process there."""
    net = network(H, cell="peephole")
    given = {"x": torch.randn(T, B, 4), "h": torch.randn(1, B, H), "c": torch.randn(1, B, H)}
    run = call(net, given)
    freed(given[name] if name in given else getattr(net, name).data)
    with pytest.raises(RuntimeError, match=r"freed|setStorage"):  # torch's own word where it makes a view first
        run()


@pytest.mark.parametrize("options", [{"diagonal": True}, {"heads": 2}], ids=str)
def test_nor_by_the_reference(options: dict) -> None:
    net, x = network(8, **options), torch.randn(T, B, 4)
    freed(net.weight_hh_l0.data)
    for run in (lambda: net(x), lambda: net.step(x[0])):
        with pytest.raises(RuntimeError, match=r"a tensor of shape \[.*\] has no memory: its storage was freed"):
            run()


def test_a_packed_sequence_of_freed_memory() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.randn(3, 4), torch.randn(2, 4)])
    freed(packed.data)
    with pytest.raises(RuntimeError, match="freed"):
        network(8)(packed)


def test_weights_that_come_back_are_used() -> None:
    """Sharded training frees weights after a pass, and gathers them again before the next."""
    net, x = network(16), torch.randn(T, B, 4)
    want = net(x)[0]
    kept = net.weight_hh_l0.detach().clone()
    freed(net.weight_hh_l0.data)
    net.weight_hh_l0.data.untyped_storage().resize_(kept.nbytes)
    net.weight_hh_l0.data.copy_(kept)
    assert torch.equal(net(x)[0], want)


@pytest.mark.parametrize("H", SIZES)
def test_zeros_that_torch_keeps_no_memory_for(H: int) -> None:
    net, x = network(H), torch._efficientzerotensor(T, B, 4)
    torch.testing.assert_close(net(x)[0], net(torch.zeros(T, B, 4))[0])
    state = (torch.zeros(1, B, H),) * 2
    with torch.no_grad():
        torch.testing.assert_close(net.step(x[0], state)[0], net.step(torch.zeros(B, 4), state)[0])


# Lazy signs


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("H", [16, 7])
def test_a_lazily_negated_tensor_is_what_it_says(cell: str, H: int) -> None:
    """One after the other, whatever a network is given: x, states, lengths, every weight."""
    net = network(H, **CELLS[cell])
    layer, names = net.layers[0], dict(net.named_parameters())
    given = {"x": torch.randn(T, B, 4), "lengths": torch.tensor([2, 0, 5])}
    given |= {f"state {k}": torch.rand(1, B, size) + 0.5 for k, size in enumerate(layer.state_sizes)}
    given |= {name: weight.detach() for name, weight in names.items()}
    one_step = carrousel.LSTMCell(4, H, **CELLS[cell])

    def results(negated: str | None) -> Iterator[Tensor]:
        now = {name: torch._neg_view(-value) if name == negated else value for name, value in given.items()}
        state = [now[f"state {k}"] for k in range(len(layer.state_sizes))]
        for name in names:
            net._parameters[name] = nn.Parameter(now[name])
            one_step._parameters[name.removesuffix("_l0")] = nn.Parameter(now[name])
        with torch.no_grad():
            for output, final in (
                net(now["x"], as_hx(tuple(state))),
                net(now["x"], as_hx(tuple(state)), lengths=now["lengths"]),
                net.step(now["x"][0], as_hx(tuple(state))),
            ):
                yield from (output, *as_tuple(final))
            yield from as_tuple(one_step(now["x"][0], as_hx(tuple(value[0] for value in state))))

    want = list(results(None))
    for name in given:
        torch.testing.assert_close(list(results(name)), want, msg=lambda text, name=name: f"{name}: {text}")


# Stacks

SMALL_STACK = """
import threading, torch, carrousel

def ready(H, dtype):
    net, x = carrousel.LSTM(H, H, cell="peephole", proj_size=H // 2, dtype=dtype), torch.randn(3, 8, H, dtype=dtype)
    one, state = carrousel.LSTM(H, H, dtype=dtype), (torch.zeros(1, 8, H, dtype=dtype),) * 2

    def work():
        net(x, lengths=[3, 0, 1, 2, 3, 3, 1, 1], resets=torch.rand(3, 8) < 0.3)[0].sum().backward()
        with torch.no_grad():
            net(x)
            results.append(one.step(x[0], state)[0])

    results = []
    work()  # what is compiled and imported is so once, and by whoever has the room
    return work, results

for work, results in [ready(H, dtype) for H in (16, 40, 256) for dtype in (torch.float32, torch.float64)]:
    threading.stack_size(64 << 10)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.equal(*results)
    print("done")
"""


def test_a_thread_with_a_small_stack() -> None:
    done = subprocess.run([sys.executable, "-c", SMALL_STACK], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout.split()) == (0, 6 * ["done"]), done.stderr


def test_a_step_with_its_own_memory_and_on_the_stack_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x, state = network(16), torch.randn(4, 4), (torch.randn(1, 4, 16), torch.randn(1, 4, 16))

    def step() -> list[Tensor]:
        net.layers[0].kernels.clear()
        with torch.no_grad():
            output, final = net.step(x, state)
        return [output, *final]

    on_stack = step()
    monkeypatch.setattr(_step, "_STACK", 0)
    assert all(map(torch.equal, on_stack, step()))


# Derivatives

SHAPES = [{}, {"proj_size": 5}, {"layer_norm": True}, {"bias": False}]


def everything_of(net: carrousel.LSTM, x: Tensor, state: tuple[Tensor, ...], **options) -> dict[str, Tensor]:
    given = {"x": x.requires_grad_(), **{f"state {k}": value.requires_grad_() for k, value in enumerate(state)}}
    given |= dict(net.named_parameters())
    output, final, steps = net(x, as_hx(state), return_states=True, **options)
    total = sum(value.square().sum() for value in (output, *as_tuple(final), *steps.values()))
    return dict(zip(given, torch.autograd.grad(total, list(given.values())), strict=True))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("H", [*SIZES, 40])
def test_derivatives_are_in_one_piece(cell: str, H: int) -> None:
    """As torch's are: who takes ``.view(-1)`` of each to clip their norm must not be told that it cannot be done."""
    for shape in SHAPES:
        if not fits(carrousel.cells.get(cell), shape):
            continue
        net = network(H, **CELLS[cell], **shape)
        assert cpu.refuses_layer(net.layers[0]) is None
        sizes = net.layers[0].state_sizes
        for options in ({}, {"lengths": [5, 0, 2]}):
            state = tuple(torch.rand(1, B, size) + 0.5 for size in sizes)
            for name, found in everything_of(net, torch.randn(T, B, 4), state, **options).items():
                assert found.is_contiguous(), f"{name} has the strides {found.stride()}, {shape} {options}"


@pytest.mark.parametrize("backend", ["chosen", "reference"])
@pytest.mark.parametrize("name", ALL)
def test_derivatives_of_sequences_without_steps(name: str, backend: str) -> None:
    """They are zero, but for that of a final state by the initial one, and none is missing; nothing is read of x."""
    net = make_small(ALL[name])
    for steps, lengths in ((3, [0, 0]), (0, None)):
        x = torch.full((steps, 2, I), torch.nan, dtype=torch.float64, requires_grad=True)
        state = tuple(value.requires_grad_() for value in random_state(net, 2))
        with running_on(backend):
            output, final, every = net(x, as_hx(state), lengths=lengths, return_states=True)
        given = [x, *state, *net.parameters()]
        for k, value in enumerate((output, *as_tuple(final), *every.values())):
            found = torch.autograd.grad(value.sum(), given, retain_graph=True)
            for j, (one, derivative) in enumerate(zip(given, found, strict=True)):
                straight = j == k and 1 <= k <= len(state)
                assert torch.equal(derivative, torch.full_like(one, float(straight)))
        for value in as_tuple(final):
            value.detach().fill_(7.0)  # these are the caller's
        assert not any((value == 7.0).any() for value in state)


def test_the_operator_of_sequences_without_steps() -> None:
    """In a traced graph."""
    layer: Layer = network(8).layers[0]
    x = torch.randn(T, 2, 4, requires_grad=True)
    state = [torch.randn(2, size, requires_grad=True) for size in layer.state_sizes]
    weights = [torch.randn(shape, requires_grad=True) for shape in layer.shapes().values()]
    arguments = (x, state, weights, [], torch.tensor([0, 0]), None, layer.key, "", False, "c")
    torch.library.opcheck(torch.ops.carrousel.sequence.default, arguments)
    arguments = (x.detach(), *arguments[1:])
    torch.library.opcheck(torch.ops.carrousel.sequence.default, arguments)
    assert engine.prepare(layer) is layer
