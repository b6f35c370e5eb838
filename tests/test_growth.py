"""Whatever is made again and again in one process leaves a bounded rest."""

from __future__ import annotations

import ctypes
import gc
import inspect
import weakref

import pytest
import torch
from growth import COMPILED, KINDS, caches, own_cell, sizes

import carrousel
from carrousel.engine.cpu import _kernels
from carrousel.engine.cpu.llvm import _compile
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._target import host

FEW = {
    "carrousel.bench._peak._kernel": "float and double",
    "carrousel.engine.cpu._gemm.gemm_code": "float and double, on this machine and those that CARROUSEL_CPU names",
    "carrousel.engine.cpu.llvm._target.host": "what CARROUSEL_CPU may be",
}
"""Caches without a bound, and what can be in them."""


def test_every_cache_has_a_bound() -> None:
    found = caches()
    assert len(found) > 10
    for name, function in found.items():
        endless = function.cache_parameters()["maxsize"] is None
        assert not (endless and inspect.signature(function).parameters) or name in FEW, name


def settled() -> dict[str, int]:
    """What stands in carrousel's modules when the caches that have a bound are empty."""
    for function in caches().values():
        if function.cache_parameters()["maxsize"] is not None:
            function.cache_clear()
    gc.collect()
    return sizes()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_but_in_caches_that_have_a_bound(kind: str) -> None:
    make = KINDS[kind]
    for k in range(3):
        make(k)
    before = settled()
    for k in range(3, 11 if kind in COMPILED else 103):
        make(k)
    after = settled()
    assert {name: size for name, size in after.items() if size > before.get(name, 0)} == {}


def test_cells_die() -> None:
    """A cell of one's own is remembered for as long as the caches reach, not for ever."""
    alive = weakref.WeakSet[object]()
    for k in range(600):
        cell = own_cell(k)
        alive.add(cell.equations)
        carrousel.LSTM(1, 2, cell=cell)
    del cell
    gc.collect()
    assert len(alive) <= 128


def test_what_is_made_for_a_network_goes_with_it() -> None:
    """Without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        net = carrousel.LSTM(3, 11)
        net(torch.zeros(1, 1, 3))[0].sum().backward()
        kernels = weakref.ref(_kernels.kernels_of(net.layers[0], torch.float32))
        twin = carrousel.LSTM(3, 11)
        assert _kernels.kernels_of(twin.layers[0], torch.float32) is kernels(), "networks that are alike share it"
        _kernels._made.cache_clear()
        del net
        assert kernels() is not None
        del twin
        assert kernels() is None
    finally:
        gc.enable()


def answering(number: float) -> _compile.Code:
    module = Module("double", host())
    f = module.function("answer", [("ptr", "a")], public=True)
    f.line(f"store double {module.number(number)}, ptr %a")
    return _compile.compile_module(module.text(), host())


def test_code_stays_loaded_while_a_function_of_it_is_held() -> None:
    code = answering(3.25)
    known, engine = weakref.ref(code), code._engine
    assert answering(3.25) is code
    function = code.function("answer")
    del code
    gc.collect()
    result = ctypes.c_double()
    function(ctypes.byref(result))
    assert result.value == 3.25
    assert not engine.closed
    del function
    gc.collect()
    assert known() is None
    assert engine.closed


def test_kernels_outlive_the_caches_that_made_them() -> None:
    net, x = carrousel.LSTM(4, 8, cell=own_cell(77)), torch.randn(3, 2, 4)
    want = net(x)[0]
    with torch.no_grad():
        _, state = net.step(x[0])
        wanted_step = net.step(x[0], state)[0]
    settled()
    torch.testing.assert_close(net(x)[0], want, rtol=0, atol=0)
    net(x)[0].sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(net.step(x[0], state)[0], wanted_step, rtol=0, atol=0)
