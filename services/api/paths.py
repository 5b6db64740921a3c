"""What a path may hold: `{feed_id:number}` matches digits only, so that `/v1/feeds/doctor` is no feed."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class Number(Convertor[str]):
    """Digits. They stay text: handlers refuse, as not found, a number that no id can have."""

    regex = "[0-9]+"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("number", Number())
