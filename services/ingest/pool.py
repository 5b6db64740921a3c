"""The parse pool: worker processes that may be killed. Bodies go in, plain items come out as JSON.

    poll ──body──▶ pool ──pipe──▶ worker (time limit, memory limit) ──JSON──▶ ParsedFeed
                     └── the worker died or is late: it is ended, replaced by the next job, its job fails alone

Workers are forked from a server process that has the parsers loaded and shares that memory with them. What comes
back is JSON and never code, since whoever parsed a hostile body may be in its hands.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

import orjson

from services.ingest.items import Item, Names, ParsedFeed
from services.ingest.parse import Job, parse
from services.ingest.refusals import NotAFeed, ParserKilled

TIME_LIMIT_S = 10.0  # the slowest honest body measured takes 3.3 s
MEMORY_LIMIT = 1536 * 1024 * 1024  # bytes of address space
GRACE_S = 2.0  # a worker ends itself by its alarm; after this it is ended

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["services.ingest.pool"])


class ParsePool:
    """`size` workers, started when first needed. Use as an async context manager."""

    def __init__(self, size: int, *, time_limit_s: float = TIME_LIMIT_S, memory_limit: int = MEMORY_LIMIT) -> None:
        self._workers = [_Worker(time_limit_s, memory_limit) for _ in range(size)]
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="parse")

    async def __aenter__(self) -> ParsePool:
        for worker in self._workers:
            self._free.put_nowait(worker)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._workers[-1].start)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def parse(self, body: bytes, job: Job) -> ParsedFeed:
        """What the body holds. Raises `NotAFeed`, or `ParserKilled` where it cost too much."""
        worker = await self._free.get()
        running = asyncio.get_running_loop().run_in_executor(self._threads, worker.ask, _packed(job), body)
        running.add_done_callback(lambda _: self._free.put_nowait(worker))  # also when the poll was cancelled
        return _unpacked(orjson.loads(await asyncio.shield(running)))

    def pids(self) -> list[int]:
        """The processes of the workers that run now."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]


class _Worker:
    """One worker process and the pipe to it. Used by one thread at a time."""

    def __init__(self, time_limit_s: float, memory_limit: int) -> None:
        self._time_limit_s, self._memory_limit = time_limit_s, memory_limit
        self._process: ForkServerProcess | None = None
        self._pipe: Connection[Any, Any] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        ours, theirs = _context.Pipe()
        process = _context.Process(
            target=_work, args=(theirs, self._time_limit_s, self._memory_limit), name="parse", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours

    def ask(self, job: bytes, body: bytes) -> bytes:
        if self._process is None or not self._process.is_alive():
            self.end()
            self.start()
        assert self._pipe is not None
        try:
            self._pipe.send_bytes(job)
            self._pipe.send_bytes(body)
            if self._pipe.poll(self._time_limit_s + GRACE_S):
                return self._pipe.recv_bytes()
        except (EOFError, OSError):
            pass
        raise self._killed()

    def _killed(self) -> ParserKilled:
        process = self._process
        if process is not None:
            process.join(0.2)
        code = process.exitcode if process is not None else None
        self.end()
        if code is None or code == -signal.SIGALRM:
            return ParserKilled(
                f"reading the body took longer than {self._time_limit_s:g} s and was ended; it is hostile or broken",
                code="parse_timeout",
            )
        return ParserKilled(
            f"reading the body ended its process (exit {code}), likely for want of memory; it is hostile or broken"
        )

    def end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            with suppress(OSError, AttributeError):
                self._process.kill()
            self._process.join(1)
        self._process = self._pipe = None


def _work(pipe: Connection[Any, Any], time_limit_s: float, memory_limit: int) -> None:
    """The worker: one job after the other until the pipe closes, which it does however the other side ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere the limit is not kept, or counts what is shared
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    with suppress(EOFError, OSError):
        while True:
            job = pipe.recv_bytes()
            body = pipe.recv_bytes()
            signal.setitimer(signal.ITIMER_REAL, time_limit_s)
            answer = _answer(job, body)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(answer)


def _answer(job: bytes, body: bytes) -> bytes:
    try:
        return orjson.dumps(parse(body, _job(orjson.loads(job))))
    except NotAFeed as error:
        return orjson.dumps({"not_a_feed": [error.message, error.code, error.candidates]})
    except MemoryError:
        os._exit(3)
    except Exception as error:  # noqa: BLE001 - the border of this process: what a body does to a parser fails its feed alone
        return orjson.dumps(
            {"not_a_feed": [f"the body cannot be read ({type(error).__name__}: {error})", "unreadable", ()]}
        )


def _packed(job: Job) -> bytes:
    members = {"feed_id": job.feed_id, "url": job.url, "content_type": job.content_type, "now": job.now}
    return orjson.dumps({**members, "known": list(job.known)})


def _job(data: dict[str, Any]) -> Job:
    now = datetime.fromisoformat(data["now"])
    return Job(data["feed_id"], data["url"], data["content_type"], now, frozenset(data["known"]))


def _unpacked(data: dict[str, Any]) -> ParsedFeed:
    if "not_a_feed" in data:
        message, code, candidates = data["not_a_feed"]
        raise NotAFeed(message, code=code, candidates=candidates)
    items = [_item(item) for item in data["items"]]
    dates = [datetime.fromisoformat(date) for date in data["dates"]]
    return ParsedFeed(**{**data, "items": items, "dates": dates})


def _item(data: dict[str, Any]) -> Item:
    data["names"] = Names(**data["names"])
    for name in ("published_at", "modified_at"):
        if data[name] is not None:
            data[name] = datetime.fromisoformat(data[name])
    return Item(**data)
