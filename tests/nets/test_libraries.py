"""What torch and other libraries look for in a recurrent network, and do with one."""

from __future__ import annotations

import copy
import itertools
import pickle
import warnings
from typing import Any

import pytest
import torch
from configurations import ALL, H, I, as_hx, as_tuple, make, random_state
from torch import Tensor, nn
from twins import KINDS, twins

import carrousel

# The members of torch.nn.RNNBase

TAKEN_OVER = {"check_hidden_size", "get_expected_hidden_size"}
"""What it does in a way that is right for ours."""

NOTHING = {
    *("__annotations__", "__constants__", "__doc__", "__firstlineno__", "__jit_unused_properties__", "__module__"),
    *("__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__static_attributes__"),
}
"""What says nothing of a network; some of it depends on the version of Python."""


def own_members(kind: type) -> set[str]:
    return {name for base in kind.__mro__ if base.__module__.startswith("carrousel.") for name in vars(base)}


def test_every_member_is_ours_or_was_read() -> None:
    """A version of torch may add one that keeps a list of weights, which ours does not have."""
    for ours, base in ((carrousel.LSTM, nn.RNNBase), (carrousel.LSTMCell, nn.RNNCellBase)):
        assert set(vars(base)) - own_members(ours) <= TAKEN_OVER | NOTHING
        assert set(base.__annotations__) <= set(dir(ours(2, 3)))


def test_a_cell_without_biases_says_so_as_torchs_does() -> None:
    ours, torchs = carrousel.LSTMCell(2, 3, bias=False), nn.LSTMCell(2, 3, bias=False)
    assert (ours.bias_ih, ours.bias_hh) == (torchs.bias_ih, torchs.bias_hh) == (None, None)
    assert list(ours.state_dict()) == list(torchs.state_dict())


@pytest.mark.parametrize(
    "net",
    [
        carrousel.LSTM(I, H, 2, bidirectional=True, cell="peephole", layer_norm=True),
        carrousel.LSTM(I, H, proj_size=2),
        carrousel.LSTMCell(I, H, cell="gru"),
        carrousel.LSTMCell(I, H, bias=False),
    ],
    ids=str,
)
def test_layers_and_their_weights_are_public(net) -> None:
    weights = {
        name + suffix: weight
        for suffix, layer in net.named_layers()
        for name, weight in net.weights_of(layer, suffix).items()
    }
    parameters = dict(net.named_parameters())
    assert weights.keys() == parameters.keys()
    assert all(weights[name] is parameters[name] for name in parameters)
    assert list(dict.fromkeys(layer for _, layer in net.named_layers())) == list(net.layers)
    assert {layer.cell for layer in net.layers} == {net.cell}


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
@pytest.mark.parametrize("kind", KINDS)
def test_members_have_torchs_values(kind: str, options: dict[str, Any]) -> None:
    ours, torchs = twins(kind, I, H, **options)
    assert isinstance(ours, nn.RNNBase)
    for name in ("mode", "_all_weights", "_flat_weights_names", *nn.RNNBase.__constants__):
        assert getattr(ours, name) == getattr(torchs, name), name
    assert all(map(torch.equal, ours._flat_weights, torchs._flat_weights))
    assert [[tuple(w.shape) for w in ws] for ws in ours.all_weights] == [
        [tuple(w.shape) for w in ws] for ws in torchs.all_weights
    ]
    x, hx = torch.randn(5, 3, I), torchs(torch.randn(5, 3, I))[1]
    for net in (ours, torchs):
        assert net.check_forward_args(x, hx, None) is None
        assert net.get_expected_hidden_size(x, None) == as_tuple(hx)[0].shape
        assert net.permute_hidden(hx, None) is hx
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(ours.permute_hidden(hx, order), torchs.permute_hidden(hx, order))
    packed = nn.utils.rnn.pack_sequence([x[:4, 0], x[:2, 1], x[:1, 2]])
    assert ours.check_forward_args(packed.data, hx, packed.batch_sizes) is None
    for wrong in (
        lambda net: net.check_input(x[0], None),
        lambda net: net.check_input(x, packed.batch_sizes),
        lambda net: net.check_input(x.double(), None),
        lambda net: net.check_input(x[..., 1:], None),
        lambda net: net.check_forward_args(x[:, :2], hx, None),
        lambda net: net.check_hidden_size(as_tuple(hx)[0], (1, 2, 3)),
    ):
        with pytest.raises((ValueError, RuntimeError)) as want:
            wrong(torchs)
        with pytest.raises(type(want.value)) as got:
            wrong(ours)
        assert str(got.value) == str(want.value)


