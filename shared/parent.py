"""A child process that goes when its parent goes, however the parent went: nothing is left behind by a kill -9."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def set_death_signal(parent: int, death_signal: signal.Signals) -> None:
    """Have the kernel send us `death_signal` when the thread that made us ends (Linux only). Survives exec.

    `parent` is the process expected above us: if it is gone already, we end here and now.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


def die_with_parent(parent: int) -> None:
    """Called first thing in a worker process (a Celery pool child, a parser): it ends when process `parent` ends.

    `parent` is told, not asked for: in a container the parent may rightly be process 1.
    """
    if sys.platform == "linux":
        set_death_signal(parent, signal.SIGKILL)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()
