"""Several real ingest processes against one publisher: nothing fetched twice, hosts spared, kill -9 survived."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import web

from shared.settings import Settings
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

GAP_S = 0.3
PAGE = "<html><head><title>Flood</title></head><body><article><p>The river rose by noon.</p></article></body></html>"


@dataclass
class Counts:
    """What the server saw of each host name: starts, and how many requests ran at once."""

    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    paths: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    running: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host
        self.starts[host].append(time.monotonic())
        self.paths[f"{host}{request.path}"] += 1
        self.running[host] += 1
        self.most[host] = max(self.most[host], self.running[host])
        try:
            await asyncio.sleep(0.1)
            if request.path.startswith("/feed"):
                links = [f"http://{host}/pages{request.path}/{n}" for n in range(3)]
                return web.Response(text=rss([item(n, guid=u, link=u, title=f"Page {u}") for n, u in enumerate(links)]))
            if request.path.startswith("/pages"):
                return web.Response(text=PAGE, content_type="text/html")
            return web.Response(status=404)
        finally:
            self.running[host] -= 1


async def start(settings: Settings) -> asyncio.subprocess.Process:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")} | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
        "WIREDESK_INGEST_PORT": "0",
        "WIREDESK_HOST_GAP_S": str(settings.host_gap_s),
        "WIREDESK_HOST_CONCURRENCY": str(settings.host_concurrency),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", env=environment, stderr=asyncio.subprocess.DEVNULL
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)


async def test_replicas_share_a_host_fetch_nothing_twice_and_survive_a_kill(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    polite = settings.model_copy(update={"host_gap_s": GAP_S, "host_concurrency": 2})
    counts = Counts()
    hosts = [f"127.0.0.1:{publisher.port}", f"localhost:{publisher.port}"]
    paths = [f"/feed{n}" for n in range(4)]
    pages = [f"/pages{path}/{n}" for path in paths for n in range(3)]
    publisher.answers |= dict.fromkeys([*paths, *pages, "/robots.txt"], counts.answer)
    replicas = [await start(polite) for _ in range(3)]
    try:
        feeds = [await desk.subscribe(f"http://{host}{path}") for host in hosts for path in paths]
        await desk.until(lambda: desk.rows("SELECT 1 FROM pages HAVING count(*) >= 6"), 60)
        replicas[0].kill()
        await replicas[0].wait()
        done = "SELECT 1 FROM pages WHERE status = 'stored' HAVING count(*) = %s"
        await desk.until(lambda: desk.rows(done, len(hosts) * len(pages)), 90)
        assert await desk.one("SELECT count(*) FROM polls WHERE outcome = 'updated'") == len(feeds)
    finally:
        await asyncio.gather(*(stop(process) for process in replicas))
    for host in hosts:
        starts = counts.starts[host]
        # Claims are a gap apart; on the way to the server a request may be late, so whole windows are counted.
        window = [sum(start <= other < start + 4 * GAP_S for other in starts) for start in starts]
        assert max(window) <= 4 + 2, window
        assert counts.most[host] <= 2
        doubled = {path: n for path, n in counts.paths.items() if path.startswith(host) and n > 1}
        # Only what the killed replica had asked for and not saved may be asked for a second time.
        assert sum(doubled.values()) - len(doubled) <= 2, doubled
