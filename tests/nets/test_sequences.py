"""Lengths, resets, steps, chunks and all states: every way to run a sequence gives the same."""

import pytest
import torch
from configurations import ALL, BACKENDS, H, I, as_hx, as_tuple, make, random_state, running_on
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import carrousel

SAME = {"rtol": 1e-9, "atol": 1e-11}
EXAMPLES = settings(max_examples=40, deadline=None, database=None)

configs = st.sampled_from(sorted(ALL))
backends = st.sampled_from(BACKENDS)
nan = float("nan")


def normal(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weighted(values, seed: int = 9) -> torch.Tensor:
    """A scalar in which every entry has a weight of its own."""
    return sum((value * normal(*value.shape, seed=seed + k)).sum() for k, value in enumerate(values))


def column(state: tuple[torch.Tensor, ...], b: int) -> tuple[torch.Tensor, ...]:
    return tuple(value[:, b : b + 1] for value in state)


@st.composite
def ragged(draw):
    T = draw(st.integers(0, 5))
    return T, draw(st.lists(st.integers(0, T), min_size=1, max_size=4))


@EXAMPLES
@given(
    name=configs, batch=ragged(), layers=st.integers(1, 2), both=st.booleans(), as_list=st.booleans(), backend=backends
)
def test_lengths(name, batch, layers, both, as_list, backend) -> None:
    """A ragged batch is its sequences run one by one; what stands past a length is never read."""
    T, lengths = batch
    B = len(lengths)
    net = make(ALL[name], num_layers=layers, bidirectional=both)
    x = normal(T, B, I)
    for b, n in enumerate(lengths):
        x[n:, b] = nan
    x.requires_grad_()
    state = random_state(net, B)
    for value in state:
        value.requires_grad_()
    given_lengths = lengths if as_list else torch.tensor(lengths)
    with running_on(backend):
        output, final, steps = net(x, as_hx(state), lengths=given_lengths, return_states="gates")
        got_output, got_final = net(x, as_hx(state), lengths=given_lengths)
    torch.testing.assert_close((got_output, got_final), (output, final), **SAME)
    wanted = [x, *state, *net.parameters()]

    outputs, finals, parts = [], [], []
    for b, n in enumerate(lengths):
        alone, last, alone_steps = net(x[:n, b : b + 1], as_hx(column(state, b)), return_states="gates")
        outputs.append(torch.cat([alone, alone.new_zeros(T - n, 1, alone.shape[-1])]))
        finals.append(as_tuple(last))
        parts.append({key: torch.cat([v, v.new_zeros(T - n, 1, v.shape[-1])]) for key, v in alone_steps.items()})
    want_output = torch.cat(outputs, 1)
    want_final = tuple(torch.cat(values, 1) for values in zip(*finals, strict=True))
    torch.testing.assert_close(output, want_output, **SAME)
    torch.testing.assert_close(as_tuple(final), want_final, **SAME)
    assert set(steps) == set(parts[0])
    for key, value in steps.items():
        torch.testing.assert_close(value, torch.cat([part[key] for part in parts], 1), **SAME)

    got = torch.autograd.grad(weighted((output, *as_tuple(final))), wanted, allow_unused=True)
    want = torch.autograd.grad(weighted((want_output, *want_final)), wanted, allow_unused=True)
    for one, other, like in zip(got, want, wanted, strict=True):
        one, other = (torch.zeros_like(like) if g is None else g for g in (one, other))
        torch.testing.assert_close(one, other, **SAME)  # a NaN anywhere would not be close
    if got[0] is not None:
        for b, n in enumerate(lengths):
            assert (got[0][n:, b] == 0).all()


@st.composite
def with_resets(draw):
    T, lengths = draw(ragged())
    steps = st.lists(st.booleans(), min_size=T, max_size=T)
    return T, lengths, [draw(steps) for _ in lengths]


@EXAMPLES
@given(name=configs, batch=with_resets(), layers=st.integers(1, 2), both=st.booleans(), backend=backends)
def test_resets(name, batch, layers, both, backend) -> None:
    """Resets cut a sequence into segments that are run apart, in both directions and in every layer."""
    T, lengths, cuts = batch
    B = len(lengths)
    net = make(ALL[name], num_layers=layers, bidirectional=both)
    x = normal(T, B, I).requires_grad_()
    state = random_state(net, B)
    for value in state:
        value.requires_grad_()
    resets = torch.tensor(cuts, dtype=torch.bool).reshape(B, T).T
    with running_on(backend):
        output, final = net(x, as_hx(state), lengths=lengths, resets=resets)
    directions = 2 if both else 1
    backward = (torch.arange(layers * directions) % directions == 1).reshape(-1, 1, 1)

    outputs, finals = [], []
    for b, n in enumerate(lengths):
        starts = [0] + [t for t in range(1, n) if cuts[b][t]]
        pieces, lasts = [], []
        for start, end in zip(starts, [*starts[1:], n], strict=True):
            # The user's initial state goes where each direction begins, unless a reset stands before its first step.
            forth = start == 0 and not (n and cuts[b][0])
            back = end == n
            begin = tuple(torch.where(backward, value * back, value * forth) for value in column(state, b))
            piece, last = net(x[start:end, b : b + 1], as_hx(begin))
            pieces.append(piece)
            lasts.append(as_tuple(last))
        whole = torch.cat(pieces)
        outputs.append(torch.cat([whole, whole.new_zeros(T - n, 1, whole.shape[-1])]))
        finals.append(
            tuple(torch.where(backward, first, last) for first, last in zip(lasts[0], lasts[-1], strict=True))
        )
    want_output = torch.cat(outputs, 1)
    want_final = tuple(torch.cat(values, 1) for values in zip(*finals, strict=True))
    torch.testing.assert_close(output, want_output, **SAME)
    torch.testing.assert_close(as_tuple(final), want_final, **SAME)

    wanted = [x, *state, *net.parameters()]
    got = torch.autograd.grad(weighted((output, *as_tuple(final))), wanted, allow_unused=True)
    want = torch.autograd.grad(weighted((want_output, *want_final)), wanted, allow_unused=True)
    for one, other, like in zip(got, want, wanted, strict=True):
        one, other = (torch.zeros_like(like) if g is None else g for g in (one, other))
        torch.testing.assert_close(one, other, **SAME)


def test_a_reset_stops_what_is_not_a_number() -> None:
    for both in (False, True):
        net = make({"cell": "peephole"}, bidirectional=both)
        x = normal(4, 1, I)
        resets = torch.tensor([False, False, True, False]).unsqueeze(1)
        clean = net(x, resets=resets)[0]
        x[0] = nan
        output = net(x, resets=resets)[0]
        assert output[:2].isnan().any()
        torch.testing.assert_close(output[2:], clean[2:])


@EXAMPLES
@given(
    name=configs,
    T=st.integers(1, 5),
    B=st.integers(1, 3),
    layers=st.integers(1, 3),
    batched=st.booleans(),
    backend=backends,
)
def test_step_by_step(name, T, B, layers, batched, backend) -> None:
    net = make(ALL[name], num_layers=layers, **({"dropout": 0.5} if layers > 1 else {}))
    x, state = (normal(T, B, I), random_state(net, B)) if batched else (normal(T, I), random_state(net, None))
    for initial in (as_hx(state), None):
        with running_on(backend):
            output, final = net(x, initial)
        now = initial
        for t in range(T):
            y, now = net.step(x[t], now)
            torch.testing.assert_close(y, output[t], **SAME)
        torch.testing.assert_close(as_tuple(now), as_tuple(final), **SAME)


@EXAMPLES
@given(
    name=configs,
    T=st.integers(0, 6),
    cut=st.integers(0, 6),
    layers=st.integers(1, 2),
    ends=st.booleans(),
    backend=backends,
)
def test_chunks(name, T, cut, layers, ends, backend) -> None:
    """Running on from the returned state is running on; a chunk may be empty, and each sequence may end in any."""
    cut = min(cut, T)
    net = make(ALL[name], num_layers=layers)
    x = normal(T, 3, I)
    lengths = torch.tensor([T, T // 2, 0]) if ends else None
    with running_on(backend):
        whole, final = net(x, lengths=lengths)
    first, state = net(x[:cut], lengths=None if lengths is None else lengths.clamp(max=cut))
    second, last = net(x[cut:], state, lengths=None if lengths is None else (lengths - cut).clamp(min=0))
    torch.testing.assert_close(torch.cat([first, second]), whole, **SAME)
    torch.testing.assert_close(as_tuple(last), as_tuple(final), **SAME)


@EXAMPLES
@given(name=configs, layers=st.integers(1, 2), both=st.booleans(), batch=ragged())
def test_all_states(name, layers, both, batch) -> None:
    T, lengths = batch
    B = len(lengths)
    net = make(ALL[name], num_layers=layers, bidirectional=both)
    x, state = normal(T, B, I), random_state(net, B)
    plain, plain_final = net(x, as_hx(state), lengths=lengths)
    output, final, steps = net(x, as_hx(state), lengths=lengths, return_states=True)
    torch.testing.assert_close(output, plain)
    torch.testing.assert_close(as_tuple(final), as_tuple(plain_final))

    ends = ["", "_reverse"][: 1 + both]
    names = ["h", *net.cell.states]
    if net.layers[0].gate_recurrence:
        names += net.cell.gates
    assert set(steps) == {f"{key}_l{k}{end}" for key in names for k in range(layers) for end in ends}
    top = torch.cat([steps[f"h_l{layers - 1}{end}"] for end in ends], -1)
    torch.testing.assert_close(top, output)
    for index, (k, end) in enumerate((k, end) for k in range(layers) for end in ends):
        for which, key in enumerate(names):
            value = steps[f"{key}_l{k}{end}"]
            assert value.shape == (T, B, as_tuple(final)[which].shape[-1])
            for b, n in enumerate(lengths):
                assert (value[n:, b] == 0).all()
                if n:
                    torch.testing.assert_close(value[0 if end else n - 1, b], as_tuple(final)[which][index, b])


@pytest.mark.parametrize("name", ALL)
def test_gates_are_seen(name: str) -> None:
    net = make(ALL[name])
    x = normal(3, 2, I)
    _, _, states = net(x, return_states=True)
    _, _, steps = net(x, return_states="gates")
    for key, value in states.items():
        torch.testing.assert_close(steps[key], value, **SAME)
    assert set(steps) == set(states) | {f"{row}_l0" for row in net.cell.rows}
    fed_back = ALL[name].get("gate_recurrence") is not None
    for row in net.cell.rows:
        value = steps[f"{row}_l0"]
        if row in net.cell.gates:
            # A gate's activation, once for each cell of its block; as a state, once for each block.
            assert value.shape == (3, 2, H // (ALL[name].get("block_size", 1) if fed_back else 1))
            assert ((value >= 0) & (value <= 1)).all()
        else:
            assert value.shape == (3, 2, H)


@pytest.mark.parametrize("form", ["batch first", "unbatched", "packed"])
def test_states_have_the_inputs_form(form: str) -> None:
    net = make({"cell": "slstm"}, batch_first=form == "batch first", bidirectional=True)
    dense = make({"cell": "slstm"}, bidirectional=True)
    x = normal(4, 2, I)
    want, last, steps = dense(x, lengths=[2, 4], return_states=True)
    if form == "batch first":
        output, final, got = net(x.transpose(0, 1), lengths=[2, 4], return_states=True)
        assert torch.equal(output, want.transpose(0, 1))
        assert got.keys() == steps.keys()
        assert all(torch.equal(got[key], steps[key].transpose(0, 1)) for key in steps)
        assert all(map(torch.equal, final, last))
    elif form == "unbatched":
        output, final, got = net(x[:, 1], return_states=True)
        torch.testing.assert_close(output, want[:, 1])
        for key in steps:
            torch.testing.assert_close(got[key], steps[key][:, 1])
        torch.testing.assert_close(final, tuple(value[:, 1] for value in last))
    else:
        output, final, got = net(pack_sequence([x[:2, 0], x[:, 1]], enforce_sorted=False), return_states=True)
        for key, value in {"output": output, **got}.items():
            assert isinstance(value, PackedSequence)
            padded, _ = torch.nn.utils.rnn.pad_packed_sequence(value)
            torch.testing.assert_close(padded, steps.get(key, want))
        torch.testing.assert_close(final, last)


@pytest.mark.parametrize("name", ALL)
def test_no_steps_at_all(name: str) -> None:
    for both in (False, True):
        net = make(ALL[name], num_layers=2, bidirectional=both, batch_first=True)
        state = random_state(make(ALL[name], num_layers=2, bidirectional=both), 3)
        x = torch.zeros(3, 0, I, dtype=torch.float64, requires_grad=True)
        for lengths in (None, [0, 0, 0]):
            output, final, steps = net(
                x, as_hx(state), lengths=lengths, resets=torch.zeros(3, 0, dtype=torch.bool), return_states="gates"
            )
            size = net.proj_size or H
            assert output.shape == (3, 0, size * (1 + both))
            assert all(map(torch.equal, as_tuple(final), state))
            full = net(torch.zeros(3, 1, I, dtype=torch.float64), return_states="gates")[2]
            assert {k: (*v.shape[:1], 0, *v.shape[2:]) for k, v in full.items()} == {
                k: tuple(v.shape) for k, v in steps.items()
            }


def test_resets_in_every_form() -> None:
    x = normal(4, 2, I)
    resets = torch.tensor([[0, 1], [0, 0], [1, 0], [0, 1]])
    want = make({})(x, resets=resets.bool())[0]
    assert torch.equal(make({})(x, resets=resets)[0], want)
    assert torch.equal(make({})(x, resets=resets.tolist())[0], want)
    assert torch.equal(make({}, batch_first=True)(x.transpose(0, 1), resets=resets.T)[0], want.transpose(0, 1))
    torch.testing.assert_close(make({})(x[:, 0], resets=resets[:, 0])[0], want[:, 0])
    assert not torch.equal(make({})(x)[0], want)


PACKED = pack_sequence([normal(3, I), normal(2, I)])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lengths": [1, 5]}, ValueError, "lengths should lie between 0 and 4, got 1 to 5"),
        ({"lengths": [-1, 4]}, ValueError, "lengths should lie between 0 and 4, got -1 to 4"),
        ({"lengths": [1, 2, 3]}, ValueError, "lengths should have one entry for each of the 2 sequences"),
        ({"lengths": [[1, 2]]}, ValueError, "lengths should have one entry"),
        ({"lengths": 3}, ValueError, "lengths should have one entry"),
        ({"lengths": [1.0, 2.0]}, TypeError, "lengths should be integers, got torch.float32"),
        ({"lengths": [True, False]}, TypeError, "lengths should be integers, got torch.bool"),
        ({"resets": torch.zeros(2, 4).bool()}, ValueError, r"resets should have the shape \(4, 2\)"),
        ({"resets": torch.zeros(4).bool()}, ValueError, r"resets should have the shape \(4, 2\)"),
        ({"resets": torch.zeros(4, 2)}, TypeError, "resets should be bools or integers, got torch.float32"),
        ({"return_states": "all"}, ValueError, "return_states should be False, True or 'gates', got 'all'"),
        ({"return_states": None}, ValueError, "return_states should be"),
    ],
)
def test_wrong_calls(options, error, message) -> None:
    with pytest.raises(error, match=message):
        make({})(normal(4, 2, I), **options)


def test_packed_sequences_know_their_lengths() -> None:
    with pytest.raises(ValueError, match="a PackedSequence knows its lengths"):
        make({})(PACKED, lengths=[3, 2])
    with pytest.raises(ValueError, match="resets go with a padded batch"):
        make({})(PACKED, resets=torch.zeros(3, 2).bool())


def test_one_sequence_may_have_one_length() -> None:
    net = make({})
    x = normal(4, I)
    for lengths in (2, [2], torch.tensor(2)):
        output, (h, _) = net(x, lengths=lengths)
        torch.testing.assert_close(output[:2], net(x[:2])[0])
        assert (output[2:] == 0).all()
        torch.testing.assert_close(h[0], output[1])


def test_what_cannot_step() -> None:
    with pytest.raises(RuntimeError, match="step: a bidirectional network needs the whole sequence"):
        make({}, bidirectional=True).step(normal(2, I))
    net = make({}, recurrent_dropout=0.5)
    net.step(normal(2, I))
    with pytest.raises(RuntimeError, match="step: variational dropout keeps its mask for a whole sequence"):
        net.train().step(normal(2, I))
    with pytest.raises(ValueError, match="Expected input to be 1D or 2D, got 3D"):
        make({}).step(normal(1, 2, I))
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        make({}).step(normal(2))
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size"):
        make({}).step(normal(2, I), (torch.zeros(1, 3, H).double(),) * 2)


def test_gate_recurrence_returns_its_gates() -> None:
    net = make({"cell": "peephole", "gate_recurrence": "gates", "block_size": 2}, num_layers=2)
    _, final = net(normal(3, 5, I))
    assert [tuple(value.shape) for value in final] == [(2, 5, H)] * 2 + [(2, 5, H // 2)] * 3
    with pytest.raises(RuntimeError, match=r"has 5 states \(h, c, i, f, o\), hx holds 2"):
        net(normal(3, 5, I), final[:2])


def test_states_are_alone_where_h_is_the_only_one() -> None:
    for name in carrousel.cells:
        net = make({"cell": name})
        final = net(normal(3, 2, I))[1]
        assert isinstance(final, torch.Tensor) == (not net.cell.states)
        assert isinstance(net.step(normal(2, I))[1], torch.Tensor) == (not net.cell.states)


@pytest.mark.parametrize("lengths", [None, [0, 0]])
def test_states_of_no_steps_do_not_share_memory(lengths) -> None:
    """What is done to one final state in place must not reach another."""
    _, (h, c) = carrousel.LSTM(I, H)(torch.zeros(0 if lengths is None else 3, 2, I), lengths=lengths)
    h.detach().fill_(1.0)
    assert not c.any()
