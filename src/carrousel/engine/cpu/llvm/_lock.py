"""LLVM's lock: whatever calls llvmlite holds it."""

from __future__ import annotations

import os
import threading

__all__ = ["lock"]

lock = threading.RLock()
"""llvmlite has a lock of its own, which a thread may hold while another one forks; the child would wait for it for
ever. So a fork waits until nobody is in LLVM."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
