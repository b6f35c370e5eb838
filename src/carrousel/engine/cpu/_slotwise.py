"""A graph over slots, vectors of one number for each unit, as machine code: what online learning makes of a cell."""

from __future__ import annotations

from collections.abc import Mapping

from carrousel.engine._graph import Node, order
from carrousel.engine.cpu._pointwise import Values, unsupported
from carrousel.engine.cpu.llvm._compile import Code, compile_module
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._target import host

__all__ = ["slotwise"]


def slotwise(given: Mapping[Node, int], results: Mapping[Node, int], kind: str) -> Code:
    """Code whose function ``step(pointer to slots, units)`` computes results from what is given.

    Args:
        given: the slots of the leaves.
        results: the slots of the results, none of them a leaf's.
        kind: of the numbers, ``"float"`` or ``"double"``.

    Raises:
        TypeError: there is an operation that kernels do not have.
    """
    operation = unsupported(order(results))
    if operation is not None:
        raise TypeError(f"the kernels have no operation {operation!r}")
    module = Module(kind, host())
    f = module.function("step", [("ptr", "slots"), ("i64", "units")], public=True)
    with f.loop(0, "%units", module.lanes) as u:
        real = f.first_lanes(f.sub("%units", u))

        def place(slot: int) -> str:
            return f.at("%slots", f.add(f.mul("%units", slot), u))

        values = Values(f, lambda node: f.load_lanes(place(given[node]), real) if node in given else None)
        # All before any is stored, so that a result may be another one's argument.
        for value, slot in [(values(node), slot) for node, slot in results.items()]:
            f.store_lanes(value, place(slot), real)
    return compile_module(module.text(), module.target)
