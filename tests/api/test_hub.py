"""The hub from a reader's request to its socket: a real reader that confirms, real pushes, each signature verified."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import feedparser
import httpx
import orjson
import pytest

from services.api.websub import asking
from services.ingest.parse import Job, parse
from services.ingest.websub.discovery import hub_and_topic
from services.ingest.websub.signature import is_signed
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.api.test_deliver_process import start
from tests.api.test_searches import kept
from tests.api.test_webhooks import delivering, until


@dataclass(frozen=True)
class Pushed:
    """One push as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def titles(self) -> list[str]:
        return [entry.title for entry in feedparser.parse(self.body).entries]


@dataclass
class Reader:
    """Confirms by echoing the challenge, keeps what is pushed; `status` answers each push."""

    confirms: bool = True
    status: Callable[[int], int] = lambda _: 204
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    got: list[Pushed] = field(default_factory=list)
    pushes: int = 0  # begun; `got` are those answered

    def __enter__(self) -> Reader:
        reader = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                told = parse_qs(urlsplit(self.path).query)
                self._answer(200, told["hub.challenge"][0].encode() if reader.confirms else b"who?")
                reader.asked.append(told)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                reader.pushes += 1
                pushed = Pushed({k.lower(): v for k, v in self.headers.items()}, body)
                status = reader.status(reader.pushes - 1)
                reader.got.append(pushed)
                self._answer(status, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/reader?id=7"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def titles(self) -> list[str]:
        return [title for push in self.got for title in reversed(push.titles)]


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"allow_private": "127.0.0.0/8", "webhook_backoff_s": "0.05,0.05"}
    return Settings(database_url=database_url, redis_url=redis_url, home=tmp_path, port=0, **given)


async def ask(api: httpx.AsyncClient, reader: Reader, search: dict[str, Any], **more: str) -> str:
    """Subscribe, or what `mode` says, to the search's Atom; the topic."""
    topic = f"http://localhost/v1/searches/{search['id']}.{more.pop('form', 'atom')}"
    told = {"hub.mode": more.pop("mode", "subscribe"), "hub.topic": topic, "hub.callback": reader.url}
    answer = await api.post("/v1/hub", data=told | {f"hub.{name}": value for name, value in more.items()})
    assert (answer.status_code, answer.content) == (202, b""), answer.text
    return topic


def subscriptions(newsroom: Newsroom) -> int:
    return int(newsroom.conn.execute("SELECT count(*) FROM feed_readers").fetchall()[0][0])


def position(newsroom: Newsroom) -> int:
    return int(newsroom.conn.execute("SELECT max(position) FROM feed_readers").fetchall()[0][0])


def settled(newsroom: Newsroom) -> bool:
    return newsroom.conn.execute("SELECT count(*) FROM feed_reader_requests").fetchall() == [(0,)]


def wake(newsroom: Newsroom) -> None:
    newsroom.conn.execute("SELECT pg_notify('wiredesk_webhooks', '')")


