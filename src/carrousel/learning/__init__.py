"""How weights change while a sequence runs."""

from __future__ import annotations

from carrousel.learning import online
from carrousel.learning._simple import SimpleNetwork

__all__ = ["SimpleNetwork", "online"]
