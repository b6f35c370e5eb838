"""A graph written down in any language, from a table with a line for each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from carrousel.engine._graph import Node, order

__all__ = ["Printer"]

Value = TypeVar("Value")


class Printer(Generic[Value]):
    """Writes nodes down, arguments first and each once: ``printer(node)`` is the node's value in the language.

    Args:
        table: for each operation what writes it, from the writer and the values of the arguments to the value.
        writer: where lines go, as the table's functions want it.
        leaf: the value of a node that is not written by the table: a leaf, a constant, whatever is known already; None
            for one that is.
        ports: for ``exit`` and ``peephole``, which are what the layer makes of them, what writes them, from their name
            and the value of their argument.
    """

    def __init__(
        self,
        table: Mapping[str, Callable[..., Value]],
        writer: Any,
        leaf: Callable[[Node], Value | None],
        ports: Mapping[str, Callable[..., Value]] | None = None,
    ) -> None:
        self._table, self._writer, self._leaf, self._ports = table, writer, leaf, ports or {}
        self._known: dict[Node, Value] = {}

    def __call__(self, root: Node) -> Value:
        known = self._known
        for node in order([root], self._is_known):
            if node in known:
                continue
            arguments = [known[arg] for arg in node.args]
            if node.op in self._ports:
                known[node] = self._ports[node.op](node.name, *arguments)
            else:
                known[node] = self._table[node.op](self._writer, *arguments)
        return known[root]

    def _is_known(self, node: Node) -> bool:
        if node in self._known:
            return True
        value = self._leaf(node)
        if value is None:
            return False
        self._known[node] = value
        return True
