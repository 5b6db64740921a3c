"""Keeps children running: starts them together, says when each is ready, restarts what fell, stops all in order.

    start → (ready | exited → back-off → start)* → stop (by stop_order, together within one) → kill what stays

One thread, one loop; it sleeps until a signal arrives or something is due. Children die with us (see `process.spawn`),
so a supervisor that is killed leaves nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deploy.local.logs import log_path, log_size, log_tail, rotate

GIVE_UP_AFTER = 5  # ends in a row without having been ready
STEADY_S = 20.0  # ready for so long: what happened before is forgiven
SLOW_S = 30.0
MAX_WAIT_S = 30.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str, str], None]


class Supervised(Protocol):
    """What the supervisor needs of a child: an engine or a process."""

    name: str
    stop_order: int
    stop_within_s: float
    stop_signal: signal.Signals
    once: bool  # does one thing and ends; its last line of output is said
    child: subprocess.Popen[bytes] | None

    def prepare(self) -> None:
        """Make ready for a start."""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it."""

    def ready(self) -> bool:
        """Whether it serves."""

    def close(self) -> None:
        """Remove what it kept outside its own folders; it is stopped for good."""


@dataclass
class _Watched:
    what: Supervised
    state: str = "waiting"  # waiting (until `due`) → starting → ready; or given up, or done
    since: float = 0.0
    due: float = 0.0
    failures: int = 0  # in a row
    restarts: int = 0
    told_slow: bool = False
    log_from: int = 0  # where the log of its latest run begins


