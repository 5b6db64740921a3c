"""Starting a child that can be stopped, and that does not outlive whoever started it."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from shared.parent import set_death_signal

UNPRIVILEGED = ("nobody", "daemon")  # accounts that every Unix has; PostgreSQL refuses to run as root


def unprivileged_user() -> pwd.struct_passwd | None:
    """The account that PostgreSQL runs as when we are root, else None. A bare uid would not do: it looks itself up."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError(f"running as root needs an account named {' or '.join(UNPRIVILEGED)} for PostgreSQL")


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: IO[bytes],
    death_signal: signal.Signals = signal.SIGTERM,
    user: pwd.struct_passwd | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (a terminal's Ctrl-C reaches only us; we stop the others in order).

    On Linux the kernel sends it `death_signal` when the calling THREAD ends, however that happens: call from the main
    thread. Elsewhere a leftover is found by its pid file at the next start.
    """
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        preexec_fn=partial(set_death_signal, os.getpid(), death_signal),  # after the change of user, which clears it
    )


def is_running(pid: int) -> bool:
    """Whether a process of this id exists and is not a zombie (a zombie holds no file, port or memory)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def ended(pids: Sequence[int], timeout_s: float) -> bool:
    """Wait until none of `pids` runs; False when some still does after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while any(map(is_running, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
