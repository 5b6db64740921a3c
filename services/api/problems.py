"""Every error of the API in one form: RFC 9457 problem details with a stable `code`. Pure.

`CODES` is the closed list. Routes raise `Problem` or an error of `shared.errors`; failures.py sends them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from shared import errors

MEDIA_TYPE = "application/problem+json"

# code: (status, what it means). Documented in OpenAPI; entries are added, never renamed.
CODES: dict[str, tuple[int, str]] = {
    "bad_value": (400, "a value cannot be read or is out of range; `errors` says which"),
    "unknown_parameter": (400, "a query parameter that this route does not have; `errors` names the nearest"),
    "bad_json": (400, "the body is not JSON"),
    "bad_request": (400, "the request cannot be understood"),
    "unauthorized": (401, "no key, or one that is unknown, expired or revoked"),
    "forbidden": (403, "the key lacks the scope; `scope` names it"),
    "not_found": (404, "no such thing"),
    "method_not_allowed": (405, "the path knows other methods; `Allow` lists them"),
    "not_acceptable": (406, "none of the types asked for can be served; `offered` lists those that can"),
    "conflict": (409, "right request, wrong moment"),
    "position_ahead": (409, "the position lies beyond the newest event; `latest` is that"),
    "retry_after": (409, "the publisher asked to be left alone until `retry_at`"),
    "position_gone": (410, "the position is no longer retained; `oldest`, `latest` and `catch_up` say how to go on"),
    "too_large": (413, "the body is larger than this route reads"),
    "unsupported_media_type": (415, "the body has another type than this route reads; `offered` lists those"),
    "wrong_host": (421, "asked for by a name that an API without keys does not answer to; `errors` tells it"),
    "bad_body": (422, "the body has the wrong shape; `errors` says where"),
    "address_refused": (422, "an address that is not fetched: malformed, not http(s), or private"),
    "unreadable": (422, "a document that cannot be understood"),
    "upgrade_required": (426, "the address is a WebSocket's, and the request asks for none"),
    "rate_limited": (429, "more requests than this key may make; `Retry-After` says when to go on"),
    "head_too_large": (431, "the address and headers are longer than are read"),
    "internal": (500, "our fault; nothing about the request"),
    "unavailable": (503, "PostgreSQL, or ingest where it is asked, cannot be reached; trying again is right"),
    "too_slow": (503, "the question took longer than is allowed; narrow it or try again"),
}


@dataclass(frozen=True, slots=True)
class InputError:
    """One thing wrong with the input. `where` is a path such as `query.lnag` or `body.url`."""

    where: str
    message: str
    suggestion: str | None = None

    def as_json(self) -> dict[str, str]:
        """The member of `errors`."""
        told = {"where": self.where, "message": self.message}
        return told if self.suggestion is None else told | {"suggestion": self.suggestion}


class Problem(errors.WiredeskError):
    """An answer that is an error. `members` become further members of the document, `headers` go with it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        errors: Sequence[InputError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def refuse(code: str, wrong: Sequence[InputError]) -> Problem:
    """The problem that tells of wrong input; its message is the first thing wrong."""
    return Problem(code, f"{wrong[0].where}: {wrong[0].message}", errors=wrong)


def not_ahead(position: int | None, head: int) -> None:
    """Raises `Problem` for a position that lies beyond the newest event: it is of another log, or was mistyped."""
    if position is not None and position > head:
        raise Problem("position_ahead", f"the newest event is {head}", members={"latest": head})


def nearest(name: str, valid: Iterable[str], alike: float = 0.5) -> str | None:
    """The valid name most like a wrong one, if any is like it by at least this share."""
    found = difflib.get_close_matches(name.lower(), list(valid), n=1, cutoff=alike)
    return found[0] if found else None


def document(problem: Problem) -> dict[str, Any]:
    """The RFC 9457 document."""
    status, _ = CODES[problem.code]
    told: dict[str, Any] = {
        "type": f"urn:wiredesk:problem:{problem.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": problem.code,
        "detail": problem.message,
    }
    if problem.errors:
        told["errors"] = [e.as_json() for e in problem.errors]
    return told | problem.members


def of(error: errors.WiredeskError) -> Problem:
    """The problem that an error of ours means to a caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.BadValue):
        code = "bad_body" if error.where.startswith("body") else "bad_value"
        return refuse(code, [InputError(error.where, error.message, error.suggestion)])
    if isinstance(error, errors.AddressRefused):
        return refuse("address_refused", [InputError("body.url", error.message, error.suggestion)])
    return Problem(error.code if error.code in CODES else "internal", error.message)
