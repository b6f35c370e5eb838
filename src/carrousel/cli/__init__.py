"""The command line. ``main`` runs it; every command is a call that Python users can make too."""

from __future__ import annotations

from carrousel.cli._main import main

__all__ = ["main"]
