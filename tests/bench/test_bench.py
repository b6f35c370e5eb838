"""The benchmark: its workloads are right, its checks can fail, and its sums add up. No time is tested here."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace

import pytest
import torch

import carrousel
from carrousel import bench, engine
from carrousel.bench import VARIANTS, WORKLOADS, Measured, Workload, _machine
from carrousel.bench._online import Figure
from carrousel.bench._subjects import Subjects
from carrousel.bench._targets import online_verdicts, verdicts
from carrousel.bench._workloads import CELLS, OPTIONS
from carrousel.engine.cpu.llvm import Target

SEVEN = {(100, 1, 32, 32), (100, 1, 128, 128), (100, 16, 64, 64), (100, 32, 128, 128), (100, 64, 256, 256),
         (50, 64, 512, 512), (1000, 16, 64, 64)}  # fmt: skip


def test_the_registry_is_whole() -> None:
    assert len(set(WORKLOADS)) == len(WORKLOADS)
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    assert {"lstm", "peephole", "coupled", "slstm", "layer-norm", "projection", "own"} == set(CELLS)
    assert set(VARIANTS) == {*CELLS, *OPTIONS}
    for variant in CELLS:
        for mode in ("train", "train-dx", "inference"):
            own = [w for w in WORKLOADS if (w.variant, w.mode) == (variant, mode)]
            alone = {(100, 1, 256, 256)} if variant == "lstm" and mode != "train-dx" else set()
            assert {(w.T, w.B, w.I, w.H) for w in own if not w.ragged} == SEVEN | alone
            assert {(w.T, w.B, w.I, w.H) for w in own if w.ragged} == {(128, 32, 128, 128), (512, 16, 128, 128)}
    for option in OPTIONS:
        (mode,) = {w.mode for w in WORKLOADS if w.variant == option}
        assert mode == "train"
        assert {(w.T, w.B, w.I, w.H) for w in WORKLOADS if w.variant == option and not w.ragged} == SEVEN


PLAIN = {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "device",
         "dtype", "forget_bias", "init"}  # fmt: skip
"""Arguments that change nothing in the recursion of a layer."""


def test_every_option_of_the_network_is_timed() -> None:
    timed = {name for variant in VARIANTS for name in Workload(variant, "train", 1, 1, 8, 8).options}
    assert timed == set(inspect.signature(carrousel.LSTM).parameters) - PLAIN


LIMIT = dict.fromkeys(CELLS, 110_000) | dict.fromkeys(OPTIONS, 4_000)
SMALL = [w for w in WORKLOADS if LIMIT[w.variant] >= w.T * w.B * w.H]
"""Those that are checked as they are; the others are cut down."""


def smaller(workload: Workload) -> Workload:
    if workload in SMALL or workload.mode == "memory":
        return workload
    return replace(workload, T=min(workload.T, 12), B=min(workload.B, 5), I=min(workload.I, 24), H=min(workload.H, 40))


CUT = {smaller(w).name: smaller(w) for w in WORKLOADS if w.mode != "memory"}


@pytest.mark.parametrize("name", CUT)
def test_every_workload_is_right(name: str) -> None:
    assert bench.check(CUT[name]) is None


@pytest.mark.parametrize(
    ("mode", "spoilt", "says"),
    [
        ("inference", lambda result: replace_output(result, result.output + 1e-5), "output is wrong by 1.0e-05"),
        ("inference", lambda result: replace_output(result, result.output * float("nan")), "output is wrong by nan"),
        ("inference", lambda result: result._replace(final=(result.final[0], result.final[1] + 3e-6)), "c_n is wrong"),
        ("train", lambda result: replace_output(result, Shifted.apply(result.output)), "d weight_ih is wrong"),
    ],
)
def test_a_check_that_fails_is_seen(mode: str, spoilt, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda *args, **kwargs: spoilt(run(*args, **kwargs)))
    row = bench.measure(Workload("lstm", mode, 6, 3, 5, 7))
    assert row.failure is not None
    assert row.failure.startswith(says)
    assert (row.seconds, row.flops, row.rate, row.ratios, row.bytes) == (None, None, None, {}, None)


def replace_output(result, output):
    return result._replace(output=output)


class Shifted(torch.autograd.Function):
    """The right output, and derivatives a little too large."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * 1.0001


