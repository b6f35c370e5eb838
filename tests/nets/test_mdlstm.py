"""The layer over grids: the kernels against the plain form, that against the equations, and what is refused."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

import carrousel
from carrousel.engine.cpu import _buffers
from carrousel.engine.cpu.grids import forward
from carrousel.engine.grids import reference
from carrousel.engine.grids._walk import walk_over
from carrousel.nets.image_transcriber import ImageTranscriber
from carrousel.nets.image_vector import ImageVector
from carrousel.nets.segmenter import Segmenter


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def layer(input_size: int, hidden_size: int, dimensions: int = 2, **options) -> carrousel.MDLSTM:
    """A layer in float64 whose weights are large enough for all to be seen."""
    return carrousel.MDLSTM(input_size, hidden_size, dimensions, init=0.3, dtype=torch.float64, **options)


def plain(net: carrousel.MDLSTM, x: Tensor, sizes: Tensor | None = None) -> Tensor:
    return reference.run(net.layer, dict(net.named_parameters()), x, sizes)


CASES = {
    "a sequence": (3, 5, (7,), [[7], [3], [1]], {}),
    "whole vectors": (2, 16, (4, 5), None, {}),
    "ragged images": (1, 3, (4, 5), [[4, 3], [2, 5], [1, 1]], {}),
    "several groups": (17, 9, (9, 7), [[9, 3], [2, 7], [5, 5], [9, 7], [3, 3]], {}),
    "three dimensions": (2, 9, (3, 4, 2), [[3, 4, 2], [1, 2, 2]], {}),
    "no bias": (2, 5, (3, 4), None, {"bias": False}),
    "simple network": (2, 5, (4, 6), [[4, 6], [3, 1]], {"cell": "elman"}),
}
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@EVERY
@pytest.mark.parametrize("poisoned", [False, True], ids=["", "poisoned"])
def test_kernels_agree_with_the_plain_form(case, poisoned, monkeypatch) -> None:
    """Values, every derivative, and what is computed where nothing is kept."""
    I, H, extent, sizes, options = case
    monkeypatch.setattr(_buffers, "_POISON", poisoned)
    net, sizes = layer(I, H, len(extent), **options), sizes and torch.tensor(sizes)
    x = torch.randn(3 if sizes is None else len(sizes), *extent, I, dtype=torch.float64, requires_grad=True)
    assert carrousel.explain(net, x, sizes)[0][:2] == ("MDLSTM", "cpu")
    given = [x, *net.parameters()]
    output, want = net(x, sizes), plain(net, x, sizes)
    adjoint = torch.randn_like(want)
    torch.testing.assert_close(output, want, rtol=1e-12, atol=1e-12)
    wants = torch.autograd.grad(want, given, adjoint)
    torch.testing.assert_close(torch.autograd.grad(output, given, adjoint, retain_graph=True), wants)
    torch.testing.assert_close(torch.autograd.grad(output, given, adjoint), wants)  # what was kept is used up
    with torch.no_grad():
        torch.testing.assert_close(net(x, sizes), want)


def test_single_precision_and_threads_agree_too() -> None:
    net = layer(3, 20)
    x = torch.randn(4, 12, 15, 3)
    want = plain(net, x.double())
    single = copy.deepcopy(net).float()
    count = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            single.zero_grad()
            output = single(x)
            output.square().sum().backward()
            found.append([output.detach(), *(weight.grad for weight in single.parameters())])
    finally:
        torch.set_num_threads(count)
    torch.testing.assert_close(found[0][0].double(), want, rtol=1e-4, atol=1e-5)
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_plain_form_agrees_with_the_equations(n) -> None:
    """Place by place in NumPy, from Graves et al. 2007."""
    I, H, extent = 2, 3, (3, 4, 2)[:n]
    net = layer(I, H, n)
    x = torch.randn(1, *extent, I, dtype=torch.float64)
    output = plain(net, x)[0].detach().numpy()
    for k, flips in enumerate(itertools.product((False, True), repeat=n)):
        axes = [d for d, flip in enumerate(flips) if flip]
        W, R, b, p = (weight[k].detach().numpy() for weight in net.parameters())
        want = np.flip(by_hand(np.flip(x[0].numpy(), axes), W, R, b, p), axes)
        np.testing.assert_allclose(output[..., k * H : (k + 1) * H], want)


def by_hand(x, W, R, b, p):
    n, H = x.ndim - 1, R.shape[1] // (x.ndim - 1)
    h, c = np.zeros((*x.shape[:-1], H)), np.zeros((*x.shape[:-1], H))

    def logistic(a):
        return 1 / (1 + np.exp(-a))

    for at in np.ndindex(*x.shape[:-1]):
        before = [tuple(i - (e == d) for e, i in enumerate(at)) for d in range(n)]
        hs = [h[place] if min(place) >= 0 else np.zeros(H) for place in before]
        cs = [c[place] if min(place) >= 0 else np.zeros(H) for place in before]
        i, *f, g, o = np.split(W @ x[at] + R @ np.concatenate(hs) + b, n + 3)
        forget = [logistic(f_d + p_d * c_d) for f_d, p_d, c_d in zip(f, p[1:-1], cs, strict=True)]
        c[at] = logistic(i + p[0] * sum(cs)) * np.tanh(g) + sum(f_d * c_d for f_d, c_d in zip(forget, cs, strict=True))
        h[at] = logistic(o + p[-1] * c[at]) * np.tanh(c[at])
    return h


def test_over_one_dimension_it_is_the_lstm_with_peepholes() -> None:
    net = layer(3, 5, 1)
    lstm = carrousel.LSTM(3, 5, bidirectional=True, cell="peephole", batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for k, ending in enumerate(("_l0", "_l0_reverse")):
            for name in ("weight_ih", "weight_hh", "weight_peephole"):
                getattr(lstm, name + ending).copy_(getattr(net, name)[k])
            getattr(lstm, f"bias_ih{ending}").copy_(net.bias[k])
            getattr(lstm, f"bias_hh{ending}").zero_()
    x, lengths = torch.randn(4, 7, 3, dtype=torch.float64), torch.tensor([7, 3, 1, 5])
    torch.testing.assert_close(net(x, lengths[:, None]), lstm(x, lengths=lengths)[0])


def test_an_image_does_not_know_of_the_others() -> None:
    net = layer(2, 4)
    sizes = torch.tensor([[5, 6], [3, 2], [1, 6], [5, 1]])
    x = torch.randn(4, 5, 6, 2, dtype=torch.float64)
    together = net(x, sizes)
    for k, (tall, wide) in enumerate(sizes.tolist()):
        alone = net(x[k : k + 1, :tall, :wide])
        torch.testing.assert_close(together[k, :tall, :wide], alone[0])
        assert not together[k, tall:].any()
        assert not together[k, :, wide:].any()


def test_what_is_past_an_end_is_not_read() -> None:
    net, sizes = layer(2, 3), torch.tensor([[2, 4], [3, 3]])
    x = torch.randn(2, 3, 4, 2, dtype=torch.float64)
    nan = x.clone()
    nan[0, 2], nan[1, :, 3] = torch.nan, torch.nan
    results = []
    for value in (x, nan.requires_grad_()):
        net.zero_grad()
        output = net(value, sizes)
        output.sum().backward()
        results.append([output.detach(), *(weight.grad.clone() for weight in net.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert not nan.grad[0, 2].any()


@pytest.mark.parametrize("n", [2, 3])
def test_derivatives_by_finite_differences(n) -> None:
    net = layer(1, 1, n)
    x = torch.randn(2, *(2, 3, 2)[:n], 1, dtype=torch.float64, requires_grad=True)
    sizes = torch.tensor([(2, 3, 2)[:n], (1, 2, 2)[:n]])

    def run(x, *weights):
        named = dict(zip(dict(net.named_parameters()), weights, strict=True))
        return torch.func.functional_call(net, named, (x, sizes))

    torch.autograd.gradcheck(run, (x, *net.parameters()), fast_mode=True)
    torch.autograd.gradgradcheck(run, (x, *net.parameters()), fast_mode=True)


def test_transformations_and_other_numbers_take_the_plain_form() -> None:
    net = layer(2, 3)
    x = torch.randn(3, 2, 4, 2, dtype=torch.float64)
    torch.testing.assert_close(torch.vmap(lambda one: net(one.unsqueeze(0))[0])(x), net(x))
    _, tangent = torch.func.jvp(net, (x,), (torch.ones_like(x),))
    step = 1e-6
    torch.testing.assert_close(tangent, (net(x + step) - net(x - step)) / (2 * step), rtol=1e-5, atol=1e-6)
    half = copy.deepcopy(net).bfloat16()
    assert carrousel.explain(half, x.bfloat16())[0].backend == "reference"
    assert net(x[:0]).shape == (0, 2, 4, 12)


def test_a_cell_of_ones_own() -> None:
    @carrousel.cell("f* g", candidates="g", states="c")
    def leaky(z, s, p):
        f, g = [carrousel.cells.math.sigmoid(z_d) for z_d in z.f], p.g(carrousel.cells.math.tanh(z.g))
        c = sum((f_d * c_d for f_d, c_d in zip(f, s.c, strict=True)), start=0.5 * g)
        return carrousel.cells.math.tanh(c), carrousel.State(c=c), carrousel.Gates(f=f, g=g)

    net = layer(2, 4, cell=leaky)
    x = torch.randn(2, 3, 5, 2, dtype=torch.float64)
    assert carrousel.explain(net, x)[0].backend == "cpu"
    torch.testing.assert_close(net(x), plain(net, x))


def test_a_pass_of_which_nothing_is_kept_needs_little_memory() -> None:
    net = carrousel.MDLSTM(1, 16)
    x = torch.rand(64 * 64, 1)
    with torch.no_grad():
        output, kept = forward(net.layer, dict(net.named_parameters()), x, walk_over(None, 1, (64, 64)), keep=False)
    assert output.shape == (64 * 64, 64)
    assert not kept


@pytest.mark.parametrize(
    ("shape", "sizes", "words"),
    [
        ((2, 3, 2), None, r"\[B, height, width, features\], 4 axes; it has the shape \[2, 3, 2\]"),
        ((2, 3, 4, 3), None, "should have 2 features, got 3"),
        ((2, 3, 4, 2), [[3, 4]], r"sizes should be \[2, 2\]"),
        ((2, 3, 4, 2), [3, 4], r"sizes should be \[2, 2\]"),
        ((2, 3, 4, 2), [[3, 4], [3, 5]], "sizes of item 1: 5 along dimension 1, where 1 to 4 are possible"),
        ((2, 3, 4, 2), [[3, 4], [0, 4]], "sizes of item 1: 0 along dimension 0"),
        ((2, 3, 4, 2), [[3.0, 4], [3, 4]], "whole numbers"),
    ],
)
def test_refuses_what_is_no_batch_of_images(shape, sizes, words) -> None:
    with pytest.raises(ValueError, match=words):
        carrousel.MDLSTM(2, 3)(torch.zeros(shape), sizes)
    with pytest.raises(ValueError, match="float64"):
        carrousel.MDLSTM(2, 3)(torch.zeros(1, 2, 2, 2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "lstm"}, "has states and no row for each dimension"),
        ({"cell": "gru"}, "split or gated"),
        ({"cell": "lstm", "dimensions": 1}, "carrousel.LSTM runs it"),
        ({"cell": "multidimensional(dimensions=3)"}, "is not for 2 dimensions"),
        ({"dimensions": 0}, "dimensions must be greater than zero"),
        ({"init": -1.0}, "init should be a deviation"),
    ],
)
def test_refuses_what_is_no_layer(options, words) -> None:
    with pytest.raises(ValueError, match=words):
        carrousel.MDLSTM(2, 3, **options)


def test_can_be_copied_pickled_and_saved() -> None:
    net = carrousel.MDLSTM(2, 3)
    x = torch.rand(1, 3, 4, 2)
    other = carrousel.MDLSTM(2, 3)
    other.load_state_dict(net.state_dict())
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), other):
        assert torch.equal(again(x), net(x))
    assert repr(net) == "MDLSTM(2, 3, dimensions=2, cell=multidimensional)"


def test_weights_are_as_many_as_the_papers() -> None:
    def weights(net):
        return sum(weight.numel() for weight in net.parameters())

    assert weights(Segmenter(1, 11)) == 27_511  # digits, Graves et al. 2007
    assert weights(Segmenter(3, 157)) == 43_257  # textures, of the same paper
    assert weights(ImageTranscriber(1, 120)) == 159_369  # Arabic handwriting, Graves & Schmidhuber 2009


def test_blocks_are_summed_up_to_ragged_ends() -> None:
    """A block that an image's end cuts is filled with zeros, whatever stands there."""
    net = ImageTranscriber(1, 3, hidden=(2, 3), blocks=((2, 3), (2, 2)), features=(4,)).double().eval()
    x, lengths = torch.randn(2, 9, 14, 1, dtype=torch.float64), torch.tensor([[9, 14], [7, 4]])
    together = net(x, lengths)
    assert net.steps(lengths).tolist() == [3, 1]
    alone = net(x[1:, :7, :4], lengths[1:])
    torch.testing.assert_close(together[1, :1], alone[0])


def test_hierarchies_must_fit() -> None:
    for about in ({"hidden": ()}, {"blocks": ((1, 1),)}, {"features": ()}, {"blocks": ((0, 1), (1, 1))}):
        with pytest.raises(ValueError, match=r"layers need as many blocks|a block has at least"):
            ImageVector(1, 2, hierarchy={"hidden": (2, 2), "blocks": ((1, 1), (1, 1)), "features": (3,), **about})
    with pytest.raises(ValueError, match="unknown pooling 'all'; choose from mean, max, mean-max"):
        ImageVector(1, 2, hierarchy={"hidden": (2,), "blocks": ((1, 1),)}, pooling="all")


def test_a_segmenter_names_images() -> None:
    """By the class whose probability summed over all places is greatest, the background's left out."""
    net = Segmenter(1, 3)
    logits = torch.full((1, 2, 3, 3), -9.0)
    logits[0, :, :2, 2], logits[0, 0, 0, 1], logits[0, :, 2, 0] = 9.0, 12.0, 20.0
    lengths = torch.tensor([[2, 2]])
    assert net.classes_of(logits, lengths).tolist() == [2]
    assert net.classes_of(logits, lengths, background=2).tolist() == [1]
