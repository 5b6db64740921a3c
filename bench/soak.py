"""Subscribers of every kind on two API replicas while processes die and come back: what row 24 and a flow test run.

    writer -> log -> relay -> stream -> api, api -> SSE and WebSocket clients (bench/subscribers.py)
                        `-> deliver, deliver     -> webhook receivers (bench/hook_receiver.py)
                            each killed with -9 in turn, and started again

At the end what each subscriber was given is held against the log itself.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from bench.machine import ROOT, free_port, until
from shared import log
from shared.events import NewEvent
from shared.parent import set_death_signal

QUIET, FAILING, BIG = "wiredesk.feed.quiet.v1", "wiredesk.feed.failing.v1", "wiredesk.feed.recovered.v1"
MOST = f"type={QUIET}&type={FAILING}"
SOME = f"type={QUIET}&feed=1"
STALLED = f"type={BIG}"
FEEDS = 5
COMMANDS = {
    "api": ["-m", "services.api"],
    "deliver": ["-m", "services.api.deliver"],
    "relay": ["-m", "services.enrich.relay"],
}


@dataclass(frozen=True)
class Size:
    """How many follow, what is told for how long, and who dies how often. `stalled` of the SSE clients read in fits."""

    sse: int = 2000
    ws: int = 200
    hooks: int = 50
    stalled: int = 20
    seconds: float = 120.0
    rate: float = 5.0
    event_bytes: int = 1500
    big_bytes: int = 100_000
    kill_every_s: float = 10.0
    down_s: float = 2.0
    stall_s: float = 25.0
    dies: tuple[str, ...] = ("api 0", "api 1", "deliver 0", "api 0", "api 1", "relay 0")
    patience_s: float = 150.0


@dataclass
class Outcome:
    """Sums over all subscribers; nothing but zeros in the first five is right."""

    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    torn: int = 0
    unverified: int = 0
    events: int = 0
    given: int = 0
    connections: int = 0
    cuts: int = 0
    hook_deliveries: int = 0
    hook_repeats: int = 0
    hook_refused: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    rss_before_mb: float = 0.0
    rss_peak_mb: float = 0.0

    @property
    def right(self) -> bool:
        """Nothing missing, nothing doubled, all in order, whole and signed."""
        return not (self.missing or self.doubled or self.disordered or self.torn or self.unverified)


class Fleet:
    """Real processes by name (`api 0`), to be killed and started again."""

    def __init__(self, home: Path, database_url: str, redis_url: str) -> None:
        self._home = home
        self.ports = [free_port(), free_port()]
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")} | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "WIREDESK_HOME": str(home),
            "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
            "WIREDESK_WEBHOOK_BACKOFF_S": ",".join(["0.2"] * 100),
        }
        home.mkdir(parents=True, exist_ok=True)

    def start(self, name: str) -> None:
        """Start one; it is not waited for."""
        kind, number = name.split()
        environment = self._environment | {"WIREDESK_PORT": str(self.ports[int(number)])}
        with (self._home / f"{kind}{number}.log").open("ab") as out:
            self._running[name] = subprocess.Popen(
                [sys.executable, *COMMANDS[kind]],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(set_death_signal, os.getpid(), signal.SIGTERM),
            )

    def ready(self, number: int) -> None:
        """Wait for an API replica."""
        until(lambda: httpx.get(f"{self.url(number)}/readyz", timeout=5).status_code == 200, 60)

    def url(self, number: int) -> str:
        """Of an API replica."""
        return f"http://127.0.0.1:{self.ports[number]}"

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def said(self, words: str) -> int:
        """How often the replicas of the API logged it."""
        return sum(file.read_text(errors="replace").count(words) for file in self._home.glob("api*.log"))

    def rss_mb(self, kind: str) -> float:
        """The largest of a kind."""
        sizes = [0.0]
        for name, process in list(self._running.items()):
            if name.startswith(kind):
                with contextlib.suppress(psutil.NoSuchProcess):
                    sizes.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        return max(sizes)


class Writer(threading.Thread):
    """Tells events at a steady rate until stopped, each with a big one beside it that only the stalled follow."""

    def __init__(self, database_url: str, size: Size) -> None:
        super().__init__(daemon=True)
        self._url, self._size = database_url, size
        self.stopping = threading.Event()

    def run(self) -> None:
        """Write."""
        with psycopg.connect(self._url, autocommit=True) as conn:
            begun, n = time.monotonic(), 0
            while not self.stopping.wait(max(0.0, begun + n / self._size.rate - time.monotonic())):
                n += 1
                kind, room = (QUIET, self._size.event_bytes) if n % 4 else (FAILING, self._size.event_bytes)
                told = [self._event(n, kind, room)]
                if self._size.stalled:
                    told.append(self._event(n, BIG, self._size.big_bytes))
                with conn.transaction():
                    log.append(conn, told, datetime.now(UTC))

    def _event(self, n: int, kind: Any, room: int) -> NewEvent:
        return NewEvent(kind, f"feeds/{n % FEEDS}", json.dumps({"n": n, "text": "x" * room}), None)


def expected(database_url: str) -> dict[str, list[int]]:
    """What the log holds for each query."""
    wanted: dict[str, list[int]] = {MOST: [], SOME: [], STALLED: []}
    with psycopg.connect(database_url) as conn:
        for position, kind, subject in conn.execute("SELECT position, type, subject FROM events ORDER BY position"):
            if kind == BIG:
                wanted[STALLED].append(position)
            else:
                wanted[MOST].append(position)
                if kind == QUIET and subject == "feeds/1":
                    wanted[SOME].append(position)
    return wanted


def _groups(size: Size) -> list[dict[str, Any]]:
    some_sse, some_ws = size.sse // 4, size.ws // 4
    return [
        {"kind": "sse", "query": STALLED, "count": size.stalled, "stalls": True},
        {"kind": "sse", "query": MOST, "count": size.sse - size.stalled - some_sse},
        {"kind": "sse", "query": SOME, "count": some_sse},
        {"kind": "ws", "query": MOST, "count": size.ws - some_ws},
        {"kind": "ws", "query": SOME, "count": some_ws},
    ]


class Crowd:
    """The process of the SSE and WebSocket clients, and its last word on how they are."""

    def __init__(self, home: Path, ports: list[int], size: Size) -> None:
        self.result = home / "given.json"
        plan = home / "plan.json"
        plan.write_text(
            json.dumps(
                {
                    "ports": ports,
                    "groups": _groups(size),
                    "after": 0,
                    "seed": 1,
                    "stall_s": size.stall_s,
                    "connects_per_s": 400,
                    "patience_s": size.patience_s,
                    "result": str(self.result),
                }
            )
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.subscribers", str(plan)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.progress: dict[str, int] = {"following": 0}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.progress = json.loads(line)

    def finish(self, goal: dict[str, int], timeout_s: float) -> list[dict[str, Any]]:
        """Tell what the last positions are and wait until everybody has them, or the patience ends."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(goal) + "\n")
        self._process.stdin.close()
        self._process.wait(timeout_s)
        self._reading.join(10)
        told: list[dict[str, Any]] = json.loads(self.result.read_text())
        return told

    def stop(self) -> None:
        """End it, wherever it is."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def _receivers(hooks: int) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.hook_receiver", str(port), "2"], cwd=ROOT)
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(base + "/progress", timeout=5).status_code == 200, 60)
        yield base
    finally:
        process.terminate()
        process.wait()


def _subscribe(api: str, receivers: str, hooks: int) -> dict[str, str]:
    """Make the webhooks, every second in batches, every third of some events; receiver -> query."""
    queries = {}
    with httpx.Client(timeout=30) as client:
        for n in range(hooks):
            some = n % 3 == 2
            filters = {"type": QUIET, "feed": "1"} if some else {"type": [QUIET, FAILING]}
            asked: dict[str, Any] = {"url": f"{receivers}/hook/{n}", "filters": filters, "after": 0}
            if n % 2:
                asked["batch"] = 20
            made = client.post(api + "/v1/webhooks", json=asked)
            made.raise_for_status()
            client.post(f"{receivers}/secret/{n}", content=made.json()["secret"]).raise_for_status()
            queries[str(n)] = SOME if some else MOST
    return queries


def soak(database_url: str, redis_url: str, home: Path, size: Size, say: Callable[[str], None]) -> Outcome:
    """Run it all on migrated engines of the caller's; `say` gets a line now and then."""
    outcome = Outcome()
    fleet, writer = Fleet(home, database_url, redis_url), Writer(database_url, size)
    crowd: Crowd | None = None
    with _receivers(size.hooks) as receivers:
        try:
            for name in ("relay 0", "api 0", "api 1", "deliver 0", "deliver 1"):
                fleet.start(name)
            for number in (0, 1):
                fleet.ready(number)
            queries = _subscribe(fleet.url(0), receivers, size.hooks)
            outcome.rss_before_mb = fleet.rss_mb("api")
            crowd = Crowd(home, fleet.ports, size)
            until(partial(_all_follow, crowd, size), 120)
            writer.start()
            _kill_in_turn(fleet, size, outcome, crowd, receivers, say)
            writer.stopping.set()
            writer.join()
            wanted = expected(database_url)
            goal = {query: positions[-1] if positions else 0 for query, positions in wanted.items()}
            given = crowd.finish(goal, size.patience_s + 60)
            outcome.connections = crowd.progress["connections"]
            with contextlib.suppress(TimeoutError):
                until(partial(_all_hooks_have, receivers, queries, goal), size.patience_s, 0.5)
            outcome.rss_peak_mb = max(outcome.rss_peak_mb, fleet.rss_mb("api"))
            _judge(outcome, given, wanted)
            outcome.cuts = fleet.said("a slow reader is cut")
            _judge_hooks(outcome, receivers, queries, wanted)
            outcome.events = sum(len(wanted[q]) for q in (MOST, STALLED))
            return outcome
        finally:
            writer.stopping.set()
            if crowd:
                crowd.stop()
            fleet.stop()


