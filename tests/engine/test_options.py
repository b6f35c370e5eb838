"""Every option of a layer, and all noise, on the kernels against the reference: cells, awkward sizes, both widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from against_reference import call, compare, masks_of, ragged, tensors_of
from layer_options import ALL, NOISE, NORMED, OPTIONS, cell_of, fits, has

import carrousel
from carrousel import cells
from carrousel.cells.math import sigmoid, tanh
from carrousel.engine import cpu
from carrousel.engine._layer import Layer
from carrousel.engine.cpu import _buffers, _kernels, _meeting, _sized

SIZES = [(5, 3, 4, 12), (3, 7, 5, 32), (6, 1, 3, 24)]
"""T, B, I, H: sizes that blocks and heads divide, whole vectors and not."""


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    _buffers.poison(True)
    yield
    _buffers.poison(False)


WITH_OPTIONS = [(name, option) for name in ALL for option in OPTIONS if fits(cell_of(name), OPTIONS[option])]
WITH_NOISE = [(name, noise) for name in ALL for noise in NOISE if any(has(cell_of(name), k) for k in NOISE[noise])]


@pytest.mark.parametrize(("name", "option"), WITH_OPTIONS)
def test_options(name: str, option: str) -> None:
    cell, options = cell_of(name), OPTIONS[option]
    for T, B, I, H in SIZES:
        layer = Layer(cell, I, H, **options)
        compare(layer, T, B, torch.float64, reverse=B == 3, lengths=ragged(T, B) if B > 1 else None)
    compare(layer, T, B, torch.float32)


@pytest.mark.parametrize(("name", "option"), [each for each in WITH_OPTIONS if each[0] in NORMED])
def test_options_with_layer_norm(name: str, option: str) -> None:
    for T, B, I, H in SIZES[:2]:
        layer = Layer(cell_of(name), I, H, layer_norm=True, bias=B == 3, **OPTIONS[option])
        compare(layer, T, B, torch.float64, reverse=B == 3)
        compare(layer, T, B, torch.float64, lengths=ragged(T, B))


@pytest.mark.parametrize("option", [None, "blocks", "gates to all"])
@pytest.mark.parametrize("name", ALL)
def test_activations_of_every_step(name: str, option: str | None) -> None:
    cell, options = cell_of(name), OPTIONS[option] if option else {}
    if not fits(cell, options):
        pytest.skip("the cell has no such option")
    for T, B, I, H in SIZES[:2]:
        layer = Layer(cell, I, H, **options)
        for lengths in (None, ragged(T, B)):
            compare(layer, T, B, torch.float64, lengths=lengths, keep=("h", *cell.states, *cell.rows))


@pytest.mark.parametrize(("name", "noise"), WITH_NOISE)
def test_noise(name: str, noise: str) -> None:
    cell = cell_of(name)
    given = [kind for kind in NOISE[noise] if has(cell, kind)]
    for T, B, I, H in SIZES:
        layer = Layer(cell, I, H)
        lengths = ragged(T, B) if B > 1 else None
        compare(layer, T, B, torch.float64, reverse=B == 3, masks=masks_of(layer, T, B, given), lengths=lengths)
    compare(layer, T, B, torch.float32, masks=masks_of(layer, T, B, given))
    others = [{"layer_norm": True}] if name in NORMED else []
    others += [{"proj_size": 7}] if fits(cell, {"proj_size": 7}) else []
    for options in others:
        layer = Layer(cell, 5, 24, **options)
        compare(layer, 4, 3, torch.float64, masks=masks_of(layer, 4, 3, given), keep=("h", *cell.states))


@pytest.mark.parametrize("option", OPTIONS)
def test_options_under_noise(option: str) -> None:
    """Everything at once, with resets, for cells that peep, split or gate their rows and read their output."""
    resets = torch.rand(6, 5, generator=torch.Generator().manual_seed(0)) < 0.3
    for name in ("peephole", "gru", "chained"):
        cell = cell_of(name)
        if not fits(cell, OPTIONS[option]):
            continue
        for normed in (False, True):
            layer = Layer(cell, 3, 32, layer_norm=normed, **OPTIONS[option])
            masks = masks_of(layer, 6, 5, [kind for kind in NOISE["all"] if has(cell, kind)])
            lengths = torch.tensor([0, 6, 4, 1, 6])
            for reverse in (False, True):
                options = {"resets": resets, "lengths": lengths, "masks": masks, "keep": ("h", *cell.rows)}
                compare(layer, 6, 5, torch.float64, reverse=reverse, **options)


@carrousel.cell("i o g", candidates="g", states="c d")
def late(z, s, p):
    """What leaves the carrousel meets the old state, whose new value was there before."""
    c = s.c + sigmoid(z.i) * p.g(tanh(z.g))
    d = tanh(p.c(c) - s.c) + 0.5 * s.d
    o = sigmoid(z.o)
    h = o * tanh(p.d(d) + s.d * s.c)
    return h, carrousel.State(c=c, d=d), carrousel.Gates(i=sigmoid(z.i), o=o, g=tanh(z.g))


@pytest.mark.parametrize("option", [None, *OPTIONS])
@pytest.mark.parametrize("name", [*ALL, "late"])
def test_without_gradients_where_nothing_is_kept(name: str, option: str | None) -> None:
    """So many sequences that a step's values take the place of those before."""
    cell, options = late if name == "late" else cell_of(name), OPTIONS[option] if option else {}
    if not fits(cell, options):
        pytest.skip("the cell has no such option")
    for normed in (False, True):
        torch.manual_seed(0)
        net = carrousel.LSTM(3, 24, cell=cell, layer_norm=normed, dtype=torch.float64, **options).eval()
        x = torch.randn(4, 13, 3, dtype=torch.float64)
        output, state = net(x)
        with torch.no_grad():
            again, final = net(x)
        for value, other in zip((output, *state), (again, *final), strict=True):
            torch.testing.assert_close(other, value, rtol=1e-12, atol=1e-13)


