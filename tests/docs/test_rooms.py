"""The rooms: the picture and `make check` have the same order of them, and every module says which names it gives."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest
import rooms

SOURCES = rooms.ROOT / "src" / "carrousel"

MODULES = {
    ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCES.rglob("*.py"))
}
"""Paths by the modules' names."""


def floors() -> list[set[str]]:
    """The rooms of each floor in the contract, from the top down, without the modules below all rooms."""
    return [set(floor) for floor in rooms.floors() if not any(room.startswith("_") for room in floor)]


def test_the_picture_has_the_same_order() -> None:
    drawn: dict[float, set[str]] = {}
    picture = rooms.PICTURE.read_text("utf-8")
    for y, name in re.findall(r'<text x="[\d.]+" y="([\d.]+)"[^>]*font-weight="bold">(\w+)</text>', picture):
        drawn.setdefault(float(y), set()).add(name)
    assert [drawn[y] for y in sorted(drawn)] == floors()


def test_every_room_stands_in_the_order() -> None:
    found = {path.parent.name for path in SOURCES.glob("*/__init__.py")}
    assert found == set().union(*floors())
    assert found == set(rooms.INSIDE)


def at_the_top(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is imported, with those inside ``if`` and ``try``."""
    for node in body:
        yield node
        for branch in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
                yield from at_the_top(getattr(node, branch, []))


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name for target in targets for name in ast.walk(target)]
        return {name.id for name in names if isinstance(name, ast.Name)}
    return set()


def listed(statements: list[ast.stmt]) -> set[str] | None:
    """The names in ``__all__``; None where there is none."""
    lists = [node.value for node in statements if isinstance(node, ast.Assign) and "__all__" in bound(node)]
    return set().union(*map(ast.literal_eval, lists)) if lists else None


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_which_names_it_gives_to_others(module: str) -> None:
    statements = list(at_the_top(ast.parse(MODULES[module].read_text("utf-8")).body))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    public = [node.name for node in statements if isinstance(node, kinds) and not node.name.startswith("_")]
    names = listed(statements)
    assert names is not None or not public, f"it has no __all__, and {', '.join(public)}"
    absent = (names or set()) - set().union(*map(bound, statements))
    assert not absent, f"__all__ has what the module has not: {', '.join(sorted(absent))}"


def test_modules_take_only_names_that_are_given() -> None:
    given = {
        module: listed(list(at_the_top(ast.parse(path.read_text("utf-8")).body))) for module, path in MODULES.items()
    }
    taken = {
        f"{path.relative_to(SOURCES)} takes {alias.name} from {node.module}"
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
        if f"{node.module}.{alias.name}" not in MODULES and not (SOURCES / alias.name).is_dir()
        if alias.name not in (given[node.module] or ())
    }
    assert not taken, "\n".join(sorted(taken))