@pytest.mark.parametrize("name", ALL)
def test_checks_know_all_states(name: str) -> None:
    net = make(ALL[name], num_layers=2, bidirectional=True)
    x, state = (
        torch.randn(3, 2, I, dtype=torch.float64),
        random_state(make(ALL[name], num_layers=2, bidirectional=True), 2),
    )
    assert net.check_forward_args(x, as_hx(state), None) is None
    assert net.get_expected_cell_size(x, None) == (4, 2, H)
    with pytest.raises(RuntimeError, match="states"):
        net.check_forward_args(x, (*state, state[0]), None)
    for k, value in enumerate(state):
        with pytest.raises(RuntimeError, match="hidden"):
            net.check_forward_args(x, as_hx((*state[:k], value[..., 1:], *state[k + 1 :])), None)


@pytest.mark.parametrize(
    "options", [{"cell": "peephole"}, {"cell": "no_peepholes"}, {"layer_norm": True}, {"zoneout": 0.1}, {"heads": 2}]
)
def test_weights_of_other_equations_are_not_offered_as_torchs(options: dict[str, Any]) -> None:
    """Who asks for them computes torch's equations with them, and would get other numbers without a word."""
    net = carrousel.LSTM(I, H, **options)
    assert net.mode == net.cell.spec
    for name in ("_all_weights", "_flat_weights_names", "_flat_weights"):
        assert not hasattr(net, name)
    assert len(net.all_weights[0]) == len(list(net.parameters()))


def test_what_people_do_to_all_recurrent_modules_is_done_to_ours() -> None:
    model = nn.Sequential(carrousel.LSTM(I, H, 2, dropout=0.5))
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            module.dropout = 0.0
            for name in module._flat_weights_names:
                nn.init.constant_(getattr(module, name), 0.25)
            module.flatten_parameters()
    x = torch.randn(3, 2, I)
    torch.testing.assert_close(model(x)[0], model(x)[0])  # no dropout
    assert all((weight == 0.25).all() for weight in model.parameters())


def test_copies_of_it_are_whole() -> None:
    net, x = make(ALL["lstm"]), torch.randn(3, 2, I, dtype=torch.float64)
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.to("meta").to_empty(device="cpu")):
        assert vars(other).keys() == vars(net).keys()
        assert not {"_flat_weights", "_flat_weight_refs"} & vars(other).keys()
    assert pickle.loads(pickle.dumps(net))(x)[0].shape == (3, 2, H)


# torchrl


def through_torchrl(net: nn.Module, x: Tensor, is_init: Tensor) -> tuple[Tensor, Tensor]:
    """As LSTMModule runs a module that is no nn.LSTM over ``[B, T]`` with resets: every piece a row, and a mask."""
    starts = [[*is_init[b].nonzero().squeeze(-1).tolist(), x.shape[1]] for b in range(x.shape[0])]
    pieces = [x[b, first:last] for b, cuts in enumerate(starts) for first, last in itertools.pairwise(cuts)]
    padded, sizes = nn.utils.rnn.pad_sequence(pieces, batch_first=True), torch.tensor([len(piece) for piece in pieces])
    hidden = tuple(
        torch.zeros(len(pieces), net.num_layers, net.hidden_size).transpose(-3, -2).contiguous() for _ in "hc"
    )
    mask = torch.arange(padded.shape[1]).unsqueeze(0) < sizes.unsqueeze(1)
    y, (h, _) = net(padded, hidden, mask=mask)
    return torch.cat([y[k, :n] for k, n in enumerate(sizes)]).view(*x.shape[:2], -1), h


