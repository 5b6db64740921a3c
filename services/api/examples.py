"""An example for everything that routes take and give, put into the OpenAPI document. Of an invented wire.

JSON ones stand in `examples.json` by the name of their model; the other forms are rendered from those, so that they are
what is really served.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from services.api import formats, sse
from services.api.formats import Item, Listing

_HOME = "https://desk.example/"
_ORIGIN = "urn:wiredesk:0efdd6de67be"
_OPML = (
    '<?xml version="1.0" encoding="UTF-8"?><opml version="2.0"><head><title>Feeds</title></head><body>'
    '<outline text="europe"><outline type="rss" text="Wire" xmlUrl="https://wire.example/rss"/></outline></body></opml>'
)


@cache
def _by_model() -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(files(__package__).joinpath("examples.json").read_bytes())
    return told


def attach(document: dict[str, Any]) -> None:
    """Give every body and every success of an OpenAPI document an example, but where it has one."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            answers = [told for status, told in operation["responses"].items() if status < "300"]
            for told in (*answers, operation.get("requestBody", {})):
                for kind, one in told.get("content", {}).items():
                    example = None if "example" in one else _example(kind, one["schema"], schemas)
                    if example is not None:
                        one["example"] = example


def _example(kind: str, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        return _by_model().get(name) or next(iter(schemas[name].get("examples", ())), None)
    whole, page, event = (_by_model()[n] for n in ("ArticleServed", "ArticlePage", "EventPage"))
    if kind == sse.MEDIA_TYPE:
        first = event["items"][0]
        return f"retry: 2000\nid: {first['id']}\nevent: {first['type']}\ndata: {orjson.dumps(first).decode()}\n\n"
    if kind == "application/cloudevents-batch+json":
        return event["items"]
    for form in formats.LISTS.values():
        if form.media_type == kind:
            ready = [orjson.dumps(one) for one in page["items"]]
            home = f"{_HOME}v1/articles.{form.extension}"
            return _text(form.render(Listing("Wiredesk articles", home, _HOME, None, _ORIGIN, ready)), kind)
    for article_form in formats.ARTICLES.values():
        if article_form.media_type == kind:
            return _text(article_form.render(Item(whole, _ORIGIN)), kind)
    if "opml" in kind or kind in ("application/xml", "text/xml"):
        return _OPML
    return {"text/plain": "wiredesk_events_head 412.0\n", "application/json": {"status": "ok"}}.get(kind)


def _text(rendered: bytes, kind: str) -> Any:
    return orjson.loads(rendered) if kind.endswith("+json") else rendered.decode()
