"""The kernels among threads, processes, odd tensors, and people who write into memory that is in use."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from against_reference import compare
from configurations import CELLS, OPTIONS
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

import carrousel
from carrousel import cells, engine
from carrousel.cells.math import exp, sigmoid, softplus, tanh
from carrousel.engine import QUIET, Layer, cpu
from carrousel.engine._rows import dense
from carrousel.engine.cpu import _sized
from carrousel.engine.doors.eager import Eager

I, H, T, B = 24, 40, 12, 9


@pytest.fixture(autouse=True)
def threads_for_small_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sized, "SMALL", 0)


WHOLE = [16, 8, 7]
"""Sizes in whole vectors of 64 bytes, of 32 bytes, and of neither: where nothing is padded, buffers are results."""


def network(cell: str = "peephole", seed: int = 0, hidden_size: int = H, **options) -> carrousel.LSTM:
    torch.manual_seed(seed)
    return carrousel.LSTM(I, hidden_size, cell=cell, **options)


def batch(seed: int = 0, **options) -> Tensor:
    return torch.randn(T, B, I, generator=torch.Generator().manual_seed(seed), **options)


def fused(net: carrousel.LSTM, x: Tensor, **options) -> None:
    assert {line.backend for line in carrousel.explain(net, x, **options)} == {"cpu"}


def everything(net: carrousel.LSTM, x: Tensor) -> list[Tensor]:
    """Output, final states, and the derivatives by x and all weights."""
    x = x.detach().requires_grad_()
    output, states = net(x)
    total = (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum() + sum(
        s.square().sum() for s in states
    )
    grads = torch.autograd.grad(total, [x, *net.parameters()])
    return [output.detach(), *(state.detach() for state in states), *grads]


def by_reference(work: Callable[[], list[Tensor]]) -> list[Tensor]:
    with mock.patch.object(engine, "run", engine.reference.run):
        return work()


def same(one: list[Tensor], other: list[Tensor]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b)


def close(one: list[Tensor], other: list[Tensor]) -> None:
    for a, b in zip(one, other, strict=True):
        assert (a - b).abs().max() <= 1e-5 * max(b.abs().max().item(), 1.0)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# Threads and processes


@pytest.mark.parametrize("threads", [1, 2])
def test_eight_threads_at_once(threads: int) -> None:
    """All meet a cell for which there is no kernel yet, and then run it over and over, with other layers between."""

    @carrousel.cell("a b", candidates="b", states="c")
    def unheard_of(z, s, p):
        a, b = sigmoid(z.a), p.b(tanh(z.b) * (1.5 + threads))
        c = a * s.c + b
        return tanh(c), carrousel.State(c=c), carrousel.Gates(a=a, b=b)

    torch.manual_seed(0)
    net, x = carrousel.LSTM(I, H, cell=unheard_of), batch()
    others = [network(seed=k) for k in range(8)]
    wanted = by_reference(lambda: everything(net, x))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    results: dict[int, list[list[Tensor]]] = {}
    start = threading.Barrier(8)

    def work(k: int) -> None:
        start.wait()
        found = []
        for _ in range(5):
            found.append(everything(net, x))
            found.append(everything(others[k], batch(k)))
        results[k] = found

    workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    finally:
        torch.set_num_threads(before)
    assert sorted(results) == list(range(8))
    close(results[0][0], wanted)
    for k, found in results.items():
        alone = everything(others[k], batch(k))
        for shared, own in zip(found[::2], found[1::2], strict=True):
            same(shared, results[0][0])
            same(own, alone)


class Features(Dataset):
    """A data set that runs a network for every item."""

    def __init__(self, net: carrousel.LSTM) -> None:
        self.net = net

    def __len__(self) -> int:
        return 3

    def __getitem__(self, k: int) -> list[Tensor]:
        return everything(self.net, batch(k))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
class TestForked:
    def test_data_loader(self) -> None:
        net = network()
        wanted = [everything(net, batch(k)) for k in range(3)]  # the parent's threads have run
        loader = DataLoader(Features(net), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60)
        for found, want in zip(loader, wanted, strict=True):
            same(found, want)

    def test_child_that_still_believes_in_two_threads(self) -> None:
        net, x = network(), batch()
        wanted = everything(net, x)
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()

        def child() -> None:
            with torch.no_grad():
                kernel = net(x)[0]
            queue.put((torch.get_num_threads(), kernel.numpy()))

        process = context.Process(target=child)
        process.start()
        process.join(60)
        ended = process.exitcode
        process.kill()
        assert ended == 0
        threads, output = queue.get()
        assert threads == 2
        assert torch.equal(torch.from_numpy(output), wanted[0])

    def test_while_another_thread_compiles(self) -> None:
        """The child must be able to compile, though a lock was held when its parent wanted to fork."""
        from carrousel.engine.cpu.llvm import _compile

        compiling, given = threading.Event(), torch.ones(2, 1, I)

        def slow(text, target, compile_text=_compile._compile):
            compiling.set()
            time.sleep(0.05)
            return compile_text(text, target)

        def unheard_of(factor: float) -> carrousel.LSTM:
            @carrousel.cell("g", candidates="g")
            def fresh(z, s, p):
                g = p.g(tanh(factor * z.g))
                return g, carrousel.State(), carrousel.Gates(g=g)

            return network(fresh).requires_grad_(False)

        mine, childs = unheard_of(0.7), unheard_of(0.3)
        child = multiprocessing.get_context("fork").Process(target=childs, args=(given,))
        with (
            mock.patch.object(_compile, "_compile", slow),
            mock.patch.object(_compile, "_read", return_value=None),
            mock.patch.object(_compile, "_write"),
        ):
            worker = threading.Thread(target=mine, args=(given,))
            worker.start()
            assert compiling.wait(60)
            child.start()
            worker.join(60)
            child.join(60)
        ended = child.exitcode
        child.kill()
        assert ended == 0


SCRIPT = """
import json, os, torch
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

