"""The sum over the cells of a block, in IR: what a gate sees through its peepholes."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._emit import Module

__all__ = ["emit_block_sum"]


def emit_block_sum(module: Module, block_size: int) -> None:
    """Writes ``block_sum(row, units)``: each number of a row becomes the sum over its block. It is its own adjoint."""
    f = module.function("block_sum", [("ptr", "row"), ("i64", "units")])
    kind = module.kind
    total = f.variable(kind, module.number(0.0))
    with f.loop(0, "%units", block_size) as u:
        f.put(kind, total, module.number(0.0))
        end = f.add(u, block_size)
        with f.loop(u, end) as cell:
            number = f.load_number(f.at("%row", cell))
            f.put(kind, total, f.op(f"fadd {kind} {f.get(kind, total)}, {number}"))
        with f.loop(u, end) as cell:
            f.line(f"store {kind} {f.get(kind, total)}, ptr {f.at('%row', cell)}")
