"""Kernels for machines with shorter vectors or fewer registers, made and run on this one."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import llvmlite.binding as llvm
import pytest
import torch
from against_reference import compare, ragged

from carrousel import cells
from carrousel.engine import Layer
from carrousel.engine.cpu import _kernels
from carrousel.engine.cpu.llvm import _compile
from carrousel.engine.cpu.llvm._target import Target, host

X86 = platform.machine() in ("x86_64", "AMD64")
HERE = host()


def shorter() -> dict[str, Target]:
    """Those that this machine can run besides its own."""
    found = {
        "16 bytes, 32 registers": Target(HERE.cpu, HERE.features, 16, 32),  # as NEON
        "16 bytes, 16 registers": Target(HERE.cpu, HERE.features, 16, 16),
    }
    if HERE.vector_bytes == 64:
        found["AVX2"] = host("avx2")
    return found


@pytest.fixture(params=shorter().values(), ids=list(shorter()))
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Everything runs on this target while the test does."""
    monkeypatch.setattr(_kernels, "host", lambda: request.param)
    return request.param


@pytest.mark.parametrize("name", ["lstm", "peephole", "gru", "slstm", "minlstm"])
def test_same_as_the_reference(name: str, target: Target) -> None:
    layer = Layer(cells.get(name), 5, 19)
    assert _kernels.kernels_of(layer, torch.float32).target == target
    for dtype in (torch.float32, torch.float64):
        compare(layer, 7, 9, dtype, reverse=True, keep=("h", *layer.cell.states))
        compare(layer, 6, 3, dtype, lengths=ragged(6, 3))


def test_projection_and_sizes_of_whole_vectors(target: Target) -> None:
    compare(Layer(cells.get("lstm"), 32, 32, proj_size=16), 5, 13, torch.float32)
    compare(Layer(cells.get("lstm"), 1, 1), 3, 1, torch.float32)


@pytest.mark.skipif(not X86, reason="names of x86's registers")
def test_avx2_code_has_no_wider_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def spy(text, target, compile_text=_compile._compile):
        code = compile_text(text, target)
        module = llvm.parse_assembly(text)
        machine = _compile._machine(target)
        module.triple, module.data_layout = machine.triple, str(machine.target_data)
        texts.append(machine.emit_assembly(module))
        return code

    avx2 = host("avx2")
    for name, value in (("_compile", spy), ("_read", lambda key: None), ("_write", lambda key, code: None)):
        monkeypatch.setattr(_compile, name, value)
    monkeypatch.setattr(_compile, "_loaded", {})
    from carrousel.engine.cpu._gemm import gemm_code
    from carrousel.engine.cpu._sequence_backward import backward_code
    from carrousel.engine.cpu._sequence_forward import forward_code

    for make in (gemm_code, backward_code, forward_code, _kernels._made):
        make.cache_clear()
    monkeypatch.setattr(_kernels, "host", lambda: avx2)
    try:
        compare(Layer(cells.get("lstm"), 5, 19), 7, 9, torch.float32)
    finally:
        for make in (gemm_code, backward_code, forward_code, _kernels._made):
            make.cache_clear()
    assert len(texts) >= 3
    code = "\n".join(texts)
    assert re.search(r"\bvfmadd\w*ps\b.*%ymm", code)
    assert "zmm" not in code
    assert not re.search(r"%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b", code), "what only AVX-512 has"


PROGRAM = """
import torch, carrousel
from carrousel import engine
from carrousel.engine.cpu.llvm._target import host
net, x = carrousel.LSTM(5, 19, num_layers=2, cell="peephole"), torch.randn(6, 3, 5)
print(carrousel.explain(net, x)[0].backend, host().vector_bytes, host().registers)
found = torch.autograd.grad(net(x)[0].sum(), list(net.parameters()))
engine.run = engine.reference.run
for one, other in zip(found, torch.autograd.grad(net(x)[0].sum(), list(net.parameters()))):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
"""


def run(choice: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARROUSEL_CPU": choice, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, text=True, capture_output=True, timeout=100)


@pytest.mark.skipif(not X86, reason="AVX2 is x86's")
def test_the_environment_chooses_avx2() -> None:
    done = run("avx2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["cpu", "32", "16"]


def test_a_wrong_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="CARROUSEL_CPU should be avx512 or avx2, got 'mmx'"):
        host("mmx")