@pytest.mark.parametrize("option", ["recurrent_dropout variational", "recurrent_dropout candidate", "zoneout"])
def test_noise_is_drawn_in_every_go_and_checked_against_the_same(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = Workload(option, "train", 6, 3, 5, 8)
    for work in (Subjects(workload).ours(), Subjects(workload).eager()):
        first, second = work(), work()
        assert not all(a.equal(b) for a, b in zip(first, second, strict=True))
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda call: run(call._replace(masks=engine.QUIET)))
    assert "wrong" in str(bench.check(workload))


def test_what_is_asked_for_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    run = engine.run

    def spoilt(call):
        result = run(call)
        return result._replace(steps={**result.steps, "f": result.steps["f"] + 1e-5})

    monkeypatch.setattr(engine, "run", spoilt)
    workload = Workload("return_states gates", "train", 6, 3, 5, 8)
    assert str(bench.check(workload)).startswith("f is wrong by 1.0e-05")


def test_a_row_has_its_figures() -> None:
    row = bench.measure(Workload("peephole", "train", 6, 3, 5, 7), seconds=0.01, least=2)
    assert row.failure is None
    assert row.backend == "cpu"
    assert set(row.ratios) == {"torch", "eager", "lstm"}
    assert row.rounds >= 2
    assert row.seconds is not None
    assert 0 < row.seconds < 10
    assert row.rate == row.flops / row.seconds
    assert json.dumps(row.to_dict(1e9))
    ragged = bench.measure(Workload("slstm", "train-dx", 6, 3, 5, 7, ragged=True), seconds=0.01, least=2)
    assert set(ragged.ratios) == {"torch"}
    assert set(bench.measure(Workload("lstm", "step", 1, 1, 5, 7), seconds=0.01, least=2).ratios) == {"torch"}
    noisy = Workload("zoneout", "train", 6, 3, 5, 8)
    assert set(bench.measure(noisy, seconds=0.01, least=2).ratios) == {"torch", "eager", "lstm"}
    assert set(bench.measure(noisy, seconds=0.01, least=2, eager=False).ratios) == {"torch", "lstm"}


@pytest.mark.parametrize(
    ("workload", "products"),
    [
        (Workload("lstm", "inference", 10, 2, 3, 4), 20 * 16 * (3 + 4)),
        (Workload("lstm", "train", 10, 2, 3, 4), 20 * 16 * (2 * 3 + 3 * 4)),
        (Workload("lstm", "train-dx", 10, 2, 3, 4), 20 * 16 * (3 * 3 + 3 * 4)),
        (Workload("coupled", "inference", 10, 2, 3, 4), 20 * 12 * (3 + 4)),
        (Workload("projection", "train", 10, 2, 3, 4), 20 * (16 * (2 * 3 + 3 * 2) + 3 * 2 * 4)),
        (Workload("lstm", "step", 1, 1, 3, 4), 16 * (3 + 4)),
        (Workload("block_size", "train", 10, 2, 3, 4), 20 * 10 * (2 * 3 + 3 * 4)),
        (Workload("heads", "train", 10, 2, 3, 4), 20 * 16 * (2 * 3 + 3 * 1)),
        (Workload("diagonal", "train", 10, 2, 3, 4), 20 * 16 * 2 * 3),
        (Workload("gate_recurrence gates", "train", 10, 2, 3, 4), 20 * (16 * (2 * 3 + 3 * 4) + 3 * 12 * 12)),
        (Workload("gate_recurrence all", "train", 10, 2, 3, 4), 20 * (16 * (2 * 3 + 3 * 4) + 3 * 16 * 12)),
    ],
    ids=lambda value: value.name if isinstance(value, Workload) else "",
)
def test_operations_are_those_of_the_products(workload: Workload, products: int) -> None:
    assert Subjects(workload).flops() == 2 * products


