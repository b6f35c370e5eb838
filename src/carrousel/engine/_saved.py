"""What a forward pass keeps of the equations for the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from carrousel.engine._cuts import is_cut
from carrousel.engine._graph import TRANSCENDENTAL, Node, Program, order

__all__ = ["nodes_of_stage", "saved"]


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
    last = dict.fromkeys(slots, 0)
    for k in range(1, 1 + max((stage[node] for node in program.outputs.values()), default=0)):
        for node in nodes_of_stage(program, nodes, stage, k):
            if node in last:
                last[node] = k
    free = sorted(range(len(slots)), key=lambda place: (last[slots[place]], place))
    waiting = sorted(nodes, key=lambda node: stage.get(node, 0))  # stable
    places = dict(zip(waiting, free, strict=False))
    fits = all(last[slots[place]] <= stage.get(node, 0) for node, place in places.items())
    return places if fits else None


def nodes_of_stage(program: Program, kept: Collection[Node], stage: Mapping[Node, int], k: int) -> list[Node]:
    """Lists the nodes that a stage computes, and the leaves of which it does so: all that is not there when it begins.

    What is kept, new states and what was done at cuts are there once their own stage is over.
    """
    outputs = program.outputs.values()
    given = {*kept, *program.states.values()}

    def there(node: Node) -> bool:
        return is_cut(node) or (node in given and stage.get(node, 0) < k)

    cut_after = [node.args[0] for node in order(outputs) if is_cut(node)]
    roots = [node for node in (*outputs, *kept, *cut_after) if stage.get(node, 0) == k]
    return [node for node in order(roots, there) if not there(node)]
