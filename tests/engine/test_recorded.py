"""Recorders of torch's operations: what they replay is what the network would have computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from configurations import CELLS, OPTIONS, as_tuple
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

import carrousel

I, T, B = 3, 3, 2
SIZES = [16, 8, 7]
"""Whole vectors of 64 bytes, of 32 bytes, and of neither: where nothing is padded, buffers are results."""


class Record:
    """What ran, in order, to be run again on other inputs."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., Any], Any, Any, Any]] = []

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        result = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, result))
        return result

    def replay(self, new: dict[int, Tensor], wanted: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Runs all calls again; ``new`` replaces tensors by their ids, and results replace what they were then."""
        now = dict(new)

        def current(tensor: Tensor) -> Tensor:
            return now.get(id(tensor), tensor)

        for function, args, kwargs, then in self.calls:
            again = function(*tree_map_only(Tensor, current, args), **tree_map_only(Tensor, current, kwargs))
            for old, fresh in zip(tree_flatten(then)[0], tree_flatten(again)[0], strict=True):
                if isinstance(old, Tensor):
                    now[id(old)] = fresh
        return tuple(map(current, wanted))


class Dispatched(Record, TorchDispatchMode):
    def __init__(self) -> None:
        Record.__init__(self)
        TorchDispatchMode.__init__(self)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return self.call(function, args, kwargs)


class Functions(Record, TorchFunctionMode):
    def __init__(self) -> None:
        Record.__init__(self)
        TorchFunctionMode.__init__(self)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return self.call(function, args, kwargs)


class Both(nn.Module):
    """Two layers in both directions, and the final states too."""

    def __init__(self, hidden_size: int, lengths: Tensor | None = None, **options: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = carrousel.LSTM(I, hidden_size, 2, bidirectional=True, dtype=torch.float64, **options)
        self.lengths = lengths

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        output, final = self.net(x, lengths=self.lengths)
        return (output, *as_tuple(final))


def batch(seed: int) -> Tensor:
    return torch.randn(T, B, I, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_mode(mode: Callable[[], Record], net: nn.Module, x: Tensor, other: Tensor) -> tuple[Tensor, ...]:
    with mode() as record:  # type: ignore[attr-defined]
        results = net(x)
    return record.replay({id(x): other}, results)


def by_trace(net: nn.Module, x: Tensor, other: Tensor) -> tuple[Tensor, ...]:
    return torch.jit.trace(net, x, check_trace=False)(other)


def by_fx(net: nn.Module, x: Tensor, other: Tensor, **options: Any) -> tuple[Tensor, ...]:
    return make_fx(net, **options)(x)(other)


RECORDERS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "dispatch mode": partial(by_mode, Dispatched),
    "function mode": partial(by_mode, Functions),
    "jit.trace": by_trace,
    "make_fx": by_fx,
    "make_fx before dispatch": partial(by_fx, pre_dispatch=True),
}


def check(net: nn.Module, recorder: str) -> None:
    x, other = batch(0), batch(1)
    with torch.no_grad():
        for got, want in zip(RECORDERS[recorder](net, x, other), net(other), strict=True):
            torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("name", CELLS | OPTIONS)
def test_a_recording(name: str, recorder: str) -> None:
    options = (CELLS | OPTIONS)[name]
    check(Both(8, **options).eval(), recorder)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("hidden_size", SIZES)
def test_a_ragged_recording(hidden_size: int, recorder: str) -> None:
    check(Both(hidden_size, torch.tensor([3, 2]), cell="peephole"), recorder)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("hidden_size", SIZES)
def test_one_step_recorded(hidden_size: int, recorder: str) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = carrousel.LSTM(I, hidden_size, dtype=torch.float64)
            self.cell = carrousel.LSTMCell(I, hidden_size, dtype=torch.float64)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            y, state = self.net.step(x[0])
            y, (h, c) = self.net.step(x[1], state)
            return y, h, c, *self.cell(x[0], self.cell(x[1]))

    check(Steps(), recorder)


def gradients(net: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    x = x.detach().requires_grad_()
    output = net(x)[0]
    return torch.autograd.grad(output.square().sum(), [x, *net.parameters()])


@pytest.mark.parametrize("mode", [Dispatched, Functions])
@pytest.mark.parametrize("part", ["both", "backward"])
@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 2])], ids=["dense", "ragged"])
@pytest.mark.parametrize("hidden_size", SIZES)
def test_a_recorded_backward_pass(hidden_size: int, lengths: Tensor | None, part: str, mode: type[Any]) -> None:
    """Whether the forward pass is recorded too, or the recorder comes when it is over."""
    net, x, factor = Both(hidden_size, lengths, cell="peephole"), batch(0), torch.tensor(1.0, dtype=torch.float64)
    wanted = [x.requires_grad_(), *net.parameters()]
    if part == "both":
        with mode() as record:
            got = torch.autograd.grad(net(x)[0].square().sum() * factor, wanted)
    else:
        loss = net(x)[0].square().sum() * factor
        with mode() as record:
            got = torch.autograd.grad(loss, wanted)
    want = gradients(net, x)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    if mode is Dispatched:  # functions do not see what autograd runs
        again = record.replay({id(factor): torch.tensor(2.0, dtype=torch.float64)}, got)
        torch.testing.assert_close(again, tuple(2 * value for value in want), rtol=1e-12, atol=1e-12)


def test_second_derivatives_and_batches_of_them_while_recorded() -> None:
    net, x = Both(8, torch.tensor([3, 2])), batch(0).requires_grad_()

    def work() -> tuple[Tensor, ...]:
        output = net(x)[0]
        first = torch.autograd.grad(output.square().sum(), [x, *net.parameters()], create_graph=True)
        second = torch.autograd.grad(sum(value.square().sum() for value in first), [x, *net.parameters()])
        output = net(x)[0]
        adjoints = torch.stack([torch.ones_like(output), output.detach()])
        return *first, *second, *torch.autograd.grad(output, [x, *net.parameters()], adjoints, is_grads_batched=True)

    with Dispatched():
        got = work()
    torch.testing.assert_close(got, work(), rtol=1e-10, atol=1e-12)


def test_a_trace_is_trained_saved_and_run_at_other_sizes(tmp_path) -> None:
    net, x = Both(7, cell="gru"), batch(0)
    with pytest.warns(torch.jit.TracerWarning):
        traced = torch.jit.trace(net, x)
    traced.save(str(tmp_path / "traced.pt"))
    loaded = torch.jit.load(str(tmp_path / "traced.pt"))
    longer = torch.randn(T + 3, B + 1, I, dtype=torch.float64)
    for module in (traced, loaded):
        torch.testing.assert_close(gradients(module, longer), gradients(net, longer), rtol=1e-12, atol=1e-12)


def test_a_graph_with_symbolic_sizes() -> None:
    net = Both(8)
    call = partial(torch.func.functional_call, net)
    weights = dict(net.named_parameters())
    graph = make_fx(lambda weights, x: call(weights, (x,)), tracing_mode="symbolic")(weights, batch(0))
    assert "carrousel.sequence" in graph.code  # one operation, not its steps
    longer = torch.randn(T + 3, B + 1, I, dtype=torch.float64)
    torch.testing.assert_close(graph(weights, longer), net(longer), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("transform", ["vmap", "grad"])
def test_a_recorded_transformation(transform: str) -> None:
    net = Both(8)

    def call(x: Tensor) -> Tensor:
        if transform == "vmap":
            return torch.func.vmap(lambda one: net(one)[0], in_dims=1)(x.unsqueeze(1).expand(-1, 3, -1, -1))
        return torch.func.grad(lambda one: net(one)[0].square().sum())(x)

    x, other = batch(0), batch(1)
    torch.testing.assert_close(make_fx(call)(x)(other), call(other), rtol=1e-10, atol=1e-12)
    with Dispatched() as record:
        result = call(x)
    (again,) = record.replay({id(x): other}, (result,))
    torch.testing.assert_close(result, call(x), rtol=1e-10, atol=1e-12)
    if transform == "vmap":  # the transformation of a derivative leaves tensors that no recorder can know
        torch.testing.assert_close(again, call(other), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("policy", [CheckpointPolicy.MUST_SAVE, CheckpointPolicy.MUST_RECOMPUTE])
@pytest.mark.parametrize("hidden_size", SIZES)
def test_selective_checkpoints(hidden_size: int, policy: CheckpointPolicy) -> None:
    net = Both(hidden_size, torch.tensor([3, 2]), cell="slstm")
    contexts = partial(create_selective_checkpoint_contexts, lambda *args, **kwargs: policy)

    def call(x: Tensor) -> Any:
        return checkpoint(net, x, use_reentrant=False, context_fn=contexts)

    x = batch(0).requires_grad_()
    got = torch.autograd.grad(call(x)[0].square().sum(), [x, *net.parameters()])
    torch.testing.assert_close(got, gradients(net, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [3, 2]], ids=["dense", "ragged"])
def test_another_default_device(lengths: list[int] | None) -> None:
    """What kernels need is made on the CPU, whatever device is the default at the moment."""

    def work() -> tuple[Tensor, ...]:
        net.zero_grad()
        torch.manual_seed(0)  # of noise
        output, state, steps = net(x, lengths=lengths, return_states="gates")
        start = [value.detach().requires_grad_() for value in state]
        after = net(x, tuple(start), lengths=lengths)[0]
        (output.sum() + state[0].square().sum() + after.sum()).backward()
        with torch.no_grad():
            y, after = net.eval().step(x[0], tuple(value.detach() for value in state))
        net.train()
        grads = [tensor.grad for tensor in (*start, *net.parameters())]
        return output, *state, y, *after, *steps.values(), *grads

    for cell, hidden_size, options in (
        ("lstm", 16, {}),
        ("peephole", 9, {"layer_norm": True}),
        ("slstm", 8, {}),
        ("lstm", 12, {"heads": 2, "gate_recurrence": "gates", "zoneout": 0.2, "recurrent_dropout": 0.2}),
        ("peephole", 12, {"block_size": 3, "recurrent_dropout": ("candidate", 0.2)}),
        ("lstm", 9, {"diagonal": True, "layer_norm": True}),
    ):
        net, x = carrousel.LSTM(I, hidden_size, cell=cell, **options), torch.randn(T, B, I)
        with torch.device("meta"):
            got = work()
        torch.testing.assert_close(got, work(), rtol=0, atol=0)
