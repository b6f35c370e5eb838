"""The order of the rooms is the same in CONTRIBUTING and in what `make check` holds, and has all of them."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def floors() -> list[set[str]]:
    """The rooms of each floor in pyproject.toml, from the ground up, without the modules below all rooms."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = configuration["tool"]["importlinter"]["contracts"]
    layers = [set(layer.split(" | ")) for layer in reversed(contract["layers"])]
    return [layer for layer in layers if not any(room.startswith("_") for room in layer)]


def test_contributing_has_the_same_order() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (listed,) = re.findall(r"imports only what lies below it: `([^`]*)`", text)
    assert [set(re.findall(r"\w+", floor)) for floor in listed.split("<")] == floors()


def test_every_room_stands_in_the_order() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "carrousel").glob("*/__init__.py")}
    assert rooms == set().union(*floors())