def test_all_subjects_do_the_same() -> None:
    """torch's network with our weights gives our results, ragged or not: the rivals are what they seem."""
    for ragged in (False, True):
        w = Workload("lstm", "inference", 9, 4, 3, 5, ragged)
        subjects = Subjects(w)
        ours, eager = subjects.ours()(), subjects.eager()()
        torch.testing.assert_close(ours, eager)
        assert Subjects(w).own_lstm()().equal(ours)
        made: list[torch.nn.Module] = []
        original = torch.nn.LSTM

        def remember(*args, original=original, made=made, **kwargs):
            made.append(original(*args, **kwargs))
            return made[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.nn, "LSTM", remember)
            work = subjects.torchs()
        made[0].load_state_dict(subjects.net.state_dict())
        found = work()
        if ragged:
            sizes = (torch.arange(9).unsqueeze(-1) < subjects.lengths).sum(1)
            found = torch.nn.utils.rnn.pad_packed_sequence(torch.nn.utils.rnn.PackedSequence(found, sizes))[0]
        torch.testing.assert_close(ours, found)


def test_peak() -> None:
    """The products cannot be faster than the peak, and the peak not faster than the clock."""
    rate = bench.peak(repeats=5)
    assert 1e9 < rate < 1e13
    row = bench.measure(Workload("lstm", "inference", 20, 48, 128, 128), seconds=0.05, least=3)
    assert row.rate is not None
    assert row.rate < 1.2 * max(rate, bench.peak(repeats=5))


@pytest.mark.slow
def test_peak_memory_of_a_training_step() -> None:
    small, large = (bench.memory("carrousel", T, 16, 64, 64, repeats=1) for T in (50, 1000))
    floats = 1000 * 16 * 64 * 4  # one state of every step
    assert 4 * floats < large < 40 * floats
    assert small < large / 4


def rows(**ratios: float) -> list[Measured]:
    return [Measured(w, None, "cpu", 1e-3, 9e8, dict(ratios), 5) for w in WORKLOADS]


def test_verdicts() -> None:
    found = {v.figure: v for v in verdicts(rows(torch=2.5, eager=12.0, lstm=0.9), peak=1e12, column="AVX-512")}
    lowest = found["lstm, forward + backward: the lowest of the seven shapes"]
    assert (lowest.value, lowest.target, lowest.reached) == (pytest.approx(2.5), 1.3, True)
    assert not next(v for name, v in found.items() if "ragged" in name).reached
    assert next(v for name, v in found.items() if "share of the machine's peak" in name).value == pytest.approx(0.9)
    assert next(v for name, v in found.items() if name.startswith("one step")).value == pytest.approx(0.4)
    assert next(v for name, v in found.items() if name.startswith("own, forward + backward: time")).reached
    assert sum("eager torch" in name for name in found) == len(VARIANTS) - 1
    for option in OPTIONS:
        assert any(name.startswith(f"{option}, ") and "our lstm's time" in name for name in found)


def test_targets_are_those_of_the_instruction_set() -> None:
    measured = rows(torch=1.9, eager=9.0, lstm=0.9)
    columns = {column: verdicts(measured, 1e12, column) for column in ("AVX-512", "AVX2", "vectors of 16 bytes")}
    wide, narrow, other = columns.values()
    assert [v.figure for v in wide] == [v.figure for v in narrow]
    assert other == narrow
    assert verdicts(measured, 1e12) == columns.get(bench.instructions(), narrow)
    assert all(a.target >= b.target for a, b in zip(wide, narrow, strict=True))
    mean = "lstm, forward + backward: nn.LSTM's time / ours, geometric mean"
    assert [{v.figure: v.reached for v in column}[mean] for column in (wide, narrow)] == [False, True]


