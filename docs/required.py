"""What a package and its extras need, all the way down, read from the metadata of what is installed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

# Wherever a package is installed that carrousel needs: a requirement of some of these places is one of the page's.
PLACES: tuple[dict[str, Any], ...] = tuple(
    {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": system, "platform_system": name}
    for version, (system, name) in itertools.product(
        ("3.11", "3.12", "3.13", "3.14"), (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
    )
)
HERE: tuple[dict[str, Any], ...] = ({},)


def plain(name: str) -> str:
    """Returns a package's name as an index compares it: ``ml_dtypes`` is ``ml-dtypes``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def applying(
    requirements: Iterable[str], extras: Iterable[str], places: Iterable[dict[str, Any]]
) -> Iterator[Requirement]:
    """Yields the requirements that one of the extras, or none of them, asks for in one of the places."""
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        asked = itertools.product(places, ("", *extras))
        if marker is None or any(marker.evaluate({**place, "extra": extra}) for place, extra in asked):
            yield requirement


def closure(
    requirements: Iterable[str], extras: Iterable[str] = (), places: Iterable[dict[str, Any]] = HERE
) -> set[str]:
    """Returns the names of all packages that the requirements lead to; what is not installed leads nowhere."""
    places = tuple(places)
    found: set[tuple[str, str]] = set()  # a package, and an extra of it or "" for none
    waiting = list(applying(requirements, extras, places))
    while waiting:
        requirement = waiting.pop()
        name = plain(requirement.name)
        for extra in {"", *requirement.extras} - {extra for package, extra in found if package == name}:
            found.add((name, extra))
            try:
                needs = distribution(name).requires or []
            except PackageNotFoundError:
                continue
            waiting += applying(needs, (extra,) if extra else (), places)
    return {name for name, _ in found}
