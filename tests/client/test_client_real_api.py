"""The client and the command line against the real API: what one sends, the other understands."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from wiredesk import ApiError, AsyncWiredesk, MemoryState, NotFound, TryLater

from tests.api.conftest import Newsroom, held, newsroom, served, settings  # noqa: F401 - fixtures

OPML = b"""<?xml version="1.0"?><opml version="2.0"><body><outline text="Europe">
<outline type="rss" text="A" xmlUrl="https://a.example/rss"/><outline type="rss" text="B" xmlUrl="https://b.example/rss"/>
</outline></body></opml>"""


@pytest.fixture
def url(served: httpx.AsyncClient) -> str:  # noqa: F811
    return str(served.base_url)


async def command(url: str, *arguments: str) -> tuple[int, Any, str]:
    """Run the command line beside the server; exit code, JSON answer, standard error."""
    line = [sys.executable, "-c", "from wiredesk.cli import main; main()", "--url", url, *arguments, "--json"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    done = await asyncio.to_thread(subprocess.run, line, capture_output=True, env=environment, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr.decode()


async def test_search_pages_one_article_and_its_trace(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    for n in range(7):
        newsroom.article(f"Harbour {n}", lang="es" if n % 2 else "en", body=f"Número {n} 🚢 in Lisbon")
    async with AsyncWiredesk(url) as desk:
        page = await desk.search("harbour", lang="es", limit=2)
        assert [a.title for a in page.items] == ["Harbour 5", "Harbour 3"]
        assert page.position == 7 and page.next
        assert [a.title async for a in desk.articles("harbour", lang="es")] == ["Harbour 5", "Harbour 3", "Harbour 1"]
        whole = await desk.article(4)
        assert whole.body_text == "Número 3 🚢 in Lisbon"
        (mention,) = whole.entities[0].mentions
        assert whole.body_text[mention.start : mention.end] == mention.text
        assert (await desk.trace(4)).model_dump()["items"][0]["step"] == "discovered"
        with pytest.raises(NotFound):
            await desk.article(99)
        with pytest.raises(ApiError) as refused:
            await desk.search(lang="nonsense!")
        assert refused.value.errors[0]["where"] == "query.lang"


async def test_a_list_and_what_follows_it_are_everything_once(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    newsroom.article("Before")
    async with AsyncWiredesk(url) as desk:
        page = await desk.search()
        newsroom.article("Between")
        state = MemoryState(page.position)
        seen = [a.id for a in page.items]
        async for event in desk.follow(resume=state):
            assert event.article is not None
            seen.append(event.article.id)
            if len(seen) == 2:
                newsroom.article("After")
            if len(seen) == 3:
                break
        assert seen == [1, 2, 3]
        pulled = await desk.events(0, limit=2)
        assert ([e.position for e in pulled.items], pulled.position) == ([1, 2], 2)
        with pytest.raises(TryLater) as ahead:
            await anext(aiter(desk.follow(after=99)))
        assert ahead.value.code == "position_ahead"


async def test_every_command_that_prints_data_understands_the_api(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    newsroom.article("Harbour bridge reopens")
    code, found, _ = await command(url, "search", "harbour")
    assert (code, found["items"][0]["title"]) == (0, "Harbour bridge reopens")
    code, feed, _ = await command(url, "feeds", "add", "https://wire.example/rss", "--tag", "europe")
    assert (code, feed["tags"]) == (0, ["europe"])
    code, home, _ = await command(
        url, "feeds", "add", "https://georgia.example/rss", "--country", "US", "--admin1", "GA"
    )
    assert code == 0, home
    assert home["source"] == {"country": "US", "admin1": "GA"}
    code, again, _ = await command(url, "feeds", "add", "https://wire.example/rss")
    assert (code, again["id"]) == (0, feed["id"])
    code, feeds, _ = await command(url, "feeds", "list")
    assert (code, [f["url"] for f in feeds]) == (0, ["https://wire.example/rss", "https://georgia.example/rss"])
    code, key, _ = await command(url, "keys", "create", "desk", "--scope", "read", "--scope", "write")
    assert (code, key["key"][:3]) == (0, "wd_")
    code, keys, _ = await command(url, "keys", "list")
    assert (code, keys[0]["scopes"]) == (0, ["read", "write"])
    code, hook, _ = await command(url, "webhooks", "add", "https://desk.example/hook", "--lang", "es", "--full")
    assert (code, hook["filters"], hook["include"]) == (0, {"lang": ["es"]}, "full")
    code, hooks, _ = await command(url, "webhooks", "list")
    assert (code, [h["id"] for h in hooks]) == (0, [hook["id"]])
    for arguments in (
        ["article", "1"],
        ["trace", "1"],
        ["queue"],
        ["workers"],
        ["webhooks", "deliveries", str(hook["id"])],
    ):
        code, told, error = await command(url, *arguments)
        assert (code, error) == (0, ""), arguments
        assert told is not None
    code, _, error = await command(url, "webhooks", "add", "http://10.0.0.1/")
    assert (code, "[address_refused]" in error) == (1, True)
    code, _, error = await command(url, "trace", "99")
    assert (code, "[not_found]" in error) == (3, True)


async def test_feeds_keys_and_webhooks_come_and_go(url: str) -> None:
    async with AsyncWiredesk(url) as desk:
        told = await desk.feeds.import_opml(OPML)
        assert (told.added, told.known, told.refused) == (2, 0, [])
        feeds = [f async for f in desk.feeds.list()]
        assert [(f.url, f.tags, f.state.status) for f in feeds] == [
            ("https://a.example/rss", ["Europe"], "new"),
            ("https://b.example/rss", ["Europe"], "new"),
        ]
        assert b"https://a.example/rss" in await desk.feeds.export_opml()
        assert (await desk.feeds.update(feeds[0].id, paused=True)).paused is True
        assert await desk.feeds.poll(feeds[1].id) is None  # asked for; no ingest runs here
        await desk.feeds.remove(feeds[1].id)
        assert [f.id async for f in desk.feeds.list()] == [feeds[0].id]
        key = await desk.keys.create("desk", ["read"])
        await desk.keys.revoke(key.id)
        assert [k async for k in desk.keys.list()] == []
        hook = await desk.webhooks.add("https://desk.example/hook", filters={"type": ["wiredesk.article.corrected.v1"]})
        assert (await desk.webhooks.rotate(hook.id)).secret != hook.secret
        assert (await desk.webhooks.update(hook.id, status="paused")).status == "paused"
        assert (await desk.webhooks.deliveries(hook.id)).items == []
        await desk.webhooks.remove(hook.id)
        assert [w async for w in desk.webhooks.list()] == []
        assert (await desk.ops.ready()).model_dump()["ready"] in (True, False)


async def test_a_search_is_looked_at_kept_read_and_forgotten(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    for n in range(3):
        newsroom.article(f"Harbour {n}", lang="es" if n % 2 else "en")
    async with AsyncWiredesk(url) as desk:
        assert len((await desk.searches.preview({"lang": "es"}, days=3)).model_dump()["days"]) == 3
        made = await desk.searches.add("Spanish", {"lang": "es"})
        assert made.feeds["rss"] == f"/v1/searches/{made.id}.rss"
        assert [a.title for a in (await desk.searches.found(made.id)).items] == ["Harbour 1"]
        changed = await desk.searches.update(made.id, filters={"lang": "en"})
        assert (changed.name, changed.filters) == ("Spanish", {"lang": "en"})
        page = await desk.searches.found(made.id, limit=1)
        assert ([a.title for a in page.items], page.next is not None) == (["Harbour 2"], True)
        assert [one.id async for one in desk.searches.list()] == [made.id]
        await desk.searches.remove(made.id)
        with pytest.raises(NotFound):
            await desk.searches.get(made.id)


async def test_a_search_is_looked_at_kept_listed_and_deleted_from_the_command_line(
    url: str,
    newsroom: Newsroom,  # noqa: F811
) -> None:
    newsroom.article("A bridge", published=datetime.now(UTC))
    wanted = ("--q", "bridge", "--lang", "en", "--lang", "pt")
    code, told, error = await command(url, "searches", "preview", *wanted, "--days", "2")
    assert (code, told["total"], [one["title"] for one in told["sample"]]) == (0, 1, ["A bridge"]), error
    code, made, error = await command(url, "searches", "add", "Bridges", *wanted)
    assert (code, made["filters"]) == (0, {"q": "bridge", "lang": ["en", "pt"]}), error
    assert (await command(url, "searches", "list"))[1] == [made]
    assert (await command(url, "searches", "show", str(made["id"])))[1] == made
    line = [sys.executable, "-c", "from wiredesk.cli import main; main()", "--url", url, "searches", "delete"]
    gone = await asyncio.to_thread(subprocess.run, [*line, str(made["id"])], capture_output=True, timeout=60)
    assert (gone.returncode, gone.stdout) == (0, b""), gone.stderr
    assert (await command(url, "searches", "show", str(made["id"])))[0] == 3
    assert (await command(url, "searches", "add", "Nothing"))[0] == 2


async def test_counts_entities_near_articles_and_versions_are_read_as_models(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    for n in range(3):
        newsroom.article(f"Harbour {n}", lang="en", body=f"Number {n} in Lisbon", published=datetime.now(UTC))
    async with AsyncWiredesk(url) as desk:
        facets = await desk.facets(["lang", "entity_type"], lang="en")
        counted = {f.field: [(v.value, v.count) for v in f.values] for f in facets.items}
        assert counted["lang"] == [("en", 3)]
        assert facets.exact and facets.total == 3
        series = await desk.timeseries("day", q="harbour")
        assert sum(bucket.count for bucket in series.items) == 3
        assert all(bucket.start < bucket.end for bucket in series.items)
        found = await desk.entities.find("lis")
        assert [entity.name for entity in found.items] == ["Lisbon"]
        lisbon = await desk.entities.get(found.items[0].id)
        assert lisbon.articles == 3
        assert sum(bucket.count for bucket in (await desk.entities.timeline(lisbon.id, "week")).items) == 3
        assert (await desk.entities.related(lisbon.id)).items == []
        near = await desk.similar(1)
        assert {article.id for article in near.items} <= {2, 3}
        assert [version.version for version in (await desk.versions(1)).items] == [1]
        with pytest.raises(NotFound):
            await desk.entities.get("person:nobody")


async def test_a_stretch_of_the_past_is_printed_again_or_sent_again(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    for n in range(6):
        newsroom.article(f"Harbour {n}", lang="es" if n % 2 else "en")

    async def replayed(*arguments: str) -> list[int]:
        line = [
            sys.executable,
            "-c",
            "from wiredesk.cli import main; main()",
            "--url",
            url,
            "replay",
            *arguments,
            "--json",
        ]
        done = await asyncio.to_thread(subprocess.run, line, capture_output=True, timeout=60, check=True)
        return [int(json.loads(told)["id"]) for told in done.stdout.splitlines()]

    assert await replayed("--after", "2") == [3, 4, 5, 6]
    assert await replayed("--after", "0", "--until", "3") == [1, 2, 3]
    assert await replayed("--after", "0", "--until", "5", "--lang", "es") == [2, 4]
    assert await replayed("--after", "6") == []
    code, hook, _ = await command(url, "webhooks", "add", "https://desk.example/hook")
    hook_id = str(hook["id"])
    code, told, _ = await command(url, "replay", "--after", "1", "--until", "4", "--webhook", hook_id)
    assert (code, told) == (0, {"after": 1, "until": 4})
    assert (await command(url, "replay", "--after", "1", "--webhook", hook_id, "--lang", "es"))[0] == 2
    assert (await command(url, "webhooks", "pause", hook_id))[1]["status"] == "paused"
    assert (await command(url, "webhooks", "resume", hook_id))[1]["status"] == "active"
    assert (await command(url, "webhooks", "rotate", hook_id))[1]["secret"] != hook["secret"]