def test_gate_recurrence_is_held_to_its_own_multiplications() -> None:
    """The matrix from three gates to three gates is of 9 H²."""
    found = {v.figure: v.value for v in verdicts(rows(lstm=0.5), peak=1e12)}
    (gates,) = (value for name, value in found.items() if name.startswith("gate_recurrence gates, ") and "same" in name)
    plain = 2 * 4 + 3 * 4  # H² multiplications of a step of training
    assert gates == pytest.approx(0.5 * (plain + 3 * 9) / plain)


def test_no_verdict_without_all_its_workloads() -> None:
    lowest = "lstm, forward + backward: the lowest of the seven shapes"
    some = [row for row in rows(torch=2.5) if row.workload.H != 512]
    values = {v.figure: v for v in verdicts(some, peak=1e12)}
    assert values[lowest].value is None
    assert values[lowest].reached is None
    red = [replace(row, failure="wrong") if row.workload.T == 1000 else row for row in rows(torch=2.5)]
    assert {v.figure: v.value for v in verdicts(red, peak=1e12)}[lowest] is None


def test_verdicts_of_the_online_rule() -> None:
    figures = [Figure("264 weights, an error at every step", 5.5, "M steps/s", ""), Figure("share", 60.0, "%", "")]
    assert [v.reached for v in online_verdicts(figures, "AVX-512")] == [False, True]
    assert [v.reached for v in online_verdicts(figures, "AVX2")] == [True, True]


def narrowed(monkeypatch: pytest.MonkeyPatch, cap: str | None) -> str | None:
    wide, narrow = Target("a", "", 64, 32), Target("a", "", 32, 16)
    monkeypatch.setattr(_machine, "host", lambda choice=None: wide if choice == "avx512" else narrow)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if cap is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", cap)
    return bench.note_on_width()


@pytest.mark.parametrize(
    ("cap", "says"),
    [
        (None, "keeps its own width unless ONEDNN_MAX_CPU_ISA is AVX2: it is not set"),
        ("ALL", "keeps its own width unless ONEDNN_MAX_CPU_ISA is AVX2: it is 'ALL'"),
        ("AVX2", "ONEDNN_MAX_CPU_ISA is AVX2, which narrows oneDNN"),
    ],
)
def test_a_narrowed_machine_is_said_to_be(cap: str | None, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    note = narrowed(monkeypatch, cap)
    assert note is not None
    assert note.startswith("CARROUSEL_CPU narrows the kernels to AVX2 on a machine with AVX-512; ")
    assert says in note


@pytest.mark.parametrize(("width", "name"), [(64, "AVX-512"), (32, "AVX2"), (16, "vectors of 16 bytes")])
def test_a_machine_that_is_not_narrowed(width: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def host(choice: str | None = None) -> Target:
        if choice == "avx512" and width < 64:
            raise ValueError("this machine does not have AVX-512")
        return Target("a", "", width, 32)

    monkeypatch.setattr(_machine, "host", host)
    assert bench.instructions() == bench.instructions(bench.widest()) == name
    assert bench.note_on_width() is None


def test_selection() -> None:
    (one,) = bench.select(["train lstm 100x1x32x32"])
    assert one == Workload("lstm", "train", 100, 1, 32, 32)
    assert {w.variant for w in bench.select(["lstm"])} == {"lstm"}
    assert {w.variant for w in bench.select(["slstm", "lstm step"])} == {"lstm", "slstm"}
    assert {w.variant for w in bench.select(["zoneout train"])} == {"zoneout"}
    assert {w.variant for w in bench.select(["recurrent_dropout candidate"])} == {"recurrent_dropout candidate"}
    assert len(bench.select(["recurrent_dropout"])) == 2 * len(SEVEN)
    assert bench.select([]) == WORKLOADS
    with pytest.raises(ValueError, match="no workload is 'gru'"):
        bench.select(["gru"])
