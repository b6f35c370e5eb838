"""Passes as programs: one serves many packings, and the numbers in it are those of the packing at hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from configurations import ALL

import carrousel
from carrousel.engine.cpu import _sized
from carrousel.engine.cpu._counts import ROWS, STEPS, Frame
from carrousel.engine.cpu._program import Program

SEQUENCES = 5
KINDS = {**ALL, "recurrent dropout": {"recurrent_dropout": 0.3}}


def test_a_count_is_what_its_numbers_make_of_it() -> None:
    count = 3 * (ROWS * 2 + STEPS - 4) + 1
    for rows, steps in ((0, 0), (7, 3), (1000, 10)):
        assert count.value(rows, steps) == 3 * (2 * rows + steps - 4) + 1
        assert count.rounded(8).value(rows, steps) >= count.value(rows, steps)
        assert count.rounded(8).value(rows, steps) % 8 == 0


def test_rows_are_known_to_a_quarter() -> None:
    for rows in range(3000):
        assert 0.75 * rows <= Frame.roughly(rows) <= rows
    assert len({Frame.roughly(rows) for rows in range(3000)}) < 45


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    """The programs that are written."""
    programs: list[Program] = []
    seal = Program.seal

    def sealed(program: Program) -> Program:
        programs.append(program)
        return seal(program)

    monkeypatch.setattr(Program, "seal", sealed)
    return programs


def run(net: carrousel.LSTM, x: torch.Tensor, lengths: torch.Tensor | None) -> list[torch.Tensor]:
    """Outputs, final states, and derivatives."""
    torch.manual_seed(2)  # of the noise
    x = x.clone().requires_grad_()
    output, final = net(x, lengths=lengths)
    leaves = [x, *net.parameters()]
    loss = output.sin().sum() + sum(part.cos().sum() for part in (final if isinstance(final, tuple) else (final,)))
    return [output, *torch.autograd.grad(loss, leaves, allow_unused=True)]


@pytest.mark.parametrize(("even", "hidden_size"), [(True, 12), (False, 8)], ids=["even", "ragged"])
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_a_program_serves_packings_of_other_lengths(
    options: dict[str, Any], hidden_size: int, even: bool, written: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(3, hidden_size, bidirectional=True, **options).double()
    rng = torch.Generator().manual_seed(1)
    batches = []
    for longest in (16, 17, 18, 16, 19):
        lengths = torch.randint(12, longest + 1, (SEQUENCES,), generator=rng)
        lengths[0] = longest
        batches.append((torch.randn(longest, SEQUENCES, 3, generator=rng).double(), None if even else lengths))
    together = [run(net, x, lengths) for x, lengths in batches]
    count = len(written)
    assert count < 4 * len(batches), "each direction's two passes were written for every batch"
    apart = []
    for x, lengths in batches:
        for layer in net.layers:
            for kernels in layer.kernels.values():
                monkeypatch.setattr(kernels, "_programs", {})
        apart.append(run(net, x, lengths))
    for ours, theirs in zip(together, apart, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert (one is None and other is None) or torch.equal(one, other)


def test_lengths_that_are_always_new_do_not_write_programs(written: list[Program]) -> None:
    net, rng = carrousel.LSTM(4, 8), torch.Generator().manual_seed(0)
    for _ in range(60):
        run(net, torch.randn(40, 6, 4), torch.randint(20, 41, (6,), generator=rng))
    assert len(written) <= 2 * 4  # two passes, for the few leading bits that 120 to 240 rows can have


def test_the_kernels_keep_some_programs_only() -> None:
    net = carrousel.LSTM(2, 4)
    for sequences in range(1, 80):
        run(net, torch.randn(2, sequences, 2), None)
    (kernels,) = {id(k): k for layer in net.layers for k in layer.kernels.values()}.values()
    assert len(kernels._programs) <= _sized._PROGRAMS
