"""Signatures and verdicts: pure answers, held against the official Standard Webhooks package."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.api.webhooks.signing import Secret, headers, message_id, new_secret, still_signing
from services.api.webhooks.verdict import GO_ON, Answered, judge
from shared.settings import STANDARD_WEBHOOKS_BACKOFF_S

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@given(body=st.binary(max_size=200).map(lambda raw: base64.b64encode(raw)), random=st.binary(min_size=24, max_size=64))
def test_the_official_package_verifies_what_is_signed(body: bytes, random: bytes) -> None:
    secret = new_secret(random)
    now = datetime.now(UTC)  # the official package looks at the clock
    signed = headers("msg_1", body, [Secret(secret)], now)
    made = Webhook(secret).sign("msg_1", now, body.decode())
    assert signed["webhook-signature"] == made
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", signed)


def test_both_secrets_sign_while_they_overlap() -> None:
    old, new = (new_secret(bytes([n]) * 32) for n in (1, 2))
    held = [Secret(new), Secret(old, NOW + timedelta(days=1))]
    signed = headers("m", b"{}", still_signing(held, NOW), NOW)
    assert len(signed["webhook-signature"].split()) == 2
    later = NOW + timedelta(days=1)
    assert still_signing(held, later) == [Secret(new)]


def test_the_same_events_have_the_same_id_and_others_another() -> None:
    assert message_id("d", 7, 41, 41) == "msg_d_7_41"
    assert message_id("d", 7, 41, 44) == "msg_d_7_41-44"
    assert "." not in message_id("d", 7, 41, 44)  # the dot parts id, time and body in what is signed


def failed(status: int | None, retry_after: str | None = None) -> Answered:
    error = {"code": "timeout", "message": "no whole answer within 20 s"} if status is None else None
    return Answered(status, 5, retry_after, error)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_yes(status: int) -> None:
    assert judge(failed(status), 1, (5,), NOW) == GO_ON


@pytest.mark.parametrize("status", [None, 199, 300, 301, 307, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again_on_the_schedule_then_paused_with_the_reason(status: int | None) -> None:
    schedule = STANDARD_WEBHOOKS_BACKOFF_S
    for attempt, wait_s in enumerate(schedule, 1):
        verdict = judge(failed(status), attempt, schedule, NOW)
        assert (verdict.kind, verdict.next_attempt_at) == ("retry", NOW + timedelta(seconds=wait_s))
    assert timedelta(seconds=sum(schedule)) > timedelta(days=2)
    last = judge(failed(status), len(schedule) + 1, schedule, NOW)
    assert last.kind == "pause"
    assert last.reason is not None and "10 attempts" in last.reason
    assert (f"HTTP {status}" if status else "no whole answer") in last.reason


def test_gone_disables_at_once() -> None:
    assert judge(failed(410), 1, (5, 300), NOW).kind == "disable"


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [("120", 120), ("1", 5), ("Sun, 01 Mar 2026 12:10:00 GMT", 600), ("soon", 5), ("999999999", 86400), ("-4", 5)],
)
def test_a_receiver_may_ask_for_more_time_than_the_schedule_gives_within_a_day(asked: str, wait_s: float) -> None:
    verdict = judge(failed(503, asked), 1, (5,), NOW)
    assert verdict.next_attempt_at == NOW + timedelta(seconds=wait_s)


def test_without_a_schedule_the_first_failure_pauses() -> None:
    assert judge(failed(500), 1, (), NOW).kind == "pause"