class Supervisor:
    """Runs `children` until it is told to stop by SIGINT, SIGTERM or SIGHUP, or by `stop()`.

    `on_ready(names)` is called in the loop each time one more child became ready, or was given up.
    """

    def __init__(
        self,
        home: Path,
        children: Iterable[Supervised],
        say: Say,
        on_ready: Callable[[frozenset[str]], None] = lambda _: None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.home = home
        self.watched = {child.name: _Watched(child) for child in children}
        self.say = say
        self.on_ready = on_ready
        self.about = dict(about or {})
        self.stopping = 0  # how often we were asked
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)

    # --- the loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start everything and return when all of it has stopped."""
        with self._signals():
            try:
                while not self.stopping:
                    self.step()
                    self._sleep(self._pause())
            finally:
                self._stop_all()
                self._wake_in.close()
                self._wake_out.close()

    def add(self, child: Supervised) -> None:
        """Start and watch one more."""
        self.watched[child.name] = _Watched(child)

    def stop(self) -> None:
        """Ask the loop to end."""
        self.stopping += 1

    def ready(self) -> frozenset[str]:
        """The names of those that serve now."""
        return frozenset(name for name, w in self.watched.items() if w.state == "ready")

    def given_up(self) -> frozenset[str]:
        """The names of those that could not be started."""
        return frozenset(name for name, w in self.watched.items() if w.state == "given up")

    def step(self) -> None:
        """One look at everybody: who ended, who is due, who became ready, whose log grew too long."""
        now = time.monotonic()
        before = {name: (w.state, w.restarts) for name, w in self.watched.items()}
        for name, w in list(self.watched.items()):
            if w.state in ("starting", "ready") and w.what.child is not None and w.what.child.poll() is not None:
                self._fell(name, w, now)
            if w.state == "waiting" and w.due <= now:
                self._start(name, w, now)
            if w.state == "starting":
                self._look(name, w, now)
            if w.state == "ready" and now - w.since > STEADY_S:
                w.failures = 0
            rotate(log_path(self.home, name))
        if before != {name: (w.state, w.restarts) for name, w in self.watched.items()}:
            self._write_state()

    def _start(self, name: str, w: _Watched, now: float) -> None:
        w.log_from = log_size(self.home, name)
        try:
            w.what.prepare()
            w.what.spawn()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            self._failed(name, w, now, f"cannot start: {error}")
            return
        w.state, w.since, w.told_slow = "starting", now, False

    def _look(self, name: str, w: _Watched, now: float) -> None:
        if w.what.ready():
            took, w.state, w.since = now - w.since, "ready", now
            self.say(name, f"ready in {took:.1f} s" if not w.restarts else f"ready again in {took:.1f} s")
            self.on_ready(self.ready())
        elif now - w.since > SLOW_S and not w.told_slow:
            w.told_slow = True
            self.say(name, f"not ready after {SLOW_S:.0f} s; see {log_path(self.home, name)}")

    def _fell(self, name: str, w: _Watched, now: float) -> None:
        child = w.what.child
        assert child is not None  # only a child that was started can fall
        _kill_group(child)
        w.what.child = None
        if w.what.once:
            w.state = "done"
            self.say(name, log_tail(self.home, name, 1) or f"exited with {child.returncode}")
            return
        if w.state == "ready" and now - w.since > STEADY_S:
            w.failures = 0
        self._failed(name, w, now, f"exited with {child.returncode}", never_ready=w.state == "starting")

    def _failed(self, name: str, w: _Watched, now: float, what: str, *, never_ready: bool = True) -> None:
        w.failures += 1
        w.restarts += 1
        tail = "".join(f"\n      {line}" for line in log_tail(self.home, name, 5, since=w.log_from).splitlines())
        if never_ready and w.failures >= GIVE_UP_AFTER:
            w.state = "given up"
            self.say(name, f"{what}, {w.failures} times in a row: given up; see {log_path(self.home, name)}{tail}")
            self.on_ready(self.ready())
            return
        wait = restart_after(w.failures)
        w.state, w.since, w.due = "waiting", now, now + wait
        again = f"restarted ({w.restarts})" if wait == 0 else f"restarting in {wait:g} s ({w.restarts})"
        self.say(name, f"{what}; {again}{tail}")

    # --- stopping ---------------------------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        begun = time.monotonic()
        running = [w for w in self.watched.values() if w.what.child is not None]
        if running:
            self.say("stopping", ", ".join(w.what.name for w in sorted(running, key=lambda w: w.what.stop_order)))
        for order in sorted({w.what.stop_order for w in running}):
            self._stop_together([w.what for w in running if w.what.stop_order == order])
        for w in self.watched.values():
            w.what.close()
        (self.home / "run.json").unlink(missing_ok=True)
        self.say("stopped", f"in {time.monotonic() - begun:.1f} s")

    def _stop_together(self, group: list[Supervised]) -> None:
        begun = time.monotonic()
        for what in group:
            if what.child is not None and what.child.poll() is None:
                what.child.send_signal(what.stop_signal)
        for what in group:
            child = what.child
            while child is not None and child.poll() is None:
                left = begun + what.stop_within_s - time.monotonic()
                if left <= 0 or self.stopping > 1:  # asked twice: now
                    self.say(what.name, "did not stop in time; killed")
                    child.kill()
                    child.wait()
                else:
                    self._sleep(min(left, 1.0))
            if child is not None:
                _kill_group(child)
                what.child = None

    # --- waiting and telling ----------------------------------------------------------------------------------------

    def _pause(self) -> float:
        now = time.monotonic()
        pauses = [5.0]
        for w in self.watched.values():
            if w.state == "starting":
                pauses.append(1.0 if w.told_slow else 0.02)
            elif w.state == "waiting":
                pauses.append(max(0.0, w.due - now))
        return min(pauses)

    def _sleep(self, seconds: float) -> None:
        """Until a signal (a child's end included) or for `seconds`."""
        if select.select([self._wake_in], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                self._wake_in.recv(4096)

    @contextlib.contextmanager
    def _signals(self) -> Any:
        def asked(_number: int, _frame: object) -> None:
            self.stopping += 1

        old = {number: signal.signal(number, asked) for number in SIGNALS}
        old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the sleep
        old_fd = signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_fd)
            for number, handler in old.items():
                signal.signal(number, handler)

    def _write_state(self) -> None:
        """`home/run.json`, for `--status`: who runs, how they fare. Replaced as a whole."""
        processes = [
            {"name": name, "state": w.state, "pid": w.what.child.pid if w.what.child else None, "restarts": w.restarts}
            for name, w in self.watched.items()
        ]
        path = self.home / "run.json"
        making = path.with_suffix(".tmp")
        making.write_text(json.dumps(self.about | {"pid": os.getpid(), "processes": processes}, indent=1))
        making.replace(path)


def restart_after(failures: int) -> float:
    """Seconds to wait before the next start after so many ends in a row: at once, then 0.5, 1, 2 … up to 30."""
    return 0.0 if failures <= 1 else float(min(MAX_WAIT_S, 0.5 * 2 ** (failures - 2)))


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End what a dead child left: every child leads a session, so its workers are in its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