@carrousel.cell("sent Z X", candidates="X", states="h_ W V")
def borrowed(z, s, p):
    """Named as nobody should: kernels have buffers of such names."""
    a, b, c = sigmoid(z.sent), sigmoid(z.Z), p.X(tanh(z.X))
    W, V = a * s.W + c, b * s.V + a
    h_ = p.h_(tanh(s.h_ + W))
    return b * tanh(p.W(W) + p.V(V)) * h_, carrousel.State(h_=h_, W=W, V=V), carrousel.Gates(sent=a, Z=b, X=c)


@pytest.mark.parametrize("option", [{}, {"layer_norm": True}, {"gate_recurrence": "all"}, {"block_size": 2}])
def test_names_of_states_and_rows_are_free(option: dict[str, Any]) -> None:
    keep = ("h", *borrowed.states, *borrowed.rows)
    compare(Layer(borrowed, 3, 12, **option), 4, 3, torch.float64, keep=keep)


@pytest.mark.parametrize("block_size", [3, 5, 15])
def test_blocks_that_no_vector_holds(block_size: int) -> None:
    for name in ("peephole", "original", "gru", "gru_cho"):
        layer = Layer(cell_of(name), 3, 15, block_size=block_size)
        compare(layer, 5, 4, torch.float64, keep=("h", *layer.cell.rows))


@pytest.mark.parametrize("option", OPTIONS)
def test_threads_change_nothing(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sized, "SMALL", 0)  # however little there is to do
    layer = Layer(cells.get("lstm"), 40, 64, **OPTIONS[option])
    torch.manual_seed(0)
    made = tensors_of(layer, 30, 13)
    masks = masks_of(layer, 30, 13, NOISE["all"])
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(call(cpu, layer, made, torch.float32, lengths=ragged(30, 13), masks=masks))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(value, other[name]) for name, value in results[0].items())


@pytest.mark.parametrize("units", [16, 48, 104])
@pytest.mark.parametrize("name", ["lstm", "peephole", "gru", "slstm", "elman"])
def test_threads_share_the_units_of_a_single_sequence(name: str, units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for one another at every step; how many they are changes nothing."""
    monkeypatch.setattr(_sized, "SMALL", 0)
    monkeypatch.setattr(_kernels, "_REPAYS", 0)
    monkeypatch.setattr(_meeting.Meeting, "end", lambda *ended: None)  # however crowded the machine
    layer = Layer(cell_of(name), 3, units)
    T, B = 9, 1
    masks = masks_of(layer, T, B, [kind for kind in NOISE["all"] if has(layer.cell, kind)])
    torch.manual_seed(0)
    made = tensors_of(layer, T, B)
    options = [{}, {"reverse": True, "masks": masks, "keep": ("h", *layer.cell.states, *layer.cell.rows)}]
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append([call(cpu, layer, made, torch.float32, **each) for each in options])
            for each in options:
                compare(layer, T, B, torch.float64, **each)
    finally:
        torch.set_num_threads(before)
    layers = [kernels for kernels in layer.kernels.values() if isinstance(kernels, _kernels.Kernels)]
    assert any(kernels.variant.by_units for kernels in layers)
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_threads_that_lose_their_cores_part_for_a_moment_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass that was disturbed costs little; where every one is, threads stay apart for longer and longer."""
    clock = [100.0]
    monkeypatch.setattr(_meeting.time, "monotonic", lambda: clock[0])
    for name in ("crowded", "pause"):
        monkeypatch.setattr(_meeting.Meeting, name, getattr(_meeting.Meeting, name))
    monkeypatch.setattr(_meeting.Meeting, "pause", 0.002)
    counter = torch.zeros(16)
    lost, steps = counter.view(torch.int64), 80
    pauses = []
    for _ in range(7):
        lost[1] = steps
        _meeting.Meeting.end(counter, steps)
        pauses.append(_meeting.Meeting.crowded - clock[0])
        clock[0] = _meeting.Meeting.crowded
    assert pauses == pytest.approx([0.002, 0.008, 0.032, 0.128, 0.512, 1.0, 1.0])
    lost[1] = steps // 8  # not more than may happen
    for _ in range(20):
        _meeting.Meeting.end(counter, steps)
    assert _meeting.Meeting.crowded == clock[0]
    lost[1] = steps
    _meeting.Meeting.end(counter, steps)
    assert _meeting.Meeting.crowded - clock[0] == pytest.approx(0.002)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("fed", ["gates", "all"])
@pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"block_size": 2}, {"heads": 2}], ids=str)
def test_options_of_the_recurrence_together(options: dict[str, Any], fed: str, diagonal: bool) -> None:
    """Each pair of them that a network may have is computed right, or refused."""
    try:
        net = carrousel.LSTM(3, 12, cell="peephole", diagonal=diagonal, gate_recurrence=fed, **options)
    except ValueError:
        return
    layer = net.layers[0]
    if cpu.refuses_layer(layer) is None:
        compare(layer, 4, 3, torch.float64, keep=("h", *layer.cell.rows))
    else:
        assert diagonal
        assert not layer.layer_norm
