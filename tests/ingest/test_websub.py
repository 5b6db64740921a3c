"""Subscribed at a real hub: verified, pushed to, denied, renewed, ended; and a hub that misses news is found out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from services.ingest.health import listening
from services.ingest.items import ParsedFeed
from services.ingest.resources import Resources
from services.ingest.schedule import Bounds, Facts, plan
from services.ingest.websub.callback import MOST_BYTES
from services.ingest.websub.discovery import hub_and_topic
from services.ingest.websub.signature import METHODS, is_signed, sign
from services.ingest.websub.store import MOST_WAITING, THIN_APART_S, pushed
from services.ingest.websub.subscriber import LEASE_S
from services.ingest.websub.trust import GRACE, PROOFS, Trust
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class Hub:
    """A hub on loopback: answers with `status`, verifies unless told not to, remembers what it was asked."""

    port: int = 0
    status: int = 202
    verifies: bool = True
    lease_s: int = 7200
    asked: list[dict[str, str]] = field(default_factory=list)
    echoed: list[bool] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    async def handle(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.status == 202 and self.verifies:
            self.tasks.append(asyncio.create_task(self.verify(form)))
        return web.Response(status=self.status, text="what a hub says")

    async def verify(self, form: dict[str, str], **changed: str) -> None:
        query = {name: form[name] for name in ("hub.mode", "hub.topic")} | {"hub.challenge": "ch4llenge"}
        query |= {"hub.lease_seconds": str(self.lease_s)} | changed
        status, text = await self.get(form["hub.callback"], query)
        self.echoed.append(status == 200 and text == "ch4llenge")

    async def get(self, url: str, query: dict[str, str]) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(url, params=query) as answer:
            return answer.status, await answer.text()

    async def push(self, body: str, kind: str = "application/rss+xml", secret: str | None = None) -> int:
        form = self.asked[-1]
        headers = {"Content-Type": kind}
        headers["X-Hub-Signature"] = sign("sha256", secret or form["hub.secret"], body.encode())
        async with (
            aiohttp.ClientSession() as session,
            session.post(form["hub.callback"], data=body.encode(), headers=headers) as answer,
        ):
            return answer.status


@asynccontextmanager
async def hubbing() -> AsyncIterator[Hub]:
    hub = Hub()
    app = web.Application()
    app.router.add_post("/hub", hub.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hub.port = runner.addresses[0][1]
    try:
        yield hub
    finally:
        await asyncio.gather(*hub.tasks, return_exceptions=True)
        await runner.cleanup()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with hubbing() as server:
        yield server


@pytest.fixture
async def ingest(settings: Settings) -> AsyncIterator[Resources]:
    port = free_port()
    changed = {"ingest_port": port, "public_ingest_url": f"http://127.0.0.1:{port}/"}
    async with ingesting(settings.model_copy(update=changed)) as res, listening(res):
        yield res


def feed_of(hub: Hub, publisher: Publisher, *numbers: int, **changes: str) -> str:
    links = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="{hub.url}"/>'
    links += f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="{publisher.url("/topic")}"/>'
    return rss([item(n, pubDate="", **changes) for n in numbers], extra=links)


async def subscribed(desk: Desk, hub: Hub, publisher: Publisher) -> int:
    publisher.serve("/feed", feed_of(hub, publisher, 1))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.until(lambda: desk.rows("SELECT 1 FROM feed_states WHERE hub->>'state' = 'active'"))
    return feed


async def rested(desk: Desk) -> None:
    """As if nobody had been polled for a while."""
    await desk.conn.execute("UPDATE feed_clocks SET last_polled_at = now() - interval '1 hour'")


async def polls(desk: Desk, feed: int) -> list[tuple[Any, ...]]:
    return await desk.rows("SELECT outcome, http_status, entries FROM polls WHERE feed_id = %s ORDER BY id", feed)


async def test_a_feed_is_subscribed_verified_and_renewed_at_half_its_lease(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    (form,) = hub.asked
    assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", publisher.url("/topic"))
    assert (len(form["hub.secret"]) > 30, form["hub.lease_seconds"]) == (True, str(LEASE_S))
    await asyncio.gather(*hub.tasks)
    assert hub.echoed == [True]
    lease, renewal = (await desk.rows("SELECT lease_until, next_at FROM hub_subscriptions"))[0]
    assert 3590 <= (lease - renewal).total_seconds() <= 3610
    state = (await desk.state(feed))["hub"]
    assert (state["url"], state["state"]) == (hub.url, "active")
    assert datetime.fromisoformat(state["lease_until"]) == lease
    await desk.rows("UPDATE hub_subscriptions SET next_at = now() RETURNING 1")
    await desk.until(lambda: desk.rows("SELECT 1 FROM hub_subscriptions WHERE lease_until > %s", lease))
    assert [form["hub.mode"] for form in hub.asked] == ["subscribe", "subscribe"]


async def test_what_was_not_wished_for_is_not_confirmed(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    await subscribed(desk, hub, publisher)
    await asyncio.gather(*hub.tasks)
    hub.echoed.clear()
    await hub.verify(hub.asked[0], **{"hub.topic": "https://other.example/"})
    await hub.verify(hub.asked[0], **{"hub.mode": "unsubscribe"})
    await hub.verify(hub.asked[0] | {"hub.callback": hub.asked[0]["hub.callback"] + "x"})
    assert hub.echoed == [False, False, False]
    assert await desk.one("SELECT state FROM hub_subscriptions") == "active"


async def test_a_fat_ping_is_stored_without_asking_the_publisher_and_makes_no_double(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    before = await desk.state(feed)
    assert await hub.push(feed_of(hub, publisher, 2)) == 202
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 2"))
    assert publisher.times("/feed") == 1
    assert await polls(desk, feed) == [("updated", 200, 1), ("updated", None, 1)]
    assert await desk.one("SELECT count(*) FROM hub_pushes") == 0
    after = await desk.state(feed)
    assert (after["body_hash"], after["etag"]) == (before["body_hash"], before["etag"])
    assert after["warnings"] == []
    # The same again, pushed and polled: nothing new.
    await hub.push(feed_of(hub, publisher, 2))
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 3"))
    publisher.serve("/feed", feed_of(hub, publisher, 2, 1))
    poll = await desk.poll_and_wait(feed)
    assert (poll["counts"]["new"], poll["counts"]["unchanged"]) == (0, 2)
    assert await desk.one("SELECT count(*) FROM articles") == 2


async def test_a_thin_ping_and_one_that_cannot_be_read_make_a_poll(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    publisher.serve("/feed", feed_of(hub, publisher, 2, 1))
    await rested(desk)
    await hub.push("")
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 2"))
    assert publisher.times("/feed") == 2
    publisher.serve("/feed", feed_of(hub, publisher, 3, 2, 1))
    await hub.push("<html><body>not a feed</body></html>", "text/html")
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 3"))
    assert [outcome for outcome, _, _ in await polls(desk, feed)] == ["updated"] * 3
    assert (await desk.state(feed))["status"] == "ok"
    assert await desk.one("SELECT count(*) FROM hub_pushes") == 0


async def test_a_push_that_is_too_big_makes_a_poll(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    await subscribed(desk, hub, publisher)
    publisher.serve("/feed", feed_of(hub, publisher, 2, 1))
    await rested(desk)
    with suppress(aiohttp.ClientError):  # the answer comes before all is sent
        await hub.push(" " * (MOST_BYTES + 1_000))
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 2"))
    assert publisher.times("/feed") == 2
    assert await desk.one("SELECT count(*) FROM hub_pushes") == 0


async def test_a_hub_that_calls_again_and_again_does_not_make_us_hammer_the_publisher(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    for _ in range(5):
        assert await hub.push("") == 202
    clock = await desk.state(feed)
    assert clock["next_poll_at"] - clock["last_polled_at"] == timedelta(seconds=THIN_APART_S)
    assert await hub.push(feed_of(hub, publisher, 2)) == 202  # what it brings itself is taken at once
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 2"))
    assert publisher.times("/feed") == 1


async def test_what_a_hub_pushes_does_not_pile_up(desk: Desk, publisher: Publisher) -> None:
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.conn.execute("INSERT INTO feed_states (feed_id) VALUES (%s)", (feed,))
    await desk.conn.execute("INSERT INTO feed_clocks (feed_id, next_poll_at) VALUES (%s, now())", (feed,))
    for _ in range(MOST_WAITING + 3):
        assert await pushed(desk.conn, feed, None, b"<rss/>", datetime.now(UTC))
    assert await desk.one("SELECT count(*) FROM hub_pushes") == MOST_WAITING


async def test_a_push_with_a_wrong_signature_is_thrown_away(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    await subscribed(desk, hub, publisher)
    assert await hub.push(feed_of(hub, publisher, 66), secret="guessed") == 202
    assert await hub.push(feed_of(hub, publisher, 2)) == 202
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 2"))
    titles = await desk.rows("SELECT title FROM articles ORDER BY id")
    assert titles == [("Headline number 1",), ("Headline number 2",)]


@pytest.mark.parametrize("status, state, wait_s", [(503, "failed", 600), (400, "denied", 604_800)])
async def test_a_hub_that_refuses_is_asked_again_later(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources, status: int, state: str, wait_s: float
) -> None:
    hub.status = status
    publisher.serve("/feed", feed_of(hub, publisher, 1))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.until(lambda: desk.rows("SELECT 1 FROM hub_subscriptions WHERE state = %s", state))
    next_at, error = (await desk.rows("SELECT next_at, error FROM hub_subscriptions"))[0]
    assert abs((next_at - datetime.now(UTC)).total_seconds() - wait_s) < 60
    assert error == f"the hub answered with status {status}: what a hub says"
    assert (await desk.state(feed))["hub"]["state"] == state


async def test_a_hub_may_deny_and_a_private_one_is_never_asked(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    topic = {"hub.mode": "denied", "hub.topic": publisher.url("/topic"), "hub.reason": "too many"}
    assert (await hub.get(hub.asked[0]["hub.callback"], topic))[0] == 200
    assert await desk.rows("SELECT state, error FROM hub_subscriptions") == [("denied", "too many")]
    assert (await desk.state(feed))["hub"]["state"] == "denied"
    private = rss([item(9)], extra='<a:link xmlns:a="http://www.w3.org/2005/Atom" rel="hub" href="http://10.0.0.1/"/>')
    publisher.serve("/private", private)
    other = await desk.subscribe(publisher.url("/private"))
    found = await desk.until(
        lambda: desk.rows("SELECT error FROM hub_subscriptions WHERE feed_id = %s AND state = 'refused'", other)
    )
    assert "10.0.0.1" in found[0][0]


async def test_a_removed_feed_is_unsubscribed(desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources) -> None:
    feed = await subscribed(desk, hub, publisher)
    await desk.rows("UPDATE feeds SET deleted_at = now() WHERE id = %s RETURNING 1", feed)
    await desk.request(feed, "changed")

    async def ended() -> bool:
        return await desk.one("SELECT count(*) FROM hub_subscriptions") == 0

    await desk.until(ended)
    assert [form["hub.mode"] for form in hub.asked] == ["subscribe", "unsubscribe"]
    assert await hub.push("", secret="any") == 410


async def test_a_hub_that_misses_news_is_demoted_and_returns(
    desk: Desk, hub: Hub, publisher: Publisher, ingest: Resources
) -> None:
    feed = await subscribed(desk, hub, publisher)
    await desk.rows("UPDATE feed_states SET hub = hub || %s::jsonb RETURNING 1", '{"since": "2026-01-01T00:00:00Z"}')
    publisher.serve("/feed", feed_of(hub, publisher, 2, 1))
    await desk.poll_and_wait(feed)
    warnings = (await desk.state(feed))["warnings"]
    assert [warning["code"] for warning in warnings] == ["hub_misses"]
    assert "1 articles" in warnings[0]["message"]
    for n in range(PROOFS):
        await hub.push(feed_of(hub, publisher, 10 + n))
        count = 3 + n
        await desk.until(lambda count=count: desk.rows("SELECT 1 FROM polls HAVING count(*) = %s", count))
    assert (await desk.state(feed))["warnings"] == []
    rules = {rule[0] for rule in (await desk.state(feed))["rules"]}
    assert "hub" in rules


async def test_without_a_public_address_no_hub_is_asked(
    desk: Desk, hub: Hub, publisher: Publisher, settings: Settings
) -> None:
    async with ingesting(settings):
        publisher.serve("/feed", feed_of(hub, publisher, 1))
        feed = await desk.subscribe(publisher.url("/feed"))
        await desk.first_poll(feed)
        assert (await desk.state(feed))["hub"]["state"] == "found"
        assert await desk.one("SELECT count(*) FROM hub_subscriptions") == 0
    assert hub.asked == []


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_recommendation_is_checked(method: str) -> None:
    header = sign(method, "s3cret", b"body")
    assert is_signed(header, "s3cret", b"body")
    assert is_signed(header.upper(), "s3cret", b"body")
    for wrong in (header[:-1], header[:-1] + ("0" if header[-1] != "0" else "1"), "md5=00", "", None, "sha256=é"):
        assert not is_signed(wrong, "s3cret", b"body")
    assert not is_signed(header, "s3cret", b"other")


@pytest.mark.parametrize(
    "header, found",
    [
        (
            '<https://h.example/>; rel="hub", <https://a.example/f>; rel="self"',
            ("https://h.example/", "https://a.example/f"),
        ),
        ("</hub>; rel=hub", ("https://a.example/hub", "https://a.example/feed")),
        ('<https://h.example/>; title="a, b"; rel="hub self"', ("https://h.example/", "https://h.example/")),
        ('<https://x.example/>; rel="next"', None),
        ("<" * 5000 + ";" * 5000, None),
    ],
)
def test_the_link_header_names_hub_and_topic(header: str, found: tuple[str, str] | None) -> None:
    parsed = ParsedFeed("rss2.0", None, None, None, None, None, False, False, 0, [], 0, 0, 0, 0, [])
    assert hub_and_topic({"link": header}, parsed, "https://a.example/feed") == found


def test_news_that_may_be_on_its_way_or_was_told_of_is_no_miss() -> None:
    trust = Trust(PROOFS)
    assert trust.after_poll(0, None, None, NOW) == trust
    assert trust.after_poll(2, NOW - GRACE / 2, None, NOW) == trust
    assert trust.after_poll(2, NOW - timedelta(hours=1), NOW - GRACE / 2, NOW).trusted
    missed = trust.after_poll(2, NOW - timedelta(hours=1), NOW - timedelta(hours=3), NOW)
    assert (missed.trusted, missed.missed, missed.missed_at) == (False, 2, NOW)
    for _ in range(PROOFS):
        missed = missed.told()
    assert (missed.trusted, missed.missed) == (True, 0)


def test_a_trusted_hub_makes_polling_rare_but_within_the_operators_bounds() -> None:
    from services.ingest.rhythm import Rhythm

    bounds = Bounds(300, 86_400)
    usual = plan(Facts(Rhythm()), bounds, NOW, 0.0).interval_s
    rare = plan(Facts(Rhythm(), hub_trusted=True), bounds, NOW, 0.0)
    assert rare.interval_s == 6 * usual
    assert [rule.rule for rule in rare.rules if rule.decided] == ["hub"]
    assert plan(Facts(Rhythm(), hub_trusted=True), Bounds(300, 7200), NOW, 0.0).interval_s == 7200
