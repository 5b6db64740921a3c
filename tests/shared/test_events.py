"""The public event contract holds for what is really sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from shared.events import CloudEvent, LoggedEvent, batch, envelope, source_of, with_position

EVENT = LoggedEvent(
    41,
    datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=1))),
    "wiredesk.article.enriched.v1",
    "articles/7",
    7,
    '{"id":7,"title":"Ünï"}'.encode(),
)


def test_an_envelope_is_a_cloud_event_whose_data_carries_its_position() -> None:
    event = CloudEvent.model_validate_json(envelope(EVENT, source_of("d1")))
    assert (event.id, event.source, event.subject) == ("41", "urn:wiredesk:d1", "articles/7")
    assert event.data == {"position": 41, "id": 7, "title": "Ünï"}
    assert event.time == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_position_is_spliced_into_empty_and_full_objects() -> None:
    assert json.loads(with_position(b"{}", 3)) == {"position": 3}
    assert json.loads(with_position(b'{"a":1}', 3)) == {"position": 3, "a": 1}


def test_a_batch_is_a_json_array() -> None:
    assert json.loads(batch([])) == []
    assert [e["id"] for e in json.loads(batch([envelope(EVENT, "s")] * 2))] == ["41", "41"]