def test_masks_as_torchrl_hands_them() -> None:
    net = carrousel.LSTM(I, H, 2, batch_first=True)
    x, is_init = torch.randn(3, 6, I), torch.rand(3, 6) < 0.4
    is_init[:, 0] = True
    y, h = through_torchrl(net, x, is_init)
    torch.testing.assert_close(y, net(x, resets=is_init)[0])
    last_of_rows = is_init.sum(1).cumsum(0) - 1
    torch.testing.assert_close(h[:, last_of_rows], net(x, resets=is_init)[1][0])


def test_torchrl_itself() -> None:
    modules = pytest.importorskip("torchrl.modules", reason="torchrl is not installed")
    from tensordict import TensorDict  # type: ignore[import-not-found]

    ours, torchs = twins("lstm", I, H, 2, batch_first=True)
    keys: dict[str, Any] = {"in_keys": ["x", "h", "c"], "out_keys": ["y", ("next", "h"), ("next", "c")]}
    is_init = torch.rand(3, 6, 1) < 0.4
    zeros = {name: torch.zeros(3, 6, 2, H) for name in "hc"}
    given = TensorDict({"x": torch.randn(3, 6, I), "is_init": is_init, **zeros}, [3, 6])
    with modules.set_recurrent_mode(True):
        got, want = (modules.LSTMModule(lstm=net, **keys)(given.clone()) for net in (ours, torchs))
    for key in ("y", ("next", "h"), ("next", "c")):
        torch.testing.assert_close(got[key], want[key])


@pytest.mark.parametrize("form", ["steps first", "batch first", "unbatched"])
def test_a_mask_is_lengths_in_another_form(form: str) -> None:
    net = carrousel.LSTM(I, H, batch_first=form == "batch first")
    lengths, x = torch.tensor([2, 0, 5]), torch.randn(5, 3, I)
    mask = torch.arange(5).unsqueeze(-1) < lengths
    if form == "batch first":
        x, mask = x.transpose(0, 1), mask.T
    if form == "unbatched":
        x, mask, lengths = x[:, 0], mask[:, 0], lengths[0]
    torch.testing.assert_close(net(x, mask=mask), net(x, lengths=lengths))


MASKS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a hole": (
        {"mask": torch.tensor([[1, 1], [1, 0], [0, 1]])},
        ValueError,
        "sequence 1 step 2 is real and step 1 is not",
    ),
    "of another form": (
        {"mask": torch.ones(2, 3, dtype=torch.bool)},
        ValueError,
        r"mask should have the shape \(3, 2\)",
    ),
    "of numbers": ({"mask": torch.ones(3, 2)}, TypeError, "mask should be bools or integers"),
    "with lengths": ({"mask": torch.ones(3, 2, dtype=torch.bool), "lengths": [1, 2]}, ValueError, "pass one of them"),
}


@pytest.mark.parametrize("name", MASKS)
def test_wrong_masks(name: str) -> None:
    options, kind, message = MASKS[name]
    with pytest.raises(kind, match=message):
        carrousel.LSTM(I, H)(torch.randn(3, 2, I), **options)
    if name == "a hole":
        compiled = torch.compile(carrousel.LSTM(I, H), backend="eager", fullgraph=True)
        with pytest.raises(RuntimeError, match="the real steps of a sequence should be its first"):
            compiled(torch.randn(3, 2, I), **options)
        torch._dynamo.reset()


def test_a_packed_sequence_needs_no_mask() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.randn(3, I)])
    with pytest.raises(ValueError, match="pass mask with a padded batch only"):
        carrousel.LSTM(I, H)(packed, mask=torch.ones(3, 1, dtype=torch.bool))


