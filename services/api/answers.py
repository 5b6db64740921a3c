"""Answers of ready bytes: negotiated type, validators, compression. Streams do not pass here."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import zstandard
from starlette.requests import Request
from starlette.responses import Response

from services.api.problems import Problem

JSON = "application/json"
WORTH_PACKING = 1000  # bytes


@dataclass(slots=True)
class Body:
    """Ready bytes with their validator, and their packed forms once asked for."""

    plain: bytes
    etag: str = ""
    packed: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Weak, since it stands for every encoding of the same bytes (RFC 9110, 8.8.3).
        self.etag = f'W/"{hashlib.blake2b(self.plain, digest_size=12).hexdigest()}"'

    def encoded(self, encoding: str) -> bytes:
        """The bytes in a content coding."""
        if encoding not in self.packed:
            self.packed[encoding] = _pack(self.plain, encoding)
        return self.packed[encoding]


def negotiate(request: Request, offered: Sequence[str]) -> str:
    """The type offered that `Accept` likes best, the first offered on a tie. Raises `Problem` where none will do."""
    accept = request.headers.get("accept")
    if not accept or accept in ("*/*", offered[0]):
        return offered[0]
    best = max(offered, key=lambda kind: _quality(kind, accept))
    if _quality(best, accept) <= 0:
        raise Problem("not_acceptable", f"this can be had as {', '.join(offered)}", members={"offered": list(offered)})
    return best


def _quality(kind: str, accept: str) -> float:
    """How much an `Accept` value wants a type; the most specific range counts (RFC 9110, 12.5.1)."""
    best = (-1, 0.0)
    for part in accept.lower().split(","):
        name, *parameters = (p.strip() for p in part.split(";"))
        rank = 2 if name == kind else 1 if name == f"{kind.split('/')[0]}/*" else 0 if name == "*/*" else -1
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        if rank > best[0]:
            best = (rank, _number(quality))
    return best[1]


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def answer(
    request: Request,
    body: Body,
    *,
    media_type: str = JSON,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body as asked for: 304 where the reader has it, packed where the reader can unpack."""
    told = {"ETag": body.etag, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-cache", **(headers or {})}
    if status == 200 and _has(request.headers.get("if-none-match"), body.etag):
        return Response(status_code=304, headers=told)
    encoding = _encoding(request.headers.get("accept-encoding")) if len(body.plain) > WORTH_PACKING else None
    if encoding is None:
        return Response(body.plain, status, told, media_type)
    return Response(body.encoded(encoding), status, told | {"Content-Encoding": encoding}, media_type)


def _has(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


def _encoding(header: str | None) -> str | None:
    if header is None:
        return None
    wanted = {}
    for part in header.lower().split(","):
        name, _, quality = part.strip().partition(";q=")
        wanted[name.strip()] = _number(quality.strip()) if quality else 1.0
    if wanted.get("zstd", 0) > 0 and wanted["zstd"] >= wanted.get("gzip", 0):
        return "zstd"
    return "gzip" if wanted.get("gzip", 0) > 0 else None


def _pack(plain: bytes, encoding: str) -> bytes:
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(plain)
    packer = zlib.compressobj(4, zlib.DEFLATED, 31)
    return packer.compress(plain) + packer.flush()
