"""The public JSON of an enriched article, in two parts that are written once and served as bytes.

The *card* is the object without `body_text`, `entities[].mentions`, `quotes`, `dates`, `numbers`, `links`, `media`
and `annotations`; the *rest* carries exactly those (its `entities` are complete). The whole object is the card overlaid
with the rest: `{**card, **rest}`. `position` is in neither: it is known when the event is written,
and put in when it is served. Absent single values are null, absent lists are [].
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from services.enrich.document import DateMention, Document, Entity, Language, Mention, Place, Quote, Sentiment, Topic
from shared import topics
from shared.articles import Article
from shared.slim import slim

WORDS_PER_MINUTE = 238  # silent reading of English non-fiction (Brysbaert 2019)

_JSON = orjson.OPT_UTC_Z


def card(doc: Document, now: datetime) -> dict[str, Any]:
    """The card of a document enriched at `now` (aware). Times are datetimes in UTC."""
    article = doc.article
    return {
        "id": article.id,
        "version": article.version,
        "url": article.url,
        "canonical_url": article.canonical_url,
        "title": doc.title,
        "subtitle": doc.subtitle,
        "description": doc.description,
        "authors": list(article.authors),
        "language": _language(doc.language),
        "published_at": _utc(article.published_at),
        "published_precision": article.published_precision,
        "modified_at": _utc(article.modified_at),
        "discovered_at": _utc(article.discovered_at),
        "fetched_at": _utc(article.fetched_at),
        "enriched_at": _utc(now),
        "body_source": doc.body_source,
        "word_count": doc.word_count,
        "reading_time_s": round(doc.word_count * 60 / WORDS_PER_MINUTE),
        "paywalled": article.paywalled,
        "status": article.status,
        **_origin(article),
        "entities": [_entity(entity) for entity in doc.entities],
        "places": [_place(place) for place in doc.places],
        "countries": [{"code": one.code, "share": one.share} for one in doc.countries],
        "topics": [
            {"id": t.id, "name": t.name, "path": list(t.path), "score": t.score, "ids": _match(t)} for t in doc.topics
        ],
        "keywords": [{"text": keyword.text, "score": keyword.score} for keyword in doc.keywords],
        "summary": list(doc.summary),
        "sentiment": _sentiment(doc.sentiment),
        "story": None,
        "duplicate_of": article.duplicate_of,
        "credit": None,
        "latency": _latency(article, now),
    }


def rest(doc: Document) -> dict[str, Any]:
    """What the card leaves out."""
    return {
        "body_text": doc.body_text or None,
        "entities": [
            {**_entity(entity), "mentions": [_mention(m) for m in entity.mentions]} for entity in doc.entities
        ],
        "quotes": [{"text": quote.text, **_quote(quote)} for quote in doc.quotes],
        "dates": [{"text": date.text, **_date(date)} for date in doc.dates],
        **_further(doc),
        "annotations": dict(doc.annotations),
    }


def slim_rest(doc: Document, told: dict[str, Any]) -> dict[str, Any]:
    """The rest as `shared.slim.slim` leaves it beside the card `told`: made so at once, and only in doubt cut out."""
    title, body = doc.title, doc.body_text
    spans: list[tuple[Quote | DateMention, ...]] = [doc.quotes, doc.dates]
    if not all(one.text == body[one.start : one.end] for some in spans for one in some):
        return slim(told, rest(doc))
    mentions: list[list[int]] = []
    for entity in doc.entities:
        found: list[int] = []
        for m in entity.mentions:
            in_title = m.field == "title"
            if m.text != (title if in_title else body)[m.start : m.end]:
                return slim(told, rest(doc))
            found += (-1 - m.start if in_title else m.start, m.end - m.start)
        mentions.append(found)
    said: dict[str, dict[str, Any]] = {step: {**one} for step, one in doc.annotations.items()}
    return {
        "mentions": mentions,
        "quotes": [_quote(quote) for quote in doc.quotes],
        "dates": [_date(date) for date in doc.dates],
        **_further(doc),
        "took": [one.pop("took_ms", None) for one in said.values()],
        "annotations": said,
    }


def parts(doc: Document) -> dict[str, Any]:
    """The lists of the rest that an article is looked up by: whether there is anything in them."""
    return {
        "dates": doc.dates,
        "links": doc.links,
        "media": doc.article.media,
        "numbers": doc.numbers,
        "quotes": doc.quotes,
    }


def as_json(told: dict[str, Any]) -> bytes:
    """A card or rest as JSON; times are RFC 3339 in UTC with Z."""
    return orjson.dumps(told, option=_JSON)


def card_json(doc: Document, now: datetime) -> bytes:
    """The card as JSON."""
    return as_json(card(doc, now))


def rest_json(doc: Document) -> bytes:
    """The rest as JSON."""
    return as_json(rest(doc))


def _origin(article: Article) -> dict[str, Any]:
    source = article.source
    return {
        "source": {"id": source.id, "name": source.name, "domain": source.domain, "country": source.country},
        "feeds": [{"id": feed.id, "title": feed.title, "guid": feed.guid} for feed in article.feeds],
        "images": [
            {
                "url": image.url,
                "width": image.width,
                "height": image.height,
                "caption": image.caption,
                "credit": image.credit,
            }
            for image in article.images
        ],
    }


def _further(doc: Document) -> dict[str, Any]:
    return {
        "numbers": [
            {
                "kind": one.kind,
                "text": one.text,
                "low": one.low,
                "high": one.high,
                "approximate": one.approximate,
                "currency": one.currency,
                "start": one.start,
                "end": one.end,
            }
            for one in doc.numbers
        ],
        "links": [{"url": link.url, "text": link.text} for link in doc.links],
        "media": [{"url": media.url, "type": media.type, "length": media.length} for media in doc.article.media],
    }


def _match(topic: Topic) -> dict[str, str]:
    item = topics.wikidata(topic.id)
    return {"wikidata": item} if item else {}


def _language(one: Language | None) -> dict[str, Any] | None:
    return {"code": one.code, "confidence": one.confidence, "others": list(one.others)} if one else None


def _sentiment(one: Sentiment | None) -> dict[str, Any] | None:
    return {"score": one.score, "method": one.method, "words": one.words} if one else None


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "id": entity.id,
        "type": entity.type,
        "name": entity.name,
        "aliases_seen": list(entity.aliases_seen),
        "count": entity.count,
        "salience": entity.salience,
        "confidence": entity.confidence,
        "ids": entity.ids,
        **({"former_ids": list(entity.former_ids)} if entity.former_ids else {}),
    }


def _mention(mention: Mention) -> dict[str, Any]:
    return {"field": mention.field, "start": mention.start, "end": mention.end, "text": mention.text}


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "speaker": quote.speaker,
        "entity_id": quote.entity_id,
        "kind": "direct" if quote.direct else "indirect",
        "start": quote.start,
        "end": quote.end,
    }


def _date(date: DateMention) -> dict[str, Any]:
    return {"start": date.start, "end": date.end, "value": date.value}


def _place(place: Place) -> dict[str, Any]:
    return {
        "entity_id": place.entity_id,
        "kind": place.kind,
        "name": place.name,
        "country": place.country,
        "geonames_id": place.geonames_id,
        "lat": place.lat,
        "lon": place.lon,
        "role": place.role,
        "confidence": place.confidence,
    }


def _latency(article: Article, now: datetime) -> dict[str, float | None]:
    """Seconds; an article dated after it was seen took none."""
    seen = article.discovered_at
    since = (seen - article.published_at).total_seconds() if article.published_at else None
    return {
        "published_to_seen_s": None if since is None else round(max(0.0, since), 3),
        "seen_to_enriched_s": round(max(0.0, (now - seen).total_seconds()), 3),
    }


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