class Outputs(Dataset):
    def __len__(self):
        return 2
    def __getitem__(self, k):
        import carrousel
        torch.manual_seed(k)
        net, x = carrousel.LSTM(24, 40), torch.randn(12, 9, 24)
        return net(x)[0].detach(), carrousel.explain(net, x)[0].backend

def threads():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else None

if __name__ == "__main__":
    import carrousel
    net, x = carrousel.LSTM(96, 128), torch.randn(60, 32, 96)
    born = threads()
    counts = []
    for count in (1, 3):
        torch.set_num_threads(count)
        net(x)[0].sum().backward()
        counts.append(threads())
    loader = DataLoader(Outputs(), batch_size=None, num_workers=2, multiprocessing_context="spawn", timeout=60)
    spawned = list(loader)
    same = all(torch.equal(found, Outputs()[k][0]) for k, (found, _) in enumerate(spawned))
    print(json.dumps({"same": same, "backends": [b for _, b in spawned], "born": born, "counts": counts}))
"""


@pytest.mark.slow
def test_a_spawned_worker_and_as_many_threads_as_torch_says(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_"))}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["same"]
    assert said["backends"] == ["cpu", "cpu"]
    if said["born"] is not None:
        alone, three = said["counts"]
        assert alone == said["born"]
        assert three == said["born"] + 2


@pytest.mark.parametrize("limit", [{"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true", "OMP_THREAD_LIMIT": "2"}])
def test_a_runtime_that_gives_fewer_threads(limit: dict[str, str]) -> None:
    code = """
import torch, carrousel
from carrousel import engine
from carrousel.engine.cpu import _buffers, _sized
_sized.SMALL = 0
_buffers.poison(True)
torch.set_num_threads(3)
net, x = carrousel.LSTM(24, 40), torch.randn(12, 9, 24)
found = torch.autograd.grad(net(x)[0].sum(), list(net.parameters()))
engine.run = engine.reference.run
for one, other in zip(found, torch.autograd.grad(net(x)[0].sum(), list(net.parameters()))):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")} | limit
    done = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_results_do_not_depend_on_the_number_of_threads(cell: str) -> None:
    net, x = network(cell, bidirectional=True), batch()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 5):
            torch.set_num_threads(threads)
            results.append(everything(net, x))
            results.append(everything(net, x))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        same(results[0], other)


# Tensors that are not plain memory

