"""What a forward pass keeps of the equations for the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from carrousel.engine._cuts import is_cut
from carrousel.engine._graph import TRANSCENDENTAL, Node, Program, order

__all__ = ["saved"]


def saved(
    program: Program, slots: Sequence[Node], later: Sequence[Node], stage: Mapping[Node, int]
) -> Mapping[Node, int]:
    """Returns what is kept in the slots, nodes with their places.

    That are costly values which hang on the slots, or where these are too many the slots themselves. All else is
    computed again, from these, from the states, and from what was done at cuts: these are there.
    """
    given = {*program.states.values()}
    everything = order([*program.outputs.values(), *later])
    forward = set(order(program.outputs.values()))

    def there(node: Node) -> bool:
        return node in given or is_cut(node)

    def choose(keep: Callable[[Node], bool]) -> list[Node]:
        return [node for node in order(later, lambda node: there(node) or keep(node)) if keep(node)]

    for thrifty in (False, True):
        # Thriftily: what can be computed of kept values is none of them.
        hangs: dict[Node, bool] = {}
        kept: set[Node] = set()
        for node in everything:
            hangs[node] = node in slots or (
                not there(node) and any(hangs[arg] and not (thrifty and arg in kept) for arg in node.args)
            )
            if hangs[node] and (node in slots or (node in forward and node.op in TRANSCENDENTAL)):
                kept.add(node)
        places = _places(program, slots, choose(kept.__contains__), stage)
        if places is not None:
            return places
    return {slot: place for place, slot in enumerate(slots)}


def _places(
    program: Program, slots: Sequence[Node], nodes: Sequence[Node], stage: Mapping[Node, int]
) -> Mapping[Node, int] | None:
    """Gives each node that is kept a slot whose pre-activation no later stage needs; None if there are too few."""
    if len(nodes) > len(slots):
        return None
    outputs = program.outputs.values()

    def there(node: Node, k: int) -> bool:
        """Whether a node stands somewhere in memory when a stage begins, and not as a pre-activation."""
        if is_cut(node):
            return stage[node] <= k
        return (node in nodes or node in program.states.values()) and stage.get(node, 0) < k

    last = dict.fromkeys(slots, 0)
    for k in range(1, 1 + max((stage[node] for node in outputs), default=0)):
        cut_here = [node.args[0] for node in order(outputs) if is_cut(node)]
        roots = [node for node in (*outputs, *nodes, *cut_here) if stage.get(node, 0) == k]
        for node in order(roots, lambda node, k=k: there(node, k)):  # type: ignore[misc]
            if node in last and not there(node, k):
                last[node] = k
    free = sorted(range(len(slots)), key=lambda place: (last[slots[place]], place))
    waiting = sorted(nodes, key=lambda node: stage.get(node, 0))  # stable
    places = dict(zip(waiting, free, strict=False))
    fits = all(last[slots[place]] <= stage.get(node, 0) for node, place in places.items())
    return places if fits else None