async def test_a_confirmed_reader_gets_each_new_article_of_its_search_signed_in_the_form_it_reads(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    newsroom.article("The bridge before")
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            topic = await ask(api, reader, search, secret="s3cret", lease_seconds="1000")
            await until(lambda: subscriptions(newsroom), "a subscription")
            (asked,) = reader.asked
            assert (asked["hub.mode"], asked["hub.topic"]) == (["subscribe"], [topic])
            assert (asked["hub.lease_seconds"], asked["id"]) == (["1000"], ["7"])
            newsroom.article("A ferry", body="It sails.", relay=False)
            for n in range(5):
                newsroom.article(f"The bridge, part {n}", relay=False)
            await until(lambda: len(reader.titles) >= 5, "five articles")
        assert reader.titles == [f"The bridge, part {n}" for n in range(5)]
        # Whoever leaves the hub at a push goes on along another channel: nothing missing, nothing twice.
        first = reader.got[0]
        more = await api.get("/v1/events", params={"after": first.headers["wiredesk-position"], "q": "bridge"})
        rest = [event["data"]["title"] for event in more.json()["items"]]
        assert list(reversed(first.titles)) + rest == reader.titles
    for push in reader.got:
        assert push.headers["content-type"] == "application/atom+xml"
        assert push.headers["link"] == f'<http://localhost/v1/hub>; rel="hub", <{topic}>; rel="self"'
        signed = hmac.new(b"s3cret", push.body, hashlib.sha256).hexdigest()
        assert push.headers["x-hub-signature"] == f"sha256={signed}"
        links = {link.rel: link.href for link in feedparser.parse(push.body).feed.links}
        assert (links["hub"], links["self"]) == ("http://localhost/v1/hub", topic)


@pytest.mark.parametrize("form", ["json", "jsonfeed"])
async def test_a_push_is_an_article_as_the_feed_has_it(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, form: str
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            topic = await ask(api, reader, search, form=form)
            await until(lambda: subscriptions(newsroom), "a subscription")
            newsroom.article("The bridge")
            await until(lambda: reader.got, "a push")
    (push,) = reader.got
    served = await api.get(topic)
    assert orjson.loads(push.body) == served.json()
    assert push.headers["content-type"] == served.headers["content-type"]
    assert "x-hub-signature" not in push.headers


async def test_feeds_name_their_hub_and_themselves_and_other_lists_none(api: httpx.AsyncClient) -> None:
    at = f"http://localhost/v1/searches/{(await kept(api, q='bridge'))['id']}"
    for form in asking.TYPES:
        assert (await api.get(f"{at}.{form}")).headers["link"] == asking.links("http://localhost", f"{at}.{form}")
        assert "link" not in (await api.get(f"{at}.{form}?limit=3")).headers  # no topic
    assert "link" not in (await api.get("/v1/articles.rss")).headers
    for form in ("rss", "atom"):
        links = {link.rel: link.href for link in feedparser.parse((await api.get(f"{at}.{form}")).content).feed.links}
        assert (links["hub"], links["self"]) == ("http://localhost/v1/hub", f"{at}.{form}")
    assert (await api.get(f"{at}.jsonfeed")).json()["hubs"] == [{"type": "WebSub", "url": "http://localhost/v1/hub"}]


async def test_who_does_not_confirm_gets_nothing(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader(confirms=False) as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: settled(newsroom), "the request settled")
        assert (len(reader.asked), subscriptions(newsroom)) == (1, 0)


async def test_an_unsubscription_is_confirmed_too_and_a_renewal_goes_on_where_it_was(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: settled(newsroom) and subscriptions(newsroom), "a subscription")
        newsroom.article("The bridge while nobody delivers", relay=False)
        await ask(api, reader, search, lease_seconds="5")
        async with delivering(settings):
            await until(lambda: settled(newsroom) and reader.got, "the renewal and the push")
            assert reader.asked[-1]["hub.lease_seconds"] == [str(asking.SHORTEST_LEASE_S)]
            assert (subscriptions(newsroom), reader.titles) == (1, ["The bridge while nobody delivers"])
            reader.confirms = False
            await ask(api, reader, search, mode="unsubscribe")
            await until(lambda: settled(newsroom), "the request that was not meant")
            assert subscriptions(newsroom) == 1
            reader.confirms = True
            await ask(api, reader, search, mode="unsubscribe")
            await until(lambda: not subscriptions(newsroom), "the end")


async def test_what_is_not_taken_comes_again_and_gone_ends_it(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    # More failures than the schedule has waits: a reader is given up by its lease, not by us.
    with Reader(status=lambda n: (500, 503, 500, 429, 204, 410)[n]) as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: subscriptions(newsroom), "a subscription")
            newsroom.article("The bridge, one", relay=False)
            await until(lambda: len(reader.got) >= 5, "four failures and a success")
            newsroom.article("The bridge, two", relay=False)
            await until(lambda: not subscriptions(newsroom), "the end by 410")
        assert [push.titles for push in reader.got] == [["The bridge, one"]] * 5 + [["The bridge, two"]]


async def test_a_lease_that_is_not_renewed_ends(api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: settled(newsroom) and subscriptions(newsroom), "a subscription")
            newsroom.conn.execute("UPDATE feed_readers SET expires_at = now()")
            wake(newsroom)
            await until(lambda: not subscriptions(newsroom), "the end")
            newsroom.article("The bridge", relay=False)
        assert reader.got == []


async def test_what_a_dead_replica_held_is_pushed_by_another_when_its_lease_ends(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: settled(newsroom) and subscriptions(newsroom), "a subscription")
        newsroom.article("The bridge", relay=False)
        # As a replica leaves it that was killed: leased, nothing recorded.
        newsroom.conn.execute("UPDATE feed_readers SET lease_until = now() + interval '1 hour', lease_token = 7")
        with Reader() as witness:
            async with delivering(settings), delivering(settings):
                await ask(api, witness, search)
                await until(lambda: subscriptions(newsroom) == 2, "another subscription")
                newsroom.article("The bridge again", relay=False)
                await until(lambda: witness.got, "the other's push")
                assert reader.got == []
                newsroom.conn.execute("UPDATE feed_readers SET lease_until = NULL WHERE lease_token = 7")
                wake(newsroom)
                await until(lambda: len(reader.titles) >= 2, "both articles")
            assert witness.titles == ["The bridge again"]
        assert reader.titles == ["The bridge", "The bridge again"]


async def test_what_the_log_no_longer_has_is_made_good_by_the_newest(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: settled(newsroom) and subscriptions(newsroom), "a subscription")
        for n in range(4):
            newsroom.article(f"The bridge, part {n}", relay=False)
        newsroom.conn.execute("DELETE FROM events WHERE position <= 2")
        async with delivering(settings):
            await until(lambda: len(reader.got) >= 2, "the newest, and what the log still has")
        assert set(reader.titles) == {f"The bridge, part {n}" for n in range(4)}


async def test_a_forgotten_search_is_pushed_no_more(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search)
            await until(lambda: subscriptions(newsroom), "a subscription")
            at = f"/v1/searches/{search['id']}"
            told = (await api.get(at)).json()
            assert (told["readers"], told["readers_failing"]) == (1, 0)
            newsroom.conn.execute("UPDATE feed_readers SET failures = 3")
            assert (await api.get(at)).json()["readers_failing"] == 1
            assert (await api.delete(at)).status_code == 204
            assert subscriptions(newsroom) == 0


async def test_a_process_killed_while_it_pushes_loses_nothing_and_doubles_what_was_not_recorded_alone(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    killed = threading.Event()

    def status(n: int) -> int:
        if n == 1:
            killed.wait(60)  # the second push is read, and its answer meets nobody
        return 204

    with Reader(status=status) as reader:
        process = start(settings.database_url, WIREDESK_ALLOW_PRIVATE="127.0.0.1")
        try:
            await ask(api, reader, search)
            await until(lambda: settled(newsroom) and subscriptions(newsroom), "a subscription")
            newsroom.article("The bridge, recorded", relay=False)
            await until(lambda: position(newsroom) == 1, "the record of the first push")
            newsroom.article("The bridge, not recorded", relay=False)
            await until(lambda: reader.pushes == 2, "the second push")
        finally:
            process.kill()
            process.communicate()
            killed.set()
        newsroom.article("The bridge, afterwards", relay=False)
        newsroom.conn.execute("UPDATE feed_readers SET lease_until = now()")
        async with delivering(settings):
            await until(lambda: position(newsroom) == 3, "the record of everything")
        once, again, after = "The bridge, recorded", "The bridge, not recorded", "The bridge, afterwards"
        assert reader.titles == [once, again, again, after]


@pytest.mark.parametrize("form", ["rss", "atom", "jsonfeed"])
async def test_another_deployments_ingest_finds_the_hub_and_reads_what_it_pushes(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, form: str
) -> None:
    search = await kept(api, q="bridge")
    topic = f"http://localhost/v1/searches/{search['id']}.{form}"
    with Reader() as reader:
        async with delivering(settings):
            await ask(api, reader, search, form=form, secret="s3cret")
            await until(lambda: subscriptions(newsroom), "a subscription")
            newsroom.article("The bridge & the ferry")
            await until(lambda: reader.got, "a push")
    (push,) = reader.got
    served = await api.get(topic)
    for headers, body in ((dict(served.headers), served.content), (push.headers, push.body)):
        feed = parse(body, Job(1, topic, headers["content-type"], datetime.now(UTC)))
        assert [item.title for item in feed.items] == ["The bridge & the ferry"]
        for told in (headers, {}):  # in the header, and in the feed
            assert hub_and_topic(told, feed, topic) == ("http://localhost/v1/hub", topic)
    assert is_signed(push.headers["x-hub-signature"], "s3cret", push.body)


GOOD = {
    "hub.mode": "subscribe",
    "hub.topic": "http://localhost/v1/searches/1.rss",
    "hub.callback": "http://127.0.0.1:9/x",
}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"hub.mode": "publish"}, "body.hub.mode"),
        ({"hub.mode": ""}, "body.hub.mode"),
        ({"hub.topic": "http://elsewhere.example/v1/searches/1.rss"}, "body.hub.topic"),
        ({"hub.topic": "http://localhost/v1/searches/1.rss?limit=2"}, "body.hub.topic"),
        ({"hub.topic": "http://localhost/v1/searches/99.rss"}, "body.hub.topic"),
        ({"hub.callback": "ftp://reader.example/"}, "body.hub.callback"),
        ({"hub.callback": "http://10.0.0.1/"}, "body.hub.callback"),
        ({"hub.secret": "ü" * 101}, "body.hub.secret"),
        ({"hub.lease_seconds": "soon"}, "body.hub.lease_seconds"),
        ({"hub.secret": "a\0b"}, "body.hub.secret"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_place(
    api: httpx.AsyncClient, newsroom: Newsroom, change: dict[str, str], where: str
) -> None:
    await kept(api, q="bridge")
    answer = await api.post("/v1/hub", data=GOOD | change)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, where)
    assert settled(newsroom)


async def test_what_a_hub_does_not_know_it_ignores_and_the_last_word_counts(
    api: httpx.AsyncClient, newsroom: Newsroom
) -> None:
    await kept(api, q="bridge")
    assert (await api.post("/v1/hub", data=GOOD | {"hub.more": "x"})).status_code == 202
    assert (await api.post("/v1/hub", data=GOOD | {"hub.mode": "unsubscribe"})).status_code == 202
    assert newsroom.conn.execute("SELECT mode FROM feed_reader_requests").fetchall() == [("unsubscribe",)]
    assert (await api.post("/v1/hub", json=GOOD)).status_code == 415


async def test_a_callback_that_resolves_to_a_private_address_is_never_connected_to(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    search = await kept(api, q="bridge")
    with Reader() as reader:
        await ask(api, reader, search)  # the API lets it through, this deliver process does not
        async with delivering(settings.model_copy(update={"allow_private": ()})):
            await until(lambda: settled(newsroom), "the request settled")
        assert (reader.asked, subscriptions(newsroom)) == ([], 0)
