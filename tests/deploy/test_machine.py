"""`python -m deploy.local` as a command: what it says when it cannot start, and the two that speak to a running one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.engines import free_port
from deploy.local.home import can_listen, held, holder, kept_port, write_private
from deploy.local.starter import only_new, refusals


def command(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    env = {
        "WIREDESK_HOME": str(home),
        "WIREDESK_PORT": str(free_port()),
        "WIREDESK_INGEST_PORT": str(free_port()),
    } | env
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", *arguments],
        env={k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_second_start_in_one_home_says_who_holds_it(tmp_path: Path) -> None:
    with held(tmp_path / "home"):
        told = command(tmp_path / "home")
    assert told.returncode == 1
    assert f"already runs in {tmp_path / 'home'} (process {os.getpid()})" in told.stderr
    assert "WIREDESK_HOME" in told.stderr


@pytest.mark.parametrize("variable", ["WIREDESK_PORT", "WIREDESK_INGEST_PORT"])
def test_a_taken_port_is_named_with_the_variable_to_set(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = command(tmp_path / "home", **{variable: str(port)})
    assert told.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in told.stderr
    assert f"Set {variable} " in told.stderr
    assert not (tmp_path / "home" / "postgres").exists()


def test_an_unreadable_setting_is_named(tmp_path: Path) -> None:
    told = command(tmp_path / "home", WIREDESK_PORT="eighty")
    assert told.returncode == 2
    assert told.stderr.startswith("Wiredesk: WIREDESK_PORT=eighty: ")


@pytest.mark.parametrize("action", ["--status", "--down"])
def test_status_and_down_say_that_nothing_runs(tmp_path: Path, action: str) -> None:
    told = command(tmp_path / "home", action)
    assert told.returncode == 3
    assert "does not run" in told.stdout


def test_a_home_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    with held(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None
    with held(tmp_path):
        pass


def test_a_kept_port_stays_the_same_until_someone_takes_it(tmp_path: Path) -> None:
    port = kept_port(tmp_path, "samplewire")
    assert kept_port(tmp_path, "samplewire") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not can_listen("127.0.0.1", port)
        assert kept_port(tmp_path, "samplewire") != port


def test_a_private_file_is_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "engines.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


OPML = b"""<opml version="2.0"><body>
<outline text="Folder"><outline type="rss" text="A" xmlUrl="http://a.example/"/><outline type="rss" text="B" xmlUrl="http://b.example/"/></outline>
</body></opml>"""


def test_a_starter_feed_is_offered_once() -> None:
    first = only_new(OPML, set())
    assert first is not None and first[1] == {"http://a.example/", "http://b.example/"}
    second = only_new(OPML, {"http://a.example/"})
    assert second is not None and second[1] == {"http://b.example/"}
    assert b"Folder" in second[0] and b"http://a.example/" not in second[0]
    assert only_new(OPML, {"http://a.example/", "http://b.example/"}) is None


def test_what_the_api_refuses_is_told_with_its_reason() -> None:
    answer: dict[str, object] = {"added": 1, "known": 0, "refused": [{"url": "http://a.example/", "message": "no"}]}
    assert refusals(answer) == {"http://a.example/": "no"}


def test_the_starter_list_names_each_feed_once_and_in_many_languages() -> None:
    import xml.etree.ElementTree as ET

    from deploy.local.machine import STARTER

    root = ET.fromstring(STARTER.read_bytes())
    urls = [outline.get("xmlUrl", "") for outline in root.findall(".//outline[@xmlUrl]")]
    assert len(urls) == len(set(urls)) >= 25
    assert all(url.startswith("https://") for url in urls)
