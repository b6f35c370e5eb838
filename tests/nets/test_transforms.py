"""vmap, per-sample gradients, forward mode, copies, devices without data, half precision, autocast."""

import copy
import io
import pickle

import pytest
import torch
from configurations import ALL, CELLS, H, I, as_hx, as_tuple, make, random_state
from torch.func import functional_call, grad, jvp, stack_module_state, vmap

import carrousel

SAME = {"rtol": 1e-9, "atol": 1e-11}


@pytest.mark.parametrize("name", ALL)
def test_vmap_over_inputs(name: str) -> None:
    net = make(ALL[name], bidirectional=True, num_layers=2)
    x = torch.randn(5, 4, 2, I, dtype=torch.float64)
    state = tuple(torch.stack([value] * 5) for value in random_state(net, 2))
    lengths = torch.tensor([[4, 1], [0, 3], [4, 4], [2, 2], [0, 0]])
    resets = torch.rand(5, 4, 2) < 0.3

    def call(x, state, lengths, resets):
        output, final = net(x, as_hx(state), lengths=lengths, resets=resets)
        return (output, *as_tuple(final))

    got = vmap(call)(x, state, lengths, resets)
    for k in range(5):
        want = call(x[k], tuple(value[k] for value in state), lengths[k], resets[k])
        torch.testing.assert_close(tuple(value[k] for value in got), want, **SAME)
    for k, value in enumerate(vmap(lambda x: net(x)[0])(x)):
        torch.testing.assert_close(value, net(x[k])[0], **SAME)


@pytest.mark.parametrize(
    "noise", [{"recurrent_dropout": 0.5}, {"recurrent_dropout": ("candidate", 0.5)}, {"zoneout": 0.5}, {"dropout": 0.5}]
)
def test_vmap_and_noise(noise) -> None:
    """As for torch's own dropout, the user says whether each sample has noise of its own."""
    net = make({"cell": "lstm"}, num_layers=2, **noise).train()
    x = torch.randn(4, 2, I, dtype=torch.float64).expand(6, 4, 2, I)
    same = vmap(lambda x: net(x)[0], randomness="same")(x)
    torch.testing.assert_close(same, same[:1].expand_as(same))
    different = vmap(lambda x: net(x)[0], randomness="different")(x)
    assert not torch.allclose(different[0], different[1])
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda x: net(x)[0])(x)


@pytest.mark.parametrize("name", ALL)
def test_vmap_over_networks(name: str) -> None:
    nets = [make(ALL[name], seed=k) for k in range(3)]
    params, buffers = stack_module_state(nets)
    x = torch.randn(4, 2, I, dtype=torch.float64)
    empty = copy.deepcopy(nets[0]).to("meta")

    def call(params, x):
        return functional_call(empty, (params, buffers), (x,))[0]

    for k, value in enumerate(vmap(call, in_dims=(0, None))(params, x)):
        torch.testing.assert_close(value, nets[k](x)[0], **SAME)
    for k, value in enumerate(vmap(call)(params, torch.stack([x, x + 1, x + 2]))):
        torch.testing.assert_close(value, nets[k](x + k)[0], **SAME)


@pytest.mark.parametrize("name", ALL)
def test_gradients_of_every_sample(name: str) -> None:
    net = make(ALL[name])
    params = {key: value.detach() for key, value in net.named_parameters()}
    x = torch.randn(4, 3, I, dtype=torch.float64)

    def loss(params, sample):
        return functional_call(net, params, (sample,))[0].square().sum()

    together = vmap(grad(loss), in_dims=(None, 1))(params, x)
    for k in range(3):
        net.zero_grad()
        net(x[:, k])[0].square().sum().backward()
        for key, value in net.named_parameters():
            torch.testing.assert_close(together[key][k], value.grad, **SAME)


@pytest.mark.parametrize("name", ALL)
def test_forward_mode(name: str) -> None:
    net = make(ALL[name])
    params = {key: value.detach() for key, value in net.named_parameters()}
    x, state = torch.randn(4, 2, I, dtype=torch.float64), random_state(net, 2)
    primals = (x, state, params)

    def call(x, state, params):
        output, final = functional_call(net, params, (x, as_hx(state)), {"lengths": torch.tensor([4, 2])})
        return (output, *as_tuple(final))

    tangents = torch.utils._pytree.tree_map(torch.randn_like, primals)
    _, got = jvp(call, primals, tangents)
    step = 1e-6
    ahead, behind = (
        call(*torch.utils._pytree.tree_map(lambda p, t, e=e: p + e * t, primals, tangents)) for e in (step, -step)
    )
    want = tuple((a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True))
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-7)
    # the same by forward-mode dual numbers, in single precision too
    single = copy.deepcopy(net).float()
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x.float(), tangents[0].float())
        tangent = torch.autograd.forward_ad.unpack_dual(single(dual)[0]).tangent
    want = jvp(lambda x: net(x)[0], (x,), (tangents[0],))[1]
    torch.testing.assert_close(tangent.double(), want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CELLS)
