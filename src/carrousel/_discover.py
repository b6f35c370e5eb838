"""Finds what a room or a folder holds: the public classes of its files that have certain methods."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from types import ModuleType

__all__ = ["classes_in", "modules_of"]


def modules_of(package: str, folders: Iterable[str]) -> list[ModuleType]:
    """Imports all modules in a package's folders, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(folders))
    return [importlib.import_module(f"{package}.{name}") for name in names]


def classes_in(modules: Iterable[ModuleType], *methods: str) -> dict[str, type]:
    """Returns the public classes that have all of these methods, by name, where they are written.

    Protocols, which say what such a class has, are left out.

    Raises:
        ValueError: two of them have the same name.
    """
    classes: dict[str, type] = {}
    for module in modules:
        for name, value in vars(module).items():
            if not inspect.isclass(value) or value.__module__ != module.__name__ or name.startswith("_"):
                continue
            if getattr(value, "_is_protocol", False) or not all(callable(getattr(value, m, None)) for m in methods):
                continue
            if name in classes:
                raise ValueError(f"{module.__name__} and {classes[name].__module__} both have a {name}")
            classes[name] = value
    return classes
