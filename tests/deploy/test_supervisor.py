"""The supervisor over small real children that say they are ready, fall, hang or have workers of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.logs import log_path, rotate
from deploy.local.process import ended, is_running
from deploy.local.processes import Process, child_env
from deploy.local.supervisor import Supervisor, restart_after

READY = "from shared.observe import notify_ready; notify_ready();"
SLEEP = "import time; time.sleep(60)"
ON_TERM = "import signal, sys; signal.signal(signal.SIGTERM, lambda *a: (open('order', 'a').write({!r}), sys.exit()));"


class House:
    """A supervisor stepped by the test, and what it said."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: list[tuple[str, str]] = []
        self.supervisor = Supervisor(home, [], lambda name, text: self.said.append((name, text)))

    def child(self, name: str, code: str, **how: object) -> Process:
        env = child_env(self.home, os.environ)
        process = Process(name, (sys.executable, "-c", code), self.home, env, **how)  # type: ignore[arg-type]
        self.supervisor.add(process)
        return process

    def until(self, test: Callable[[], object], timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while not test():
            assert time.monotonic() < deadline, self.said
            self.supervisor.step()
            time.sleep(0.01)

    def told(self, name: str, part: str) -> bool:
        return any(who == name and part in text for who, text in self.said)

    def stop(self) -> None:
        self.supervisor.stop()
        self.supervisor.run()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    if any(w.what.child for w in made.supervisor.watched.values()):
        made.stop()


def test_a_child_counts_as_ready_when_it_says_so_and_not_before(house: House) -> None:
    house.child("mute", SLEEP)
    house.child("eager", READY + SLEEP)
    house.until(lambda: house.told("eager", "ready in"))
    assert house.supervisor.ready() == {"eager"}
    assert not house.told("mute", "ready")


def test_a_killed_child_is_restarted_and_that_is_said(house: House) -> None:
    enrich = house.child("enrich", READY + SLEEP)
    house.until(lambda: house.told("enrich", "ready in"))
    assert enrich.child is not None
    first = enrich.child.pid
    os.kill(first, signal.SIGKILL)
    house.until(lambda: house.told("enrich", "ready again"))
    assert ("enrich", "exited with -9; restarted (1)") in house.said
    assert enrich.child is not None and enrich.child.pid != first


def test_a_falling_child_shows_the_last_lines_of_its_log(house: House) -> None:
    house.child("api", "raise SystemExit('the database said no')")
    house.until(lambda: house.told("api", "restarting"))
    assert house.told("api", "exited with 1; restarted (1)\n      the database said no")


def test_a_child_that_cannot_start_is_given_up_and_the_others_run_on(house: House) -> None:
    house.child("broken", "raise SystemExit(3)")
    house.child("good", READY + SLEEP)
    house.until(lambda: house.supervisor.given_up())
    assert house.told("broken", f"5 times in a row: given up; see {log_path(house.home, 'broken')}")
    assert house.supervisor.ready() == {"good"}


def test_a_program_that_is_not_there_is_told_and_given_up(house: House) -> None:
    house.supervisor.add(Process("gone", ("/nonexistent",), house.home, {}))
    house.until(lambda: house.supervisor.given_up())
    assert house.told("gone", "cannot start")


def test_waiting_grows_from_nothing_to_half_a_minute() -> None:
    assert [restart_after(n) for n in range(1, 10)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_children_stop_in_their_order(house: House) -> None:
    for name, order in (("third", 3), ("first", 0), ("second", 1)):
        house.child(name, ON_TERM.format(name + " ") + READY + SLEEP, stop_order=order)
    house.until(lambda: len(house.supervisor.ready()) == 3)
    house.stop()
    assert (house.home / "order").read_text().split() == ["first", "second", "third"]


def test_a_child_that_ignores_the_signal_is_killed_after_its_time(house: House) -> None:
    deaf = house.child("deaf", "import signal; signal.signal(15, signal.SIG_IGN);" + READY + SLEEP, stop_within_s=0.2)
    house.until(lambda: house.supervisor.ready())
    assert deaf.child is not None
    pid = deaf.child.pid
    house.stop()
    assert not is_running(pid)
    assert house.told("deaf", "killed")


def test_the_workers_of_a_killed_child_go_with_it(house: House) -> None:
    fork = (
        "import os; pid = os.fork();\nif pid == 0:\n  import time; time.sleep(60)\nopen('worker', 'w').write(str(pid));"
    )
    parent = house.child("pool", fork + READY + SLEEP)
    house.until(lambda: house.supervisor.ready())
    worker = int((house.home / "worker").read_text())
    assert parent.child is not None and is_running(worker)
    os.kill(parent.child.pid, signal.SIGKILL)
    house.until(lambda: house.told("pool", "restarted"))
    assert ended([worker], 5)


def test_what_runs_once_tells_its_result_and_is_not_restarted(house: House) -> None:
    house.supervisor.add(
        Process("feeds", (sys.executable, "-c", "print('3 subscribed')"), house.home, dict(os.environ), once=True)
    )
    house.until(lambda: house.told("feeds", "3 subscribed"))
    assert house.supervisor.watched["feeds"].restarts == 0


def test_a_log_is_put_aside_while_its_process_writes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("ab", buffering=0) as log:
        log.write(b"old\n" * 100)
        assert rotate(path, limit=100)
        log.write(b"new\n")
        assert not rotate(path, limit=100)
    assert path.read_bytes() == b"new\n"
    assert path.with_suffix(".log.1").read_bytes() == b"old\n" * 100


def test_a_killed_supervisor_leaves_nobody(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from deploy.local.processes import Process, child_env
from deploy.local.supervisor import Supervisor
home = Path({str(tmp_path)!r})
children = [Process(n, (sys.executable, "-c", {READY + SLEEP!r}), home, child_env(home, os.environ)) for n in "abc"]
Supervisor(home, children, lambda *a: None, lambda names: len(names) == 3 and print("up", flush=True)).run()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "up\n"
    deadline = time.monotonic() + 10
    pids: list[int] = []
    while len(pids) < 3 and time.monotonic() < deadline:
        pids = [p["pid"] for p in json.loads((tmp_path / "run.json").read_text())["processes"] if p["state"] == "ready"]
    assert len(pids) == 3 and all(map(is_running, pids))
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    assert ended(pids, 5)