# torch.fx


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net, self.cell, self.out = carrousel.LSTM(I, H, 2), carrousel.LSTMCell(H, H), nn.Linear(H, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        output, (h, c) = self.net(x, lengths=lengths)
        h, c = self.cell(output[-1], (h[0], c[0]))
        return self.out(h + c)


def test_traced_by_fx_it_is_one_node() -> None:
    model, x, lengths = Model(), torch.randn(5, 3, I), torch.tensor([5, 2, 0])
    traced = torch.fx.symbolic_trace(model)
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["net", "cell", "out"]
    torch.testing.assert_close(traced(x, lengths), model(x, lengths))
    assert torch.fx.symbolic_trace(traced).code == traced.code


@pytest.mark.parametrize("net", [carrousel.LSTM(I, H), carrousel.LSTMCell(I, H)], ids=lambda net: type(net).__name__)
def test_fx_cannot_look_into_it(net: nn.Module) -> None:
    with pytest.raises(RuntimeError, match=rf"torch.fx takes carrousel.{type(net).__name__} as a whole: trace a model"):
        torch.fx.symbolic_trace(net)


# TorchScript and quantisation


@pytest.mark.parametrize("kind", [carrousel.LSTM, carrousel.LSTMCell])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_scripting_is_refused(kind: type, inside: bool) -> None:
    net = kind(I, H)
    with pytest.raises(RuntimeError, match=rf"torch.jit.script cannot compile carrousel.{kind.__name__}.*torch.export"):
        torch.jit.script(nn.Sequential(nn.Linear(I, I), net) if inside else net)


@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization.*:DeprecationWarning")
class TestQuantised:
    """``quantize_dynamic`` goes by the exact type, and leaves what it does not know as it is."""

    def quantised(self, net: nn.Module, spec: Any) -> nn.Module:
        model = nn.ModuleDict({"net": net, "out": nn.Linear(H, H)})
        return torch.ao.quantization.quantize_dynamic(model, spec)

    @pytest.mark.parametrize("kind", [carrousel.LSTM, carrousel.LSTMCell])
    @pytest.mark.parametrize("how", ["by type", "by name", "everything", "itself"])
    def test_asked_for_it_is_refused(self, kind: type, how: str) -> None:
        config = torch.ao.quantization.default_dynamic_qconfig
        spec = {"by type": {kind}, "by name": {"net": config}, "everything": {"": config}, "itself": {kind}}[how]
        quantise = torch.ao.quantization.quantize_dynamic if how == "itself" else self.quantised
        with pytest.raises(TypeError, match=rf"carrousel.{kind.__name__} cannot be quantised; carrousel.to_torch"):
            quantise(kind(I, H), spec)

    @pytest.mark.parametrize("kind", [carrousel.LSTM, carrousel.LSTMCell])
    @pytest.mark.parametrize("spec", [None, {nn.Linear}, {nn.LSTM, nn.LSTMCell, nn.Linear}])
    def test_not_asked_for_it_stays_and_says_so(self, kind: type, spec: Any) -> None:
        net, x = kind(I, H), torch.randn(2, I)
        with pytest.warns(UserWarning, match=rf"carrousel.{kind.__name__} is not quantised and stays as it is"):
            model = self.quantised(net, spec)
        torch.testing.assert_close(model["net"](x), net(x))
        assert type(model["out"]) is not nn.Linear

    def test_the_way_round_is_quantised(self) -> None:
        net, x = carrousel.LSTM(I, H), torch.randn(3, 2, I)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torch.ao.quantization.quantize_dynamic(nn.Sequential(carrousel.to_torch(net)), {nn.LSTM})
        assert (model(x)[0] - net(x)[0]).abs().max() < 0.1

    def test_left_out_it_stays_without_a_word(self) -> None:
        net = carrousel.LSTM(I, H)
        with pytest.warns(UserWarning, match="stays"):
            net.qconfig = None
        assert net.qconfig is None
        del net.qconfig
        assert not hasattr(net, "qconfig")
