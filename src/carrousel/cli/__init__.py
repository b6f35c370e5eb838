"""The command line. ``main`` runs it; every command is a call that Python users can make too."""

from ._main import main

__all__ = ["main"]
