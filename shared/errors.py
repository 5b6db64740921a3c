"""The error tree. Every error carries a stable `code` from a closed list; edges map foreign errors into it once.

WiredeskError
├── Refused            the caller's input is wrong; nothing was done
│   ├── BadValue       a value that cannot be read or is out of range (`where` names it)
│   └── AddressRefused an outbound address that must not be reached (private, malformed, not http)
├── NotFound           no such thing
├── Conflict           right request, wrong moment (retry-after still running, position ahead of the log)
├── Unavailable        an engine (PostgreSQL, Redis) cannot be reached now; retrying later is right
└── Unreadable         outside data that cannot be understood (feed, page, stored document)
"""

from __future__ import annotations


class WiredeskError(Exception):
    """Base of all errors raised on purpose. `code` is stable and public, `message` is for people."""

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Refused(WiredeskError):
    """The caller's input is wrong."""

    code = "refused"


class BadValue(Refused):
    """A value that cannot be read or is out of range. `where` is a path such as `query.limit` or `body.url`."""

    code = "bad_value"

    def __init__(
        self,
        message: str,
        *,
        where: str,
        suggestion: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.where = where
        self.suggestion = suggestion


class AddressRefused(Refused):
    """An address that must not be fetched: malformed, not http(s), or private without permission."""

    code = "address_refused"

    def __init__(self, message: str, *, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class NotFound(WiredeskError):
    """No such thing."""

    code = "not_found"


class Conflict(WiredeskError):
    """The request is right but not now."""

    code = "conflict"


class Unavailable(WiredeskError):
    """PostgreSQL or Redis cannot be reached."""

    code = "unavailable"


class Unreadable(WiredeskError):
    """Outside data that cannot be understood."""

    code = "unreadable"
