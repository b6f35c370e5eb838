"""The benchmark: its workloads are right, its checks can fail, and its sums add up. No time is tested here."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from carrousel import bench, engine
from carrousel.bench import VARIANTS, WORKLOADS, Measured, Workload
from carrousel.bench._subjects import Subjects
from carrousel.bench._targets import verdicts

SEVEN = {(100, 1, 32, 32), (100, 1, 128, 128), (100, 16, 64, 64), (100, 32, 128, 128), (100, 64, 256, 256),
         (50, 64, 512, 512), (1000, 16, 64, 64)}  # fmt: skip


def test_the_registry_is_whole() -> None:
    assert len(set(WORKLOADS)) == len(WORKLOADS)
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    assert {"lstm", "peephole", "coupled", "slstm", "layer-norm", "projection", "own"} == set(VARIANTS)
    for variant in VARIANTS:
        for mode in ("train", "train-dx", "inference"):
            own = [w for w in WORKLOADS if (w.variant, w.mode) == (variant, mode)]
            assert {(w.T, w.B, w.I, w.H) for w in own if not w.ragged} == SEVEN
            assert {(w.T, w.B, w.I, w.H) for w in own if w.ragged} == {(128, 32, 128, 128), (512, 16, 128, 128)}


SMALL = [w for w in WORKLOADS if w.T * w.B * w.H <= 110_000]
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


@pytest.mark.parametrize(
    ("workload", "products"),
    [
        (Workload("lstm", "inference", 10, 2, 3, 4), 20 * 16 * (3 + 4)),
        (Workload("lstm", "train", 10, 2, 3, 4), 20 * 16 * (2 * 3 + 3 * 4)),
        (Workload("lstm", "train-dx", 10, 2, 3, 4), 20 * 16 * (3 * 3 + 3 * 4)),
        (Workload("coupled", "inference", 10, 2, 3, 4), 20 * 12 * (3 + 4)),
        (Workload("projection", "train", 10, 2, 3, 4), 20 * (16 * (2 * 3 + 3 * 2) + 3 * 2 * 4)),
        (Workload("lstm", "step", 1, 1, 3, 4), 16 * (3 + 4)),
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


def test_peak_memory_of_a_training_step() -> None:
    small, large = (bench.memory("carrousel", T, 16, 64, 64, repeats=1) for T in (50, 1000))
    floats = 1000 * 16 * 64 * 4  # one state of every step
    assert 4 * floats < large < 40 * floats
    assert small < large / 4


def rows(**ratios: float) -> list[Measured]:
    return [Measured(w, None, "cpu", 1e-3, 9e8, dict(ratios), 5) for w in WORKLOADS]


def test_verdicts() -> None:
    found = {v.figure.strip(): v for v in verdicts(rows(torch=2.5, eager=12.0, lstm=0.9), peak=1e12)}
    assert found["the lowest of the seven shapes"].reached
    assert found["the lowest of the seven shapes"].value == pytest.approx(2.5)
    assert not next(v for name, v in found.items() if "ragged" in name).reached
    assert next(v for name, v in found.items() if "share of the machine's peak" in name).value == pytest.approx(0.9)
    assert next(v for name, v in found.items() if name.startswith("one step")).value == pytest.approx(0.4)
    assert next(v for name, v in found.items() if name.startswith("own, forward + backward: time")).reached
    assert sum("eager torch" in name for name in found) == len(VARIANTS) - 1


def test_no_verdict_without_all_its_workloads() -> None:
    some = [row for row in rows(torch=2.5) if row.workload.H != 512]
    values = {v.figure: v for v in verdicts(some, peak=1e12)}
    assert values["  the lowest of the seven shapes"].value is None
    assert values["  the lowest of the seven shapes"].reached is None
    red = [replace(row, failure="wrong") if row.workload.T == 1000 else row for row in rows(torch=2.5)]
    assert {v.figure: v.value for v in verdicts(red, peak=1e12)}["  the lowest of the seven shapes"] is None


def test_selection() -> None:
    (one,) = bench.select(["train lstm 100x1x32x32"])
    assert one == Workload("lstm", "train", 100, 1, 32, 32)
    assert {w.variant for w in bench.select(["lstm"])} == {"lstm"}
    assert {w.variant for w in bench.select(["slstm", "lstm step"])} == {"lstm", "slstm"}
    assert bench.select([]) == WORKLOADS
    with pytest.raises(ValueError, match="no workload is 'gru'"):
        bench.select(["gru"])