def _all_follow(crowd: Crowd, size: Size) -> bool:
    return crowd.progress["following"] == size.sse + size.ws


def _kill_in_turn(
    fleet: Fleet, size: Size, outcome: Outcome, crowd: Crowd, receivers: str, say: Callable[[str], None]
) -> None:
    end, turn = time.monotonic() + size.seconds, 0
    down: dict[str, float] = {}
    next_kill = time.monotonic() + size.kill_every_s / 2
    next_word = time.monotonic() + 10
    while (now := time.monotonic()) < end or down:
        for name in [name for name, until_s in down.items() if until_s <= now]:
            fleet.start(name)
            del down[name]
        if now >= next_kill and now < end - size.down_s:
            name = size.dies[turn % len(size.dies)]
            turn, next_kill = turn + 1, now + size.kill_every_s
            fleet.kill(name)
            down[name] = now + size.down_s
            outcome.kills[name] = outcome.kills.get(name, 0) + 1
        outcome.rss_peak_mb = max(outcome.rss_peak_mb, fleet.rss_mb("api"))
        if now >= next_word:
            next_word = now + 10
            told = httpx.get(receivers + "/progress", timeout=10).json()
            say(
                f"{end - now:.0f} s left, killed {sum(outcome.kills.values())}, {crowd.progress}, hooks {told['taken']}"
            )
        time.sleep(0.2)