def test_gradient_of_a_gradient_norm(name: str) -> None:
    """What a gradient penalty needs."""
    net = make(CELLS[name], num_layers=2, bidirectional=True)
    x = torch.randn(3, 2, I, dtype=torch.float64, requires_grad=True)

    def penalty(x):
        return torch.autograd.grad(net(x)[0].sum(), x, create_graph=True)[0].square().sum()

    slope = torch.autograd.grad(penalty(x), x)[0]
    direction = torch.randn_like(x)
    want = (penalty(x + 1e-6 * direction) - penalty(x - 1e-6 * direction)) / 2e-6
    torch.testing.assert_close((slope * direction).sum(), want, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_copies(name: str) -> None:
    net = make(ALL[name], num_layers=2)
    x = torch.randn(3, 2, I, dtype=torch.float64)
    want = net(x)[0]
    copies = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    for other in copies:
        assert torch.equal(other(x)[0], want)
        assert repr(other) == repr(net)
        with torch.no_grad():
            other.weight_ih_l0.zero_()
    assert torch.equal(net(x)[0], want)


@pytest.mark.parametrize("name", ALL)
def test_state_dict_loads_with_weights_only(name: str) -> None:
    net = make(ALL[name], bidirectional=True)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = make(ALL[name], bidirectional=True, seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = torch.randn(3, 2, I, dtype=torch.float64)
    assert torch.equal(other(x)[0], net(x)[0])


@pytest.mark.parametrize("name", ALL)
def test_meta_device(name: str) -> None:
    net = carrousel.LSTM(I, H, 2, bidirectional=True, **ALL[name], device="meta", init="uniform")
    real = carrousel.LSTM(I, H, 2, bidirectional=True, **ALL[name])
    x = torch.randn(3, 2, I)
    got, want = (module(y, lengths=[3, 1], return_states="gates") for module, y in ((net, x.to("meta")), (real, x)))
    for one, other in zip((got[0], *as_tuple(got[1])), (want[0], *as_tuple(want[1])), strict=True):
        assert one.is_meta
        assert one.shape == other.shape
    assert {k: v.shape for k, v in got[2].items()} == {k: v.shape for k, v in want[2].items()}
    net.to_empty(device="cpu").load_state_dict(real.state_dict())
    assert torch.equal(net.eval()(x)[0], real.eval()(x)[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ALL)
def test_half_precision(name: str, dtype: torch.dtype) -> None:
    net = make(ALL[name], num_layers=2, init=0.5)
    x = torch.randn(6, 2, I, dtype=torch.float64)
    want = net(x, lengths=[6, 3])
    half = copy.deepcopy(net).to(dtype)
    y = x.to(dtype).requires_grad_()
    output, final = half(y, lengths=[6, 3])
    output.float().square().sum().backward()
    error = 0.1 if dtype == torch.bfloat16 else 0.02
    for got, exact in zip((output, *as_tuple(final)), (want[0], *as_tuple(want[1])), strict=True):
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), exact, rtol=error, atol=error)
    for value in (y, *half.parameters()):
        assert value.grad.dtype == dtype
        assert value.grad.isfinite().all()


@pytest.mark.parametrize("name", ALL)
def test_autocast(name: str) -> None:
    net = make(ALL[name], num_layers=2, bidirectional=True, init=0.5, dtype=torch.float32)
    x = torch.randn(5, 2, I)
    for options in ({}, {"lengths": [5, 0]}, {"resets": torch.rand(5, 2) < 0.3}):
        want = net(x, **options)[0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = net(x, **options)[0]
            assert net(x.bfloat16(), **options)[0].isfinite().all()
        assert (got.float() - want).square().mean().sqrt() < 0.05
        got.float().sum().backward()
    for value in net.parameters():
        assert value.grad.dtype == torch.float32
        assert value.grad.isfinite().all()


def test_double_and_back() -> None:
    net = carrousel.LSTM(I, H)
    assert net.double().weight_hh_l0.dtype == torch.float64
    assert net(torch.randn(2, 1, I).double())[0].dtype == torch.float64
    assert carrousel.LSTM(I, H, dtype=torch.float64).bias_ih_l0.dtype == torch.float64


def test_parametrised_weights() -> None:
    """weight_norm and its like replace a parameter by something computed."""
    net = make({"cell": "peephole"})
    x = torch.randn(3, 2, I, dtype=torch.float64)
    want = net(x)[0]
    torch.nn.utils.parametrizations.weight_norm(net, "weight_hh_l0")
    torch.testing.assert_close(net(x)[0], want)
    net(x)[0].sum().backward()
    assert net.parametrizations.weight_hh_l0.original0.grad is not None


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_autocast_leaves_results_in_the_type_of_the_weights(name: str, bias: bool) -> None:
    """Of a network, of a step, of a cell, whatever narrow types they are given."""
    options = {**ALL[name], "bias": bias and ALL[name].get("bias", True)}
    net = make(options, dtype=torch.float32)
    cell = carrousel.LSTMCell(I, H, **{key: value for key, value in options.items() if key != "proj_size"})
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        x = torch.randn(3, 2, I, dtype=dtype)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            whole = net(x, return_states="gates")
            narrow = tuple(value.to(dtype) for value in as_tuple(whole[1]))
            made = [whole, net(x, as_hx(narrow), lengths=[3, 0]), net.step(x[0]), cell(x[0]), net(x[:0])]
            with torch.no_grad():
                made.append(net.step(x[0], as_hx(narrow)))
        tensors = torch.utils._pytree.tree_leaves(made)
        assert {value.dtype for value in tensors} == {torch.float32}
        assert all(value.isfinite().all() for value in tensors)


def test_kernels_compute_in_the_type_of_the_weights_under_autocast() -> None:
    net, x = make({"cell": "lstm"}, dtype=torch.float32), torch.randn(3, 2, I)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net(x)[0], net(x, (torch.zeros(1, 2, H), torch.zeros(1, 2, H)))[0])
        compiled = torch.compile(net, backend="aot_eager", fullgraph=True)(x)[0]
        under = net(x)[0]
    assert torch.equal(under, net(x)[0])
    torch.testing.assert_close(compiled, under)
    torch._dynamo.reset()
