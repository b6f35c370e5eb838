"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import threading

from carrousel._cache import cache_folder

# Tests that move the user's cache folder, to keep trials or data apart, need not have everything compiled anew there.
os.environ.setdefault("CARROUSEL_CACHE", str(cache_folder()))


def pytest_configure() -> None:
    """Hears interrupts again, which a process that was started in the background ignores, and its children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
