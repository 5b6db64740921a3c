"""The deliver process as it is started: says that it is ready, delivers, ends cleanly when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.api.receiving import Receiver
from tests.api.test_webhooks import subscribe, until

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "services.api.deliver"]


def start(database_url: str, **more: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    environment |= {"DATABASE_URL": database_url, **more}
    return subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"allow_private": "127.0.0.0/8"}
    return Settings(database_url=database_url, redis_url=redis_url, home=tmp_path, port=0, **given)


async def test_it_says_when_it_is_ready_delivers_and_ends_when_told(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, tmp_path: Path
) -> None:
    with Receiver() as receiver, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(60)
        await subscribe(api, receiver)
        newsroom.article("One", relay=False)
        process = start(
            settings.database_url, NOTIFY_SOCKET=str(tmp_path / "notify"), WIREDESK_ALLOW_PRIVATE="127.0.0.1"
        )
        try:
            assert notify.recv(100) == b"READY=1"
            await until(lambda: receiver.got, "one delivery")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()
        assert receiver.positions == [1]
        assert receiver.unverified == []


def test_without_a_database_it_says_what_to_set() -> None:
    process = start("")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "DATABASE_URL is not set" in told
