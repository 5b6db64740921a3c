"""Every item of every poll ends in exactly one outcome, and they are added up per feed."""

from __future__ import annotations

from services.ingest.items import MAX_ITEMS
from services.ingest.outcomes import ITEM_OUTCOMES
from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss


async def test_each_item_has_one_outcome_and_the_counts_add_up_to_the_entries(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    first = [item(n, pubDate="") for n in range(4)]
    other = item(9, guid="other", link="https://news.example/articles/elsewhere", pubDate="")
    publisher.serve("/other", rss([other]))
    await desk.first_poll(await desk.subscribe(publisher.url("/other")))
    publisher.serve("/feed", rss(first))
    feed = await desk.subscribe(publisher.url("/feed"))
    polls = [await desk.first_poll(feed)]
    corrected = item(0, title="Ministers resign after the vote", pubDate="")
    mixed = [corrected, first[1], first[2], first[1], other, {"author": "nobody"}, item(7, pubDate="")]
    publisher.serve("/feed", rss(mixed))
    polls.append(await desk.poll_and_wait(feed))
    assert polls[1]["counts"] == {
        "new": 1,
        "corrected": 1,
        "unchanged": 2,
        "duplicate": 2,  # twice in the body, and known from another feed
        "refused": 1,
        "capped": 0,
    }
    polls.append(await desk.poll_and_wait(feed))  # the same body
    more = [item(1_000 + n, pubDate="") for n in range(MAX_ITEMS + 2)]
    publisher.serve("/feed", rss([*mixed, *more]))
    polls.append(await desk.poll_and_wait(feed))
    assert (polls[3]["counts"]["capped"], polls[3]["entries"]) == (3, len(mixed) + len(more))
    publisher.serve("/feed", "no feed at all", status=500)
    polls.append(await desk.poll_and_wait(feed))
    for poll in polls:
        assert tuple(sorted(poll["counts"])) == tuple(sorted(ITEM_OUTCOMES))
        assert sum(poll["counts"].values()) == poll["entries"]
    state = await desk.state(feed)
    for code in ITEM_OUTCOMES:
        assert state[f"{code}_total"] == sum(poll["counts"][code] for poll in polls)
    assert state["source_id"] == "news.example"
