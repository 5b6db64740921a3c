"""The parse pool: worker processes that may be killed. Bodies go in, plain items come out as JSON.

    poll ──body──▶ pool ──socket──▶ worker (time limit, memory limit) ──JSON──▶ ParsedFeed
                     ├── the worker died or is late: it is ended, replaced by the next job, its job fails alone
                     └── memos of bodies go with the next body of their feed (`raw`): the least lately used are dropped

Workers are forked from a server process that has the parsers loaded and shares that memory with them. What comes
back is JSON and never code, since whoever parsed a hostile body may be in its hands. There are more workers than cores,
for bodies that take long; of those that do not, only as many are read at once as there are cores, by the workers that
worked last: their memory is warm, and they stand in nobody's way.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import resource
import signal
import socket
import struct
import sys
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any, cast

import orjson

from services.ingest.items import Item, Names, ParsedFeed
from services.ingest.markup import without_controls
from services.ingest.parse import Job, parse
from services.ingest.refusals import NotAFeed, ParserKilled

TIME_LIMIT_S = 10.0  # the slowest honest body measured takes 3.3 s
MEMORY_LIMIT = 1536 * 1024 * 1024  # bytes of address space
PATIENCE_S = 0.05  # a body that takes longer no longer keeps the next one waiting
GRACE_S = 2.0  # a worker ends itself by its alarm; after this it is ended
GARBAGE = 20_000  # objects between two collections: a body makes thousands, nearly all gone with it

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["services.ingest.pool"])
MEMOS = 64 * 1024 * 1024  # bytes of memos kept: 100 to an item
_SIZE = struct.Struct("!i")  # how `Connection` frames what is shorter than 2 GiB
_PARTS = struct.Struct("!III")  # before a question: the lengths of job, hashes and memo, which the body follows


class ParsePool:
    """`size` workers, started when first needed. Use as an async context manager."""

    def __init__(self, size: int, *, time_limit_s: float = TIME_LIMIT_S, memory_limit: int = MEMORY_LIMIT) -> None:
        self._workers = [_Worker(time_limit_s, memory_limit) for _ in range(size)]
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._turns = asyncio.Semaphore(min(size, os.cpu_count() or size))
        self._memos = _Memos(MEMOS)

    async def __aenter__(self) -> ParsePool:
        for worker in self._workers:
            self._free.put_nowait(worker)
        await self._workers[-1].start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            await worker.stop()

    async def parse(self, body: bytes, job: Job) -> ParsedFeed:
        """What the body holds. Raises `NotAFeed`, or `ParserKilled` where it cost too much."""
        turn = _Turn(self._turns)
        await self._turns.acquire()
        try:
            worker = await self._free.get()
        except asyncio.CancelledError:
            turn.end()
            raise
        turn.begin()
        asked = asyncio.ensure_future(worker.ask(_packed(job, self._memos.of(job.feed_id)), body))

        def done(_: object) -> None:  # also when the poll was cancelled
            turn.end()
            self._free.put_nowait(worker)

        asked.add_done_callback(done)
        parsed = _unpacked(await asyncio.shield(asked))
        if job.remember:
            self._memos.keep(job.feed_id, parsed.memo)
        return parsed

    def pids(self) -> list[int]:
        """The processes of the workers that run now."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]


class _Turn:
    """A place among as many bodies as there are cores. One that takes long gives it up while it goes on."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns
        self._clock: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self._clock = asyncio.get_running_loop().call_later(PATIENCE_S, self.end)

    def end(self) -> None:
        """Give it up, once."""
        if self._clock is not None:
            self._clock.cancel()
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()


class _Memos:
    """The memo of each feed's latest body, up to a number of bytes in all."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._memos: OrderedDict[int, bytes] = OrderedDict()

    def of(self, feed_id: int) -> bytes:
        return self._memos.get(feed_id, b"")

    def keep(self, feed_id: int, memo: bytes) -> None:
        self._held += len(memo) - len(self._memos.pop(feed_id, b""))
        if memo:
            self._memos[feed_id] = memo
        while self._held > self._most:
            self._held -= len(self._memos.popitem(last=False)[1])


