"""The whole product on private engines, one fresh database and Redis per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.system import COMMANDS, System


@pytest.fixture
def system(tmp_path: Path, database_url: str, redis_url: str, request: pytest.FixtureRequest) -> Iterator[System]:
    """All five processes running; the ends of their logs are shown when the test failed."""
    running = System(tmp_path / "home", database_url, redis_url)
    try:
        running.start_all()
        yield running
    finally:
        running.stop()
        for kind in COMMANDS:
            print(running.tail(kind))
