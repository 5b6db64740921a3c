"""Feed lists as people write them: every list of two collections has its stated outcome."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from services.api.feeds import opml
from services.api.schemas import OpmlAnswer
from shared.errors import Unreadable

LISTS = Path(__file__).parents[3] / "shared/data/feedlists"
needs_lists = pytest.mark.skipif(not LISTS.is_dir(), reason="the feed lists are not beside the checkout")
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
FEED = re.compile(rb"xmlurl\s*=\s*[\"']\s*[^\"'\s]", re.IGNORECASE)
AS_OPML = {"Content-Type": "text/x-opml"}
DAMAGED = """<?xml version="1.0"?><opml version="1.0"><head><title>mine</title></head><body>
<outline text="News & more">
  <outline text="Q&A" description="Fast & <br>loose, "quoted"" xmlUrl="https://a.example/rss?a=1&b=2" type="rss" />
  <outline text='Caf&eacute;' xmlUrl='https://b.example/rss'></outline>
</outline>
<outline text="Top" xmlUrl="https://c.example/rss" category="/World/Europe,ferries"/>
<outline text="Others" type="include" url="https://d.example/more.opml"/>
</body>"""


@needs_lists
@pytest.mark.parametrize("collection", ["awesome-rss-feeds", "listparser-opml"])
def test_every_list_gives_all_its_feeds_or_a_reason(collection: str) -> None:
    wrong: list[str] = []
    read = 0
    for path in sorted((LISTS / collection).rglob("*")):
        if path.suffix not in (".xml", ".opml"):
            continue
        body = path.read_bytes()
        stated = len(FEED.findall(COMMENT.sub(b"", body)))
        try:
            found = [outline for outline in opml.read(body) if not outline.included]
        except Unreadable as error:
            assert error.message
            stated_refused = stated == 0 or path.parent.name in ("rdf", "yandex", "opportunities")
            wrong += [] if stated_refused else [f"{path.name}: {error.message}"]
            continue
        read += 1
        if len(found) != stated:
            wrong.append(f"{path.name}: {len(found)}, not {stated}")
    assert wrong == []
    assert read > 60


async def test_a_damaged_list_comes_in_whole_with_its_folders_and_categories(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/feeds.opml", content=DAMAGED, headers=AS_OPML)
    told = OpmlAnswer.model_validate(answer.json())
    assert (answer.status_code, told.added, told.known) == (200, 3, 0)
    assert [(r.url, "not fetched" in r.message) for r in told.refused] == [("https://d.example/more.opml", True)]
    feeds = {feed["url"]: feed for feed in (await api.get("/v1/feeds")).json()["items"]}
    assert {url: feed["tags"] for url, feed in feeds.items()} == {
        "https://a.example/rss?a=1&b=2": ["News & more"],
        "https://b.example/rss": ["News & more"],
        "https://c.example/rss": ["World/Europe", "ferries"],
    }
    assert (feeds["https://a.example/rss?a=1&b=2"]["title"], feeds["https://b.example/rss"]["title"]) == ("Q&A", "Café")
    out = await api.get("/v1/feeds.opml")
    again = OpmlAnswer.model_validate((await api.post("/v1/feeds.opml", content=out.content, headers=AS_OPML)).json())
    assert (again.added, again.known, again.refused) == (0, 4, [])  # one of them stands in two folders


def test_a_hostile_list_is_read_in_bounded_steps() -> None:
    for piece in ('<outline a="', "<outline ", "<outline><", '" a="b" c ', "</outline>"):
        try:
            opml.read(f"<opml><body>{piece * (400_000 // len(piece))}".encode())
        except Unreadable as error:
            assert "well-formed" in error.message
