"""Every setting, in one frozen class. Entry files build it once per process and pass it down."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Standard Webhooks 1.0: at once, then 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h after the one before.
STANDARD_WEBHOOKS_BACKOFF_S = (
    5.0,
    300.0,
    1800.0,
    7200.0,
    18000.0,
    36000.0,
    50400.0,
    72000.0,
    86400.0,
)


class Settings(BaseSettings):
    """The environment of one process. Unreadable values raise `pydantic.ValidationError`, naming the variable."""

    model_config = SettingsConfigDict(env_prefix="WIREDESK_", frozen=True, extra="ignore", populate_by_name=True)

    database_url: str = Field(default="", validation_alias="DATABASE_URL")
    redis_url: str = Field(default="", validation_alias="REDIS_URL")

    home: Path = Path(".wiredesk")
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    ingest_port: int = Field(default=8081, ge=0, le=65535)

    starter_feeds: str | None = None
    samplewire: str = ""
    allow_private: Annotated[tuple[Network, ...], NoDecode] = ()

    min_poll_s: float = Field(default=300.0, gt=0)
    max_poll_s: float = Field(default=86400.0, gt=0)
    polls_per_day: int = Field(default=0, ge=0)
    host_concurrency: int = Field(default=2, ge=1)
    host_gap_s: float = Field(default=1.0, ge=0)

    fetch_pages: bool = True
    page_wait_s: float = Field(default=20.0, ge=0)
    public_ingest_url: str = ""

    retention_days: float = Field(default=0.0, ge=0)
    stream_keep: int = Field(default=0, ge=0)

    enrich_workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    ner: str = "default"
    topics: str = ""
    entities: Path | None = None
    sentiment: Literal["off", "lexicon"] = "off"

    auth: Literal["auto", "keys", "open"] = "auto"
    admin_key: str = ""
    rate_limit: int = Field(default=0, ge=0)
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    webhook_backoff_s: Annotated[tuple[float, ...], NoDecode] = STANDARD_WEBHOOKS_BACKOFF_S

    @field_validator("allow_private", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if isinstance(value, str):
            names = tuple(part.strip().lower().removesuffix(".") for part in value.split(",") if part.strip())
            if wrong := [name for name in names if "/" in name or name.count(":") == 1]:
                raise ValueError(f"names without scheme and port, such as news.example.org, not {wrong[0]!r}")
            return names
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("webhook_backoff_s", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(float(part) for part in value.split(",") if part.strip())
        return value