class _Line(asyncio.Protocol):
    """The parent's end of a worker's socket: one question at a time, framed as `Connection` does."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it

    def ask(self, question: Sequence[bytes]) -> asyncio.Future[bytes]:
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.writelines([_SIZE.pack(sum(map(len, question))), *question])
        if self.transport.is_closing():
            self.connection_lost(None)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self._came += data
        size = _SIZE.unpack_from(self._came)[0] + _SIZE.size if len(self._came) >= _SIZE.size else None
        if size is not None and len(self._came) >= size:
            answer, self._came = bytes(memoryview(self._came)[_SIZE.size : size]), bytearray()
            if not self.answer.done():
                self.answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the worker's socket closed"))
            self.answer.exception()  # nobody may be waiting


class _Worker:
    """One worker process and the socket to it. Asked by one poll at a time."""

    def __init__(self, time_limit_s: float, memory_limit: int) -> None:
        self._time_limit_s, self._memory_limit = time_limit_s, memory_limit
        self._process: ForkServerProcess | None = None
        self._line: _Line | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._starting:
            ours, theirs = socket.socketpair()
            self._process = await loop.run_in_executor(None, self._fork, theirs)
            _, self._line = await loop.create_unix_connection(_Line, sock=ours)

    async def stop(self) -> None:
        """End it, also one that is being started."""
        async with self._starting:
            self.end()

    def _fork(self, theirs: socket.socket) -> ForkServerProcess:
        pipe: Connection[Any, Any] = Connection(theirs.detach())
        process = _context.Process(
            target=_work, args=(pipe, self._time_limit_s, self._memory_limit), name="parse", daemon=True
        )
        process.start()
        pipe.close()
        return process

    async def ask(self, job: Sequence[bytes], body: bytes) -> bytes:
        if self._line is None or self._line.transport is None or self._line.transport.is_closing():
            self.end()
            await self.start()
        assert self._line is not None
        try:
            async with asyncio.timeout(self._time_limit_s + GRACE_S):
                return await self._line.ask([*job, body])
        except (TimeoutError, OSError):
            raise await self._killed() from None

    async def _killed(self) -> ParserKilled:
        process = self._process
        if process is not None:
            await asyncio.get_running_loop().run_in_executor(None, process.join, 0.2)
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
        process, line, self._process, self._line = self._process, self._line, None, None
        if line is not None and line.transport is not None:
            line.transport.abort()
        if process is not None:
            with suppress(OSError, AttributeError):
                process.kill()
            process.join(1)


def _work(pipe: Connection[Any, Any], time_limit_s: float, memory_limit: int) -> None:
    """The worker: one job after the other until the pipe closes, which it does however the other side ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere the limit is not kept, or counts what is shared
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    gc.freeze()  # what is loaded stays
    gc.set_threshold(GARBAGE)
    with suppress(EOFError, OSError):
        while True:
            question = pipe.recv_bytes()
            signal.setitimer(signal.ITIMER_REAL, time_limit_s)
            answer = _answer(question)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(answer)


def _answer(question: bytes) -> bytes:
    """The length of the memo, the memo, and all else as JSON."""
    try:
        parsed = parse(*_asked(question))
        memo = parsed.memo
        return b"".join((_SIZE.pack(len(memo)), memo, orjson.dumps(parsed, default=lambda memo: None)))
    except NotAFeed as error:
        return _SIZE.pack(0) + orjson.dumps({"not_a_feed": [error.message, error.code, error.candidates]})
    except MemoryError:
        os._exit(3)
    except Exception as error:  # noqa: BLE001 - the border of this process: what a body does to a parser fails its feed alone
        reason = without_controls(f"the body cannot be read ({type(error).__name__}: {error})"[:500])
        return _SIZE.pack(0) + orjson.dumps({"not_a_feed": [reason, "unreadable", ()]})


def _packed(job: Job, memo: bytes) -> list[bytes]:
    members = {"feed_id": job.feed_id, "url": job.url, "content_type": job.content_type, "now": job.now}
    told = orjson.dumps(members)
    return [_PARTS.pack(len(told), len(job.known), len(memo)), told, job.known, memo]


def _asked(question: bytes) -> tuple[bytes, Job]:
    job, known, memo = _PARTS.unpack_from(question)
    known_at = _PARTS.size + job
    memo_at = known_at + known
    data = orjson.loads(memoryview(question)[_PARTS.size : known_at])
    now = datetime.fromisoformat(data.pop("now"))
    return question[memo_at + memo :], Job(
        **data, now=now, known=question[known_at:memo_at], memo=question[memo_at : memo_at + memo]
    )


def _unpacked(answer: bytes) -> ParsedFeed:
    (memo,) = _SIZE.unpack_from(answer)
    at = _SIZE.size + memo
    data = orjson.loads(memoryview(answer)[at:])
    if "not_a_feed" in data:
        message, code, candidates = data["not_a_feed"]
        raise NotAFeed(message, code=code, candidates=candidates)
    items = [_item(item) for item in data["items"]]
    dates = [datetime.fromisoformat(date) for date in data["dates"]]
    return ParsedFeed(**{**data, "items": items, "dates": dates, "memo": answer[_SIZE.size : at]})


def _item(data: dict[str, Any]) -> Item:
    data["names"] = Names(**data["names"])
    for name in ("published_at", "modified_at"):
        if data[name] is not None:
            data[name] = datetime.fromisoformat(data[name])
    return Item(**data)