x = batch()
ODD: dict[str, Tensor] = {
    "transposed": batch().transpose(0, 1).contiguous().transpose(0, 1),
    "every other step": torch.stack([batch(), batch(1)], 1).flatten(0, 1)[::2],
    "columns of a wider one": torch.cat([batch(1)[..., :3], batch(), batch(2)], -1)[..., 3 : 3 + I],
    "expanded over the batch": batch()[:, :1].expand(T, B, I),
    "expanded over time": batch()[:1].expand(T, B, I),
    "expanded over features": batch()[..., :1].expand(T, B, I),
    "misaligned": torch.cat([torch.zeros(1), batch().flatten()])[1:].view(T, B, I),
    "features first": batch().permute(2, 0, 1).contiguous().permute(1, 2, 0),
    "reversed": batch().flip(0),
    "lazily negated": torch._neg_view(batch()),
    "imaginary part of a conjugate": torch.complex(batch(1), batch()).conj().imag,
    "from numpy": torch.from_numpy(batch().numpy()),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_inputs(name: str) -> None:
    net, odd = network(), ODD[name]
    fused(net, odd)
    same(everything(net, odd), everything(net, odd.clone(memory_format=torch.contiguous_format)))


@pytest.mark.parametrize("name", ["transposed", "misaligned", "expanded", "lazily negated"])
def test_odd_weights_and_states(name: str) -> None:
    def odd(value: Tensor) -> Tensor:
        if name == "transposed":
            return value.mT.contiguous().mT if value.dim() > 1 else value
        if name == "misaligned":
            return torch.cat([torch.zeros(1), value.flatten()])[1:].view(value.shape)
        if name == "expanded":
            return value[..., :1].expand(value.shape)
        return torch._neg_view(value)

    net = network(seed=1, proj_size=7)
    given = {key: odd(value.detach()) for key, value in net.named_parameters()}
    states = odd(torch.randn(1, B, 7)), odd(torch.randn(1, B, H))

    def results(given: dict[str, Tensor], states: tuple[Tensor, ...]) -> list[Tensor]:
        given = {key: value.detach().requires_grad_() for key, value in given.items()}
        states = tuple(state.detach().requires_grad_() for state in states)
        output, final = torch.func.functional_call(net, given, (x, states))
        total = output.square().sum() + sum(value.sum() for value in final)
        return [output, *final, *torch.autograd.grad(total, [*given.values(), *states])]

    plain = {key: value.clone(memory_format=torch.contiguous_format) for key, value in given.items()}
    for one, other in zip(
        results(given, states), results(plain, tuple(state.clone() for state in states)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def ragged_sum(output: Tensor, final: tuple[Tensor, ...]) -> Tensor:
    return output[3:5, ::2].square().sum()


@pytest.mark.parametrize("name", ODD)
def test_odd_inputs_of_one_step(name: str) -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, 48, cell="peephole")  # whole vectors, as the quick step wants them
    step = ODD[name][0, :5]
    state = tuple(torch.randn(1, 5, 48) for _ in range(2))
    with torch.no_grad():
        plain = net.step(step.clone(memory_format=torch.contiguous_format), state)
        for given in (state, tuple(torch._neg_view(-value) for value in state), tuple(v.mT.clone().mT for v in state)):
            output, final = net.step(step, given)
            close([output, *final], [plain[0], *plain[1]])


@pytest.mark.parametrize("shape", [(3, 3), (4 * 48, 47), (0,)])
def test_a_weight_of_another_shape_is_never_read_past_its_end(shape: tuple[int, ...]) -> None:
    net, given = carrousel.LSTM(I, 48), batch()
    net.weight_hh_l0.data = torch.zeros(shape)
    with torch.no_grad():
        for call in (lambda: net(given), lambda: net.step(given[0, :2])):
            with pytest.raises(RuntimeError, match=r"shape|size|mat"):
                call()


LOSSES: dict[str, Callable[[Tensor, tuple[Tensor, ...]], Tensor]] = {
    "sum, an expanded adjoint": lambda output, final: output.sum(),
    "some steps": ragged_sum,
    "transposed": lambda output, final: (output.transpose(0, 2) * torch.linspace(0, 1, T)).sum(),
    "last output": lambda output, final: output[-1].square().sum(),
    "last state alone": lambda output, final: final[1].square().sum(),
    "h twice": lambda output, final: (output[-1] * final[0][0]).sum(),
    "complex": lambda output, final: (torch.complex(output, 2 * output).conj() * (1 + 3j)).imag.square().sum(),
    "conjugate's imaginary part": lambda output, final: torch.view_as_real(
        torch.complex(torch.zeros_like(output), output).conj().resolve_conj()
    ).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_odd_adjoints(name: str) -> None:
    net = network()

    def work() -> list[Tensor]:
        given = x.clone().requires_grad_()
        return list(torch.autograd.grad(LOSSES[name](*net(given)), [given, *net.parameters()]))

    close(work(), by_reference(work))


def test_a_lazily_negated_adjoint() -> None:
    net = network()
    output, _ = net(x)
    adjoint = torch.randn(output.shape)
    weights = list(net.parameters())
    found = torch.autograd.grad(output, weights, torch._neg_view(adjoint), retain_graph=True)
    same(list(found), list(torch.autograd.grad(output, weights, -adjoint)))


def test_weights_of_several_types() -> None:
    """A kernel would read them as what they are not."""
    net = network()
    net.weight_hh_l0.data = net.weight_hh_l0.data.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        (line,) = carrousel.explain(net, x)
    assert (line.backend, line.reason) == ("reference", "the input, the states and the weights are of several types")


# Memory in use


def change_weight(net: carrousel.LSTM, x: Tensor, output: Tensor) -> None:
    with torch.no_grad():
        net.weight_hh_l0.mul_(2.0)


def change_input(net: carrousel.LSTM, x: Tensor, output: Tensor) -> None:
    with torch.no_grad():
        x.add_(1.0)


def change_output(net: carrousel.LSTM, x: Tensor, output: Tensor) -> None:
    output.detach().mul_(2.0)


@pytest.mark.parametrize("hidden_size", WHOLE)
@pytest.mark.parametrize("change", [change_weight, change_input, change_output])
def test_changes_between_forward_and_backward_are_seen(change: Callable[..., None], hidden_size: int) -> None:
    net, given = network(hidden_size=hidden_size), x.clone()
    output, _ = net(given)
    change(net, given, output)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


@pytest.mark.parametrize("hidden_size", WHOLE)
def test_changes_of_every_steps_states_are_seen(hidden_size: int) -> None:
    net = network(hidden_size=hidden_size)
    output, _, states = net(x, return_states=True)
    states["c_l0"].detach().mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


@pytest.mark.parametrize("hidden_size", WHOLE)
def test_final_states_are_the_callers(hidden_size: int) -> None:
    """They are no part of the outputs' memory: the next chunk's loop may write into them."""
    net = network(hidden_size=hidden_size)

    def work(*, write: bool) -> list[Tensor]:
        output, final = net(x)
        if write:
            for state in final:
                state.detach().zero_()
        return [output.detach().clone(), *torch.autograd.grad(output.sum(), list(net.parameters()))]

    same(work(write=True), work(write=False))


@pytest.mark.parametrize("hidden_size", WHOLE)
def test_gradients_are_the_callers(hidden_size: int) -> None:
    """Derivatives share no memory with one another, nor with what a second pass will use."""
    net = network(hidden_size=hidden_size)
    given = x.clone().requires_grad_()
    wanted = [given, *net.parameters()]
    output, _ = net(given)
    first = torch.autograd.grad(output.sum(), wanted, retain_graph=True)
    kept = [grad.clone() for grad in first]
    for k, grad in enumerate(first):
        grad.fill_(float(k))
    assert [grad.flatten()[0].item() for grad in first] == list(range(len(first)))
    close(list(torch.autograd.grad(output.sum(), wanted)), kept)


@pytest.mark.parametrize("how", ["data", "no_grad", "state dict", "replaced", "numpy"])
def test_every_write_to_a_weight_is_noticed(how: str) -> None:
    """``.data`` and NumPy do not move a tensor's version."""
    net, other = network(), network(seed=1)
    before = net(x)[0]
    for name, weight in net.named_parameters():
        new = dict(other.named_parameters())[name]
        if how == "data":
            weight.data.copy_(new.data)
        elif how == "no_grad":
            with torch.no_grad():
                weight.copy_(new)
        elif how == "replaced":
            setattr(net, name, torch.nn.Parameter(new.detach().clone()))
        elif how == "numpy":
            weight.detach().numpy()[:] = new.detach().numpy()
    if how == "state dict":
        net.load_state_dict(other.state_dict())
    assert not torch.equal(net(x)[0], before)
    same(everything(net, x), everything(other, x))
    with torch.no_grad():
        assert torch.equal(net(x)[0], other(x)[0])


def test_a_retained_graph() -> None:
    net = network()
    output, (h, c) = net(x)
    total, weights = output.square().sum() + c.sum(), list(net.parameters())
    first = torch.autograd.grad(total, weights, retain_graph=True)
    second = torch.autograd.grad(total, weights, retain_graph=True)
    third = torch.autograd.grad(2 * h.sum(), weights)
    close(list(first), list(second))

    def again() -> list[Tensor]:
        return list(torch.autograd.grad(2 * net(x)[1][0].sum(), weights))

    close(list(third), again())
    with pytest.raises(RuntimeError, match="a second time"):
        total.backward()


def nodes(results: Iterable[Tensor]) -> Iterator[Any]:
    """All nodes of autograd's graph that have kept something."""
    left, seen = [result.grad_fn for result in results if result.grad_fn is not None], set()
    while left:
        node = left.pop()
        if node not in seen:
            seen.add(node)
            left += [before for before, _ in node.next_functions if before is not None]
            if hasattr(node, "kept"):
                yield node


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


@pytest.mark.parametrize("hidden_size", WHOLE)
@pytest.mark.parametrize("name", CELLS | OPTIONS)
def test_nothing_kept_is_a_result(name: str, hidden_size: int) -> None:
    """Results hold the node that keeps: a result among what it keeps would be a cycle, freed by nobody."""
    options = (CELLS | OPTIONS)[name]
    if hidden_size % max(options.get("block_size", 1), options.get("heads", 1)):
        return
    layer = carrousel.LSTM(I, hidden_size, **options).layers[0]
    if layer.refusal_of("cpu") is not None:
        return
    weights = {key: torch.randn(shape, requires_grad=True) for key, shape in layer.shapes().items()}
    rows, state = dense(T, B), [torch.zeros(B, size) for size in layer.state_sizes]
    steps = tuple(dict.fromkeys((*layer.state_names[1:], *layer.cell.rows)))
    inputs = (x.flatten(0, 1), *state, *weights.values())
    results = Eager.apply(cpu.PASSES, layer, rows, False, QUIET, steps, *inputs)
    (node,) = nodes(results)
    kept = list(tensors_in([*vars(node.kept).values()]))
    assert len(kept) > 1
    assert not {id(value) for value in kept} & {id(result) for result in results}
    for value in kept:
        assert value.grad_fn is None


@pytest.mark.parametrize("hidden_size", WHOLE)
@pytest.mark.parametrize("backward", [False, True])
def test_results_are_freed_without_the_garbage_collector(backward: bool, hidden_size: int) -> None:
    net = network(hidden_size=hidden_size)
    net(x)[0].sum().backward()  # all that is made once is made
    gc.collect()
    gc.disable()
    try:
        given = x.clone().requires_grad_()
        output, final, states = net(given, return_states=True)
        if backward:
            (output.sum() + final[1].sum()).backward()
        del given, output, final, states
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [item for item in gc.garbage if isinstance(item, Tensor)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left


def test_without_gradients_nothing_is_kept() -> None:
    net = network()
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            output, final = net(x)
        assert output.grad_fn is None
        assert all(state.grad_fn is None for state in final)
        assert torch.equal(output, net(x)[0])
    assert net.requires_grad_(False)(x)[0].grad_fn is None


# A cell that no paper has


@carrousel.cell("a b u v", candidates="u", states="fast slow", peepholes="b", split="v")
def made_up(z, s, p, *, rate=0.9):
    a, b = sigmoid(z.a), exp(-softplus(z.b + p.b(s.slow)))
    u, v = p.u(tanh(z.u)), tanh(z.v.input * sigmoid(z.v.recurrent))
    fast = a * s.fast + (1.0 - a) * u
    slow = rate * s.slow + b * fast
    h = 0.5 * s.h + tanh(p.slow(slow)) * v
    return h, carrousel.State(fast=fast, slow=slow), carrousel.Gates(a=a, b=b, u=u, v=v)


@pytest.mark.parametrize("cell", [made_up, made_up.using(rate=0.5)], ids=lambda cell: cell.spec)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_cell_of_ones_own(cell, dtype: torch.dtype) -> None:
    for reverse in (False, True):
        compare(Layer(cells.get(cell), 5, 17), 9, 6, dtype, reverse=reverse, keep=("h", "fast", "slow"))
    compare(Layer(cell, 5, 17), 9, 4, dtype, lengths=torch.tensor([0, 9, 3, 1]))


# Hooks on what is saved


@pytest.mark.parametrize("hidden_size", WHOLE)
@pytest.mark.parametrize("name", ["lstm", "slstm", "projection", "layer norm gru"])
def test_hooks_see_all_that_is_kept(name: str, hidden_size: int) -> None:
    """A checkpoint keeps nothing of what it will compute anew, and what is put elsewhere comes back."""
    torch.manual_seed(0)
    net = carrousel.LSTM(I, hidden_size, 2, **(CELLS | OPTIONS)[name])
    given = x.clone().requires_grad_()
    wanted = [given, *net.parameters()]

    def work(output: Tensor) -> list[Tensor]:
        total = output.square().sum()
        first = torch.autograd.grad(total, wanted, retain_graph=True)
        return [*first, *torch.autograd.grad(total, wanted)]  # the second finds what the first used up

    want = work(net(given)[0])
    with torch.autograd.graph.save_on_cpu():
        close(work(net(given)[0]), want)
    close(work(checkpoint(net, given, use_reentrant=False)[0]), want)
    output = checkpoint(net, given, use_reentrant=False)[0]
    for node in nodes([output]):
        assert not [value for value in tensors_in([*vars(node.kept).values()]) if value is not None]
