"""The rooms stand in the picture in the order that `make check` holds, and all of them do."""

import re

import rooms


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
    found = {path.parent.name for path in (rooms.ROOT / "src" / "carrousel").glob("*/__init__.py")}
    assert found == set().union(*floors())
    assert found == set(rooms.INSIDE)
