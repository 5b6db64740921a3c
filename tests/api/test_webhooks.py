"""Webhooks from the API to the receiver's socket: real rows, real deliveries, every one verified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.api.app import create_app
from services.api.deliver import Deliverer
from services.api.deps import open_resources
from shared import log
from shared.addresses import Allowances
from shared.db import open_async_pool
from shared.http import open_client
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.api.receiving import Delivered, Receiver

CORRECTED = "wiredesk.article.corrected.v1"


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"allow_private": "127.0.0.0/8", "webhook_backoff_s": "0.05,0.05"}
    return Settings(database_url=database_url, redis_url=redis_url, home=tmp_path, port=0, **given)


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[Deliverer]:
    """One deliver process's work, in this loop."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_async_pool(settings.database_url, "deliver", size=8))
        client = await stack.enter_async_context(open_client(Allowances.of(settings.allow_private)))
        async with pool.connection() as conn:
            deployment = await log.deployment_async(conn)
        deliverer = Deliverer(settings, pool, client, deployment)
        running = asyncio.create_task(deliverer.run())
        try:
            yield deliverer
        finally:
            deliverer.stop()
            await running


async def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that other tasks and threads bring about."""
    for _ in range(1500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never: {what}")


async def subscribe(api: httpx.AsyncClient, receiver: Receiver, **more: Any) -> dict[str, Any]:
    answer = await api.post("/v1/webhooks", json={"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    receiver.secret = made["secret"]
    return made


async def get(api: httpx.AsyncClient, made: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await api.get(f"/v1/webhooks/{made['id']}")).json()
    return told


async def attempts(api: httpx.AsyncClient, made: dict[str, Any]) -> list[dict[str, Any]]:
    told = (await api.get(f"/v1/webhooks/{made['id']}/deliveries")).json()
    items: list[dict[str, Any]] = told["items"]
    return items[::-1]


async def status(api: httpx.AsyncClient, made: dict[str, Any], wanted: str) -> dict[str, Any]:
    for _ in range(500):
        told = await get(api, made)
        if told["status"] == wanted:
            return told
        await asyncio.sleep(0.02)
    raise AssertionError(f"never {wanted}: {told}")


async def test_events_after_the_subscription_come_signed_in_order_and_once(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    newsroom.article("Before anybody listened")
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        assert made["status"] == "active" and made["secret"].startswith("whsec_")
        async with delivering(settings):
            for n in range(25):
                newsroom.article(f"Article {n}", relay=False)
            await until(lambda: len(receiver.got) >= 25, "25 deliveries")
        assert receiver.positions == list(range(2, 27))
        assert receiver.unverified == []
        assert len({d.id for d in receiver.got}) == 25
        assert {d.type for d in receiver.got} == {"application/cloudevents+json"}
        first = (await api.get("/v1/events?after=1&limit=1")).json()["items"][0]
        assert receiver.got[0].body == first
        assert (await get(api, made))["position"] == 26
        assert "secret" not in await get(api, made)
        logged = await attempts(api, made)
        assert [a["position"] for a in logged] == list(range(2, 27))
        assert {(a["attempt"], a["status_code"]) for a in logged} == {(1, 204)}
        assert [a["webhook_id"] for a in logged] == [d.id for d in receiver.got]


async def test_a_position_to_begin_after_filters_and_whole_articles_are_kept(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    newsroom.article("Uno", lang="es", body="Un texto entero.")
    newsroom.article("Two", lang="en")
    newsroom.article("Tres", lang="es", source="otra.example")
    newsroom.article("Cuatro puentes", lang="es", body="El puente")
    filters = {"lang": ["es", "pt"], "source": "wire.example", "type": "wiredesk.article.enriched.v1"}
    with Receiver() as receiver:
        made = await subscribe(api, receiver, after=0, filters=filters, include="full")
        async with delivering(settings):
            await until(lambda: len(receiver.got) >= 2, "two deliveries")
            newsroom.article("Cinco", lang="es", relay=False)
            await until(lambda: len(receiver.got) >= 3, "the third")
        assert receiver.positions == [1, 4, 5]
        assert receiver.got[0].body["data"]["body_text"] == "Un texto entero."
        assert (await get(api, made))["filters"] == filters


async def test_a_failure_is_tried_again_under_the_same_id_and_nothing_overtakes_it(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    def answer(came: Delivered) -> tuple[int, dict[str, str]]:
        tries = sum(d.positions == came.positions for d in receiver.got)
        return (503, {}) if came.positions == [2] and tries < 2 else (200, {})

    with Receiver(answer) as receiver:
        made = await subscribe(api, receiver)
        for n in range(3):
            newsroom.article(f"Article {n}", relay=False)
        async with delivering(settings):
            await until(lambda: len(receiver.got) >= 5, "five attempts")
        assert receiver.positions == [1, 2, 2, 2, 3]
        assert len({d.id for d in receiver.got if d.positions == [2]}) == 1
        assert receiver.unverified == []
        logged = await attempts(api, made)
        assert [(a["position"], a["attempt"], a["status_code"]) for a in logged] == [
            (1, 1, 200),
            (2, 1, 503),
            (2, 2, 503),
            (2, 3, 200),
            (3, 1, 200),
        ]
        assert logged[1]["error"] == {"code": "not_taken", "message": "HTTP 503"}
        assert (await get(api, made))["failures"] == 0


async def test_an_exhausted_schedule_pauses_with_the_reason_and_activating_goes_on_from_there(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    broken = True
    with Receiver(lambda _: (500, {}) if broken else (200, {})) as receiver:
        made = await subscribe(api, receiver)
        async with delivering(settings):
            newsroom.article("One", relay=False)
            newsroom.article("Two", relay=False)
            told = await status(api, made, "paused")
            assert told["status_reason"] == "paused after 3 attempts that failed; the last: HTTP 500"
            assert receiver.positions == [1, 1, 1]
            broken = False
            changed = await api.patch(f"/v1/webhooks/{made['id']}", json={"status": "active"})
            assert (changed.json()["status"], changed.json()["status_reason"]) == ("active", None)
            await until(lambda: len(receiver.got) >= 5, "both articles")
        assert receiver.positions == [1, 1, 1, 1, 2]
        assert len({d.id for d in receiver.got if d.positions == [1]}) == 1


async def test_gone_disables(api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings) -> None:
    with Receiver(lambda _: (410, {})) as receiver:
        made = await subscribe(api, receiver)
        async with delivering(settings):
            newsroom.article("One", relay=False)
            newsroom.article("Two", relay=False)
            told = await status(api, made, "disabled")
        assert told["status_reason"] == "the receiver answered 410 Gone"
        assert receiver.positions == [1]


async def test_a_paused_subscription_gets_nothing_until_it_is_active(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as paused, Receiver() as other:
        made = await subscribe(api, paused)
        told = (await api.patch(f"/v1/webhooks/{made['id']}", json={"status": "paused"})).json()
        assert (told["status"], told["status_reason"]) == ("paused", "paused by the operator")
        await subscribe(api, other)
        async with delivering(settings):
            newsroom.article("One", relay=False)
            await until(lambda: other.got, "the other's delivery")
            assert paused.got == []
            await api.patch(f"/v1/webhooks/{made['id']}", json={"status": "active"})
            await until(lambda: paused.got, "its delivery")
        assert paused.positions == other.positions == [1]


async def test_a_batch_is_one_list_and_stays_as_it_is_while_it_is_tried_again(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    def answer(came: Delivered) -> tuple[int, dict[str, str]]:
        if not receiver.got:
            newsroom.article("Came while the first batch was under way", relay=False)
            return 500, {}
        return 200, {}

    with Receiver(answer) as receiver:
        made = await subscribe(api, receiver, batch=4)
        for n in range(3):
            newsroom.article(f"Article {n}", relay=False)
        async with delivering(settings):
            await until(lambda: len(receiver.got) >= 3, "three requests")
        assert [d.positions for d in receiver.got] == [[1, 2, 3], [1, 2, 3], [4]]
        assert receiver.got[0].id == receiver.got[1].id
        assert {d.type for d in receiver.got} == {"application/cloudevents-batch+json"}
        assert receiver.unverified == []
        assert (await get(api, made))["batch"] == 4


async def test_several_replicas_share_the_subscriptions_without_doubling_or_overtaking(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    async with AsyncExitStack() as stack:
        receivers = [stack.enter_context(Receiver()) for _ in range(6)]
        for receiver in receivers:
            await subscribe(api, receiver)
        for _ in range(3):
            await stack.enter_async_context(delivering(settings))
        for n in range(30):
            newsroom.article(f"Article {n}", relay=False)
            await asyncio.sleep(0)
        await until(lambda: all(len(r.got) >= 30 for r in receivers), "all deliveries")
        for receiver in receivers:
            assert receiver.positions == list(range(1, 31))
            assert receiver.unverified == []


async def test_what_a_dead_replica_held_is_taken_over_when_its_lease_ends(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        newsroom.article("One", relay=False)
        # As a replica leaves it that was killed: leased, nothing recorded.
        newsroom.conn.execute("UPDATE webhooks SET lease_until = now() + interval '1 hour', lease_token = 7")
        async with delivering(settings):
            other = await subscribe(api, receiver)
            newsroom.article("Two", relay=False)
            await until(lambda: receiver.got, "the other subscription's delivery")
            assert (await get(api, made))["position"] == 0
            assert (await get(api, other))["id"] != made["id"]
            receiver.got.clear()
            receiver.secret = made["secret"]
            newsroom.conn.execute("UPDATE webhooks SET lease_until = now() WHERE id = %s", (made["id"],))
            newsroom.conn.execute("SELECT pg_notify('wiredesk_webhooks', '')")
            await until(lambda: len(receiver.got) >= 2, "both events")
        assert receiver.positions == [1, 2]
        assert receiver.unverified == []


async def test_events_no_longer_retained_are_told_of_never_skipped_silently(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as receiver:
        await subscribe(api, receiver)
        for n in range(4):
            newsroom.article(f"Article {n}", relay=False)
        newsroom.conn.execute("DELETE FROM events WHERE position <= 2")
        async with delivering(settings):
            await until(lambda: len(receiver.got) >= 3, "the notice and two events")
        notice, *events = receiver.got
        assert notice.body == {
            "type": "wiredesk.stream.reset",
            "oldest": 3,
            "latest": 4,
            "catch_up": "/v1/articles?since=0",
        }
        assert [d.positions for d in events] == [[3], [4]]
        assert receiver.unverified == []


async def test_a_replay_sends_a_stretch_again_under_the_ids_it_had(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        path = f"/v1/webhooks/{made['id']}/replay"
        for n in range(5):
            newsroom.article(f"Article {n}", relay=False)
        async with delivering(settings):
            await until(lambda: len(receiver.got) >= 5, "five deliveries")
            answer = await api.post(path, json={"after": 1, "until": 3})
            assert (answer.status_code, answer.json()) == (202, {"after": 1, "until": 3})
            await until(lambda: len(receiver.got) >= 7, "the replay")
            newsroom.article("Later", relay=False)
            await until(lambda: len(receiver.got) >= 8, "the next event")
            assert receiver.positions == [1, 2, 3, 4, 5, 2, 3, 6]
            by_position: dict[int, set[str]] = {}
            for came in receiver.got:
                by_position.setdefault(came.positions[0], set()).add(came.id)
            assert {len(ids) for ids in by_position.values()} == {1}
            while (await get(api, made))["position"] < 6:  # it has come, but may not be written down yet
                await asyncio.sleep(0.02)
            # By time: articles are told a minute apart, the first at 8:01.
            at = datetime(2026, 3, 1, 8, 4, 30, tzinfo=UTC)
            answer = await api.post(path, json={"after": at.isoformat()})
            assert answer.json() == {"after": 4, "until": 6}
            await until(lambda: len(receiver.got) >= 10, "the second replay")
            assert receiver.positions[8:] == [5, 6]
        assert (await api.post(path, json={"after": 6})).json()["errors"][0]["where"] == "body.after"
        assert (await api.post(path, json={"after": 1, "until": 9})).json()["errors"][0]["where"] == "body.until"
        assert (await api.post(path, json={"after": -1})).status_code == 422
        assert (await get(api, made))["replays"] == 0


async def test_a_rotated_secret_signs_beside_the_new_one(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        told = (await api.post(f"/v1/webhooks/{made['id']}/rotate")).json()
        assert told["secret"] != made["secret"]
        async with delivering(settings):
            newsroom.article("One", relay=False)  # verified with the old secret
            await until(lambda: receiver.got, "one delivery")
            receiver.secret = told["secret"]
            newsroom.article("Two", relay=False)
            await until(lambda: len(receiver.got) >= 2, "two deliveries")
        assert receiver.unverified == []
        assert [d.signatures for d in receiver.got] == [2, 2]
        old_until = datetime.fromisoformat(told["old_until"])
        assert old_until - datetime.now(UTC) > timedelta(hours=23)


async def test_a_ping_is_sent_at_once_and_its_outcome_told(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    answers = [200, 500]
    with Receiver(lambda _: (answers[len(receiver.got)], {})) as receiver:
        made = await subscribe(api, receiver)
        path = f"/v1/webhooks/{made['id']}/test"
        async with delivering(settings):
            taken = (await api.post(path)).json()
            refused = (await api.post(path)).json()
        assert (taken["status_code"], taken["position"], "error" in taken) == (200, None, False)
        assert (refused["status_code"], refused["error"]["code"]) == (500, "not_taken")
        assert [d.body["type"] for d in receiver.got] == ["wiredesk.webhook.ping"] * 2
        assert receiver.unverified == []
        assert (await get(api, made))["status"] == "active"


async def test_a_private_address_is_refused_when_named_and_when_resolved_to(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    closed = settings.model_copy(update={"allow_private": ()})
    async with open_resources(closed) as held:
        transport = httpx.ASGITransport(create_app(closed, held))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as strict:
            for url in (
                "http://10.0.0.1/",
                "http://127.0.0.1/",
                "http://[::1]/",
                "ftp://a.example/",
                "http://0x7f.1/",
                "x",
            ):
                answer = await strict.post("/v1/webhooks", json={"url": url})
                assert (answer.status_code, answer.json()["code"]) == (422, "address_refused"), url
    with Receiver() as receiver:
        made = await subscribe(api, receiver)  # let through when it was made, no longer when it is delivered to
        newsroom.article("One", relay=False)
        async with delivering(closed):
            told = await status(api, made, "paused")
        assert receiver.got == []
        assert "private" in told["status_reason"]
        assert {a["error"]["code"] for a in await attempts(api, made)} == {"address_refused"}


async def test_a_changed_subscription_takes_effect_from_the_next_event_on(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings
) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        async with delivering(settings):
            newsroom.article("One", relay=False)
            await until(lambda: receiver.got, "the first")
            told = await api.patch(
                f"/v1/webhooks/{made['id']}", json={"filters": {"lang": "es"}, "url": receiver.url + "/2"}
            )
            assert told.json()["url"].endswith("/hook/2")
            newsroom.article("Two", relay=False)
            newsroom.article("Tres", lang="es", relay=False)
            await until(lambda: len(receiver.got) >= 2, "the Spanish one")
        assert [(d.path, d.positions) for d in receiver.got] == [("/hook", [1]), ("/hook/2", [3])]


async def test_a_deleted_subscription_is_gone_with_its_log(api: httpx.AsyncClient, newsroom: Newsroom) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        other = await subscribe(api, receiver)
        assert [w["id"] for w in (await api.get("/v1/webhooks")).json()["items"]] == [made["id"], other["id"]]
        assert (await api.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
        assert (await api.delete(f"/v1/webhooks/{made['id']}")).status_code == 404
        assert (await api.get(f"/v1/webhooks/{made['id']}/deliveries")).status_code == 404
        assert [w["id"] for w in (await api.get("/v1/webhooks")).json()["items"]] == [other["id"]]


@pytest.mark.parametrize(
    ("body", "status_code", "code", "where"),
    [
        ({}, 422, "bad_body", "body.url"),
        ({"url": "http://127.0.0.1/", "filters": {"lnag": "en"}}, 422, "bad_body", "body.filters.lnag"),
        ({"url": "http://127.0.0.1/", "filters": {"lang": "english!"}}, 422, "bad_body", "body.filters.lang"),
        ({"url": "http://127.0.0.1/", "filters": {"type": "nonsense"}}, 422, "bad_body", "body.filters.type"),
        ({"url": "http://127.0.0.1/", "filters": {"after": 3}}, 422, "bad_body", "body.filters.after"),
        ({"url": "http://127.0.0.1/", "filters": {"lang": {"a": 1}}}, 422, "bad_body", "body.filters.lang"),
        ({"url": "http://127.0.0.1/", "include": "half"}, 422, "bad_body", "body.include"),
        ({"url": "http://127.0.0.1/", "batch": 0}, 422, "bad_body", "body.batch"),
        ({"url": "http://127.0.0.1/", "after": -1}, 422, "bad_body", "body.after"),
        ({"url": "http://127.0.0.1/", "after": 99}, 409, "position_ahead", None),
        ({"url": "http://127.0.0.1/", "after": 0}, 410, "position_gone", None),
    ],
)
async def test_what_cannot_be_is_refused_with_the_place(
    api: httpx.AsyncClient, newsroom: Newsroom, body: dict[str, Any], status_code: int, code: str, where: str | None
) -> None:
    for n in range(3):
        newsroom.article(f"Article {n}", relay=False)
    newsroom.conn.execute("DELETE FROM events WHERE position <= 2")
    answer = await api.post("/v1/webhooks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status_code, code), answer.text
    if where is not None:
        assert where in [e["where"] for e in answer.json()["errors"]]
    assert (await api.get("/v1/webhooks")).json()["items"] == []


async def test_only_so_many_attempts_are_kept(api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings) -> None:
    with Receiver() as receiver:
        made = await subscribe(api, receiver)
        newsroom.conn.execute(
            "INSERT INTO webhook_attempts (webhook_id, message_id, attempt, at, took_ms)"
            " SELECT %s, 'old', 1, now(), 1 FROM generate_series(1, 1500)",
            (made["id"],),
        )
        async with delivering(settings):
            newsroom.article("One", relay=False)
            await until(lambda: receiver.got, "one delivery")
            count = 0
            for _ in range(500):
                ((count,),) = newsroom.conn.execute("SELECT count(*) FROM webhook_attempts").fetchall()
                if count == 1000:
                    break
                await asyncio.sleep(0.02)
        assert count == 1000
        page = (await api.get(f"/v1/webhooks/{made['id']}/deliveries?limit=3")).json()
        assert page["items"][0]["position"] == 1
        second = (await api.get(page["next"])).json()
        assert [i["webhook_id"] for i in second["items"]] == ["old"] * 3
