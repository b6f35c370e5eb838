"""Does something once a module is imported, without importing it."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["on_import"]


def on_import(name: str, work: Callable[[], object]) -> None:
    """Calls ``work`` now if a module is imported already, else as soon as it is, by whomever.

    What goes wrong in it later is a warning: whoever imports the module need not know of us.
    """
    if sys.modules.get(name) is not None:
        work()
    else:
        sys.meta_path.insert(0, _Finder(name, work))


class _Finder:
    """A finder that finds one module as the others do, and has its loader call ``work`` in the end."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name, self.work = name, work

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        # Also called by code that only asks whether there is such a module: the finder stays until it is loaded.
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]  # the machinery wants two methods
        return spec


class _Loader:
    """A loader that loads as another does, which then takes its place."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader, self._finder = loader, finder

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":
            raise AttributeError(name)  # a copy that is not made yet
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        try:
            self._finder.work()
        except Exception as error:
            warnings.warn(
                f"carrousel's operators are not known to {self._finder.name}: {error}", RuntimeWarning, stacklevel=2
            )