def _all_hooks_have(receivers: str, queries: dict[str, str], goal: dict[str, int]) -> bool:
    lasts = httpx.get(receivers + "/progress", timeout=10).json()["lasts"]
    return all(lasts.get(n, 0) >= goal[query] for n, query in queries.items())


def _judge(outcome: Outcome, given: list[dict[str, Any]], wanted: dict[str, list[int]]) -> None:
    for one in given:
        seen, right = one["seen"], wanted[one["query"]]
        outcome.given += len(seen)
        outcome.missing += len(set(right) - set(seen))
        outcome.doubled += len(seen) - len(set(seen))
        outcome.disordered += sum(a >= b for a, b in itertools.pairwise(seen))
        outcome.torn += one["wrong"] + len(set(seen) - set(right))


def _judge_hooks(outcome: Outcome, receivers: str, queries: dict[str, str], wanted: dict[str, list[int]]) -> None:
    """A delivery may come again, under its id and with its content, before the next; all else is wrong."""
    told = httpx.get(receivers + "/progress", timeout=30).json()
    outcome.unverified, outcome.hook_refused = told["unverified"], told["refused"]
    taken = httpx.get(receivers + "/taken", timeout=30).json()
    for n, query in queries.items():
        right = wanted[query]
        place = {position: i for i, position in enumerate(right)}
        at = -1  # index of the last position that was taken
        before: list[Any] | None = None
        for name, first, last, digest in taken.get(n, []):
            outcome.hook_deliveries += 1
            if before is not None and name == before[0]:
                outcome.hook_repeats += 1
                outcome.torn += [first, last, digest] != before[1:]
                continue
            start, end = place.get(first, -1), place.get(last, -1)
            outcome.torn += start < 0 or end < start
            outcome.missing += max(0, start - at - 1)
            outcome.doubled += max(0, at - start + 1)
            at, before = end, [name, first, last, digest]
        outcome.missing += len(right) - 1 - at
