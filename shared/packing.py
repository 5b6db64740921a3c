"""JSON and texts packed for the store: Zstandard with dictionaries of ours, so that small pieces shrink too. Pure.

The first byte of what is packed names the way, so that another dictionary or another method can come beside:

    1  JSON, dictionary json-1    2  text, dictionary text-1    3  text that is much like another one, given beside

A dictionary that was shipped stays as it is for ever: `training/packing` makes one, and a test holds its hash.
"""

from __future__ import annotations

import threading
from importlib.resources import files

import zstandard as zstd

JSON, TEXT, LIKE = 1, 2, 3
LEVELS = {JSON: 3, TEXT: 6, LIKE: 3}  # JSON is packed in the enrichment commit; 6 takes 80 us, four times as long
MOST = 64_000_000  # bytes of one piece unpacked: more is refused

_DICTIONARIES = {JSON: "json-1.dict", TEXT: "text-1.dict"}


class _Tools(threading.local):
    """Packers of one thread: they keep their dictionary digested, and bear one user at a time."""

    def __init__(self) -> None:
        self.packers = {kind: _packer(kind, _dictionary(name)) for kind, name in _DICTIONARIES.items()}
        self.unpackers = {kind: _unpacker(_dictionary(name)) for kind, name in _DICTIONARIES.items()}


def pack_json(data: bytes) -> bytes:
    """JSON as bytes, packed."""
    return bytes((JSON,)) + _tools.packers[JSON].compress(data)


def pack_text(text: str) -> bytes:
    """A text, packed. HTML is one."""
    return bytes((TEXT,)) + _tools.packers[TEXT].compress(_encoded(text))


def pack_like(text: str, like: str) -> bytes:
    """A text that is much like another, packed: it cannot be read without that one."""
    return bytes((LIKE,)) + _packer(LIKE, _raw(like)).compress(_encoded(text))


def unpack(packed: bytes, like: str | None = None) -> bytes:
    """What was packed. Raises `ValueError` where it cannot be read: broken, or `like` is not the text it needs."""
    kind = packed[0] if packed else 0
    if kind == LIKE:
        if like is None:
            raise ValueError("what it was packed with is gone")
        unpacker = _unpacker(_raw(like))
    elif kind in _tools.unpackers:
        unpacker = _tools.unpackers[kind]
    else:
        raise ValueError(f"packed in a way that is not known here: {kind}")
    try:
        return unpacker.decompress(packed[1:], max_output_size=MOST)
    except zstd.ZstdError as error:
        raise ValueError(f"cannot be unpacked: {error}") from error


def unpack_text(packed: bytes, like: str | None = None) -> str:
    """The text that was packed. Raises `ValueError` like `unpack`."""
    return unpack(packed, like).decode("utf-8", "surrogatepass")


def pack_words(description: str | None, html: str) -> bytes:
    """A publisher's description and HTML in one: the former is often the beginning of the latter."""
    return pack_text(html if description is None else f"{description}\0{html}")


def words_of(description: str | None, html: str | None, packed: bytes | None) -> tuple[str | None, str | None]:
    """Description and HTML of a row: packed, or in columns of their own where an older version wrote it."""
    if packed is None:
        return description, html
    first, within, second = unpack_text(packed).partition("\0")  # neither has one of its own
    return (first, second) if within else (description, first)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _dictionary(name: str) -> zstd.ZstdCompressionDict:
    return zstd.ZstdCompressionDict((files("shared") / "dictionaries" / name).read_bytes())


def _raw(text: str) -> zstd.ZstdCompressionDict:
    return zstd.ZstdCompressionDict(_encoded(text), dict_type=zstd.DICT_TYPE_RAWCONTENT)


def _packer(kind: int, dictionary: zstd.ZstdCompressionDict) -> zstd.ZstdCompressor:
    # Without magic number and dictionary id: the first byte says both.
    parameters = zstd.ZstdCompressionParameters.from_level(
        LEVELS[kind],
        format=zstd.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=1,
        write_dict_id=0,
        write_checksum=int(kind == LIKE),
    )
    return zstd.ZstdCompressor(dict_data=dictionary, compression_params=parameters)


def _unpacker(dictionary: zstd.ZstdCompressionDict) -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(dict_data=dictionary, format=zstd.FORMAT_ZSTD1_MAGICLESS)


_tools = _Tools()
