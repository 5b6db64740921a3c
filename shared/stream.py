"""The Redis Stream that carries the log to live readers: ids are positions (`N-0`), so appending is idempotent.

The stream is a window of the log's newest events and may vanish at any time. It is always a contiguous piece of the
log: `append` refuses to add after anything but the position it was told is the last, in one atomic step, so a wipe
between two batches is noticed instead of leaving a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio

from shared.events import STREAM_FIELD, STREAM_KEY

WINDOW = 100_000  # events kept for live readers, about 100 MB; older ones are read from PostgreSQL

# KEYS: stream. ARGV: position the stream must end at, window, field, then (position, event) pairs.
# Returns the last position in the stream afterwards, or minus one less than the one found when it ends elsewhere.
_APPEND = """
local last = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^(%d+)-')) end
  end
end
if last ~= tonumber(ARGV[1]) then return -1 - last end
for i = 4, #ARGV, 2 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[i] .. '-0', ARGV[3], ARGV[i + 1])
  last = tonumber(ARGV[i])
end
return last
"""


def last(client: redis.Redis) -> int:
    """The position the stream ends at; 0 where there is no stream. Raises `redis.RedisError`."""
    try:
        info: Any = client.xinfo_stream(STREAM_KEY)
    except redis.ResponseError:
        return 0
    return int(_text(info["last-generated-id"]).split("-")[0])


async def last_async(client: redis.asyncio.Redis) -> int:
    """The same for async services."""
    try:
        info: Any = await client.xinfo_stream(STREAM_KEY)
    except redis.ResponseError:
        return 0
    return int(_text(info["last-generated-id"]).split("-")[0])


def append(client: redis.Redis, after: int, events: Sequence[tuple[int, bytes]]) -> int:
    """Append (position, event) pairs to a stream that ends at `after`.

    Returns the position it ends at now; when that is not the last pair's, nothing was appended (the stream was wiped,
    or another relay wrote): read again from the position returned. Raises `redis.RedisError`.
    """
    flat: list[bytes | int | str] = [after, WINDOW, STREAM_FIELD]
    for position, event in events:
        flat += (position, event)
    answer = int(client.eval(_APPEND, 1, STREAM_KEY, *flat))
    return answer if answer >= 0 else -1 - answer


async def read(
    client: redis.asyncio.Redis, after: int, *, count: int = 500, block_ms: int = 5000
) -> list[tuple[int, bytes]]:
    """(position, event) pairs after a position; an empty list after `block_ms` without news.

    Raises `redis.RedisError`.
    """
    answer: Any = await client.xread({STREAM_KEY: f"{after}-0"}, count=count, block=block_ms)
    if not answer:
        return []
    entries = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return [(int(_text(entry).split("-")[0]), fields[STREAM_FIELD.encode()]) for entry, fields in entries]


async def first(client: redis.asyncio.Redis) -> int:
    """The oldest position in the stream; 0 where it is empty."""
    entries: Any = await client.xrange(STREAM_KEY, count=1)
    return int(_text(entries[0][0]).split("-")[0]) if entries else 0


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def drop(client: redis.Redis) -> None:
    """Remove the stream, ids remembered included. Raises `redis.RedisError`."""
    client.delete(STREAM_KEY)
