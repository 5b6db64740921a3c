"""The AsyncAPI 3 document: the event stream over SSE and WebSocket, from the same models as everything else. Pure."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from services.api.params import Param
from services.api.query import SOCKET
from services.api.schemas import ArticleCard
from shared.events import EVENT_TYPES, STREAM_KEY, STREAM_RESET, CloudEvent

_SOCKET = (
    "WebSocket, one event a text frame. A page in a browser cannot send a header: where keys are asked for, it offers"
    " two subprotocols, `wiredesk` and its key"
)
_SCHEMA = "#/components/schemas/{model}"


def document(title: str, version: str) -> dict[str, Any]:
    """The whole document."""
    _, schemas = models_json_schema([(CloudEvent, "validation"), (ArticleCard, "validation")], ref_template=_SCHEMA)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{title} events",
            "version": version,
            "description": "One ordered log. `id` is the position, the same on every transport.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "stream": _channel("/v1/events", "Server-sent events; resume with Last-Event-ID or `after`"),
            "socket": _channel("/v1/events/ws", _SOCKET)
            | {"bindings": {"ws": _asked(SOCKET)}}
            | {"messages": _messages() | {name: {"$ref": f"#/components/messages/{name}"} for name in _CONTROL}},
            "redis": {
                "address": STREAM_KEY,
                "description": "Redis Stream; the id is `<position>-0`, the one field `event`",
                "messages": _messages(),
            },
        },
        "operations": {
            "follow": {"action": "send", "channel": {"$ref": "#/channels/stream"}},
            "followBySocket": {
                "action": "send",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [
                    {"$ref": f"#/channels/socket/messages/{name}"}
                    for name in (*_messages(), *(name for name in _CONTROL if name != "subscribe"))
                ],
            },
            "changeFilters": {
                "action": "receive",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": "#/channels/socket/messages/subscribe"}],
            },
            "relay": {"action": "send", "channel": {"$ref": "#/channels/redis"}},
        },
        "components": {
            "messages": {_name(kind): _message(kind) for kind in EVENT_TYPES} | {"reset": _RESET, **_CONTROL},
            "schemas": schemas["$defs"],
        },
    }


def _channel(address: str, about: str) -> dict[str, Any]:
    return {"address": address, "description": about, "messages": _messages()}


def _asked(takes: tuple[Param, ...]) -> dict[str, Any]:
    asked = {p.name: {"type": "array", "items": p.schema} if p.many else p.schema for p in takes}
    return {"method": "GET", "query": {"type": "object", "properties": asked}, "bindingVersion": "0.1.0"}


def _messages() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in (*map(_name, EVENT_TYPES), "reset")}


def _name(kind: str) -> str:
    return kind.removeprefix("wiredesk.").removesuffix(".v1").replace(".", "_")


def _message(kind: str) -> dict[str, Any]:
    narrowed: dict[str, Any] = {"type": {"const": kind}}
    if kind.startswith("wiredesk.article."):
        narrowed["data"] = {"$ref": _SCHEMA.format(model=ArticleCard.__name__)}
    told = {"allOf": [{"$ref": _SCHEMA.format(model=CloudEvent.__name__)}, {"properties": narrowed}]}
    return {"name": kind, "contentType": "application/cloudevents+json", "payload": told}


_RESET: dict[str, Any] = {
    "name": STREAM_RESET,
    "contentType": "application/json",
    "description": "Events up to `oldest` are no longer retained; the stream goes on from there",
    "payload": {
        "type": "object",
        "required": ["type", "oldest", "latest", "catch_up"],
        "properties": {
            "type": {"const": STREAM_RESET},
            "oldest": {"type": "integer"},
            "latest": {"type": "integer"},
            "catch_up": {"type": "string", "description": "where to read what was missed"},
        },
    },
}
_SUBSCRIBE: dict[str, Any] = {
    "name": "subscribe",
    "contentType": "application/json",
    "payload": {
        "type": "object",
        "required": ["type", "filters"],
        "properties": {"type": {"const": "subscribe"}, "filters": {"type": "object"}},
        "additionalProperties": False,
        "examples": [{"type": "subscribe", "filters": {"lang": ["es"]}}],
    },
}


def _control(name: str, about: str, further: dict[str, Any]) -> dict[str, Any]:
    """A frame of ours that is no event: it has a `type` and no `specversion`."""
    payload = {"type": "object", "required": ["type", *further], "properties": {"type": {"const": name}, **further}}
    return {"name": name, "contentType": "application/json", "description": about, "payload": payload}


_POSITION = {"position": {"type": "integer", "minimum": 0, "description": "what was given up to here"}}
_CONTROL: dict[str, Any] = {
    "subscribe": _SUBSCRIBE,
    "subscribed": _control("subscribed", "The filters were changed; they count from after this position", _POSITION),
    "heartbeat": _control("heartbeat", "The stream is alive, and there is no news", _POSITION),
    "closing": _control(
        "closing",
        "The last frame: why it ends (codes 1012: come back; 1013: too slow, come back; 1008: the key is over)",
        {"reason": {"type": "string"}, **_POSITION},
    ),
    "error": _control(
        "error",
        "A message was not understood, and changes nothing: the members of a problem document",
        {"title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"}},
    ),
}
