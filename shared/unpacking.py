"""What comes packed by gzip, zlib or raw deflate, unpacked as it comes and never more than a limit. Pure."""

from __future__ import annotations

import zlib
from typing import Any

GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1
MEMBERS = 1_000  # of one gzip file: more are nobody's way to pack a text


class Unpacker:
    """One body. Servers call raw deflate `deflate` as well; a gzip file may be several, one behind the other."""

    def __init__(self, limit: int, *, may_be_plain: bool = False) -> None:
        """`may_be_plain`: it is said to be gzip, and what has no header of it is not packed at all."""
        self._left = limit + 1
        self._may_be_plain, self._plain = may_be_plain, False
        self._stream: Any = None
        self._begun = b""  # one byte, which alone does not tell what it begins
        self._members = 0

    def feed(self, chunk: bytes) -> bytes:
        """The next piece unpacked; of more than the limit one byte above it. Raises `zlib.error`."""
        if self._plain:
            return chunk
        found: list[bytes] = []
        while chunk and self._left > 0:
            if self._stream is None:
                chunk = self._begun + chunk
                self._begun = chunk if len(chunk) < 2 else b""
                if self._begun or (self._members and not chunk.startswith(GZIP)) or self._members == MEMBERS:
                    break  # behind a gzip file padding may stand
                if self._may_be_plain and not self._members and not _has_header(chunk):
                    self._plain = True
                    return chunk
                self._stream = zlib.decompressobj(47 if _has_header(chunk) else -15)
                self._members += 1
            piece = self._stream.decompress(chunk, self._left)
            found.append(piece)
            self._left -= len(piece)
            if not self._stream.eof:
                break
            chunk, self._stream = self._stream.unused_data, None
        return b"".join(found)


def _has_header(chunk: bytes) -> bool:
    """Of gzip, or of zlib (RFC 1950, 2.2)."""
    zlib_header = chunk[0] & 15 == 8 and (chunk[0] * 256 + chunk[1]) % 31 == 0
    return chunk.startswith(GZIP) or zlib_header
