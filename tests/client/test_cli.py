"""The command `wiredesk` as its users meet it: a process with output, one-line errors and an exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import Answer, Asked, as_json, event, serving, sse

ARTICLE = {
    "id": 7, "version": 1, "title": "Ferries \u001b[31mstop\u001b[0m\n<script>", "published_at": "2026-03-02T08:00:00Z",
    "language": {"code": "en", "confidence": 1.0}, "source": {"id": "example.org", "name": "Example"},
    "url": "http://example.org/7", "body_text": "One.\n\nTwo.",
    "entities": [{"id": "e:1", "type": "person", "name": "Maria Duarte", "count": 2}],
}  # fmt: skip
FEED = {"id": 3, "url": "http://example.org/feed", "title": "Example", "state": {"status": "ok", "articles_total": 12}}


def command(url: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", "from wiredesk.cli import main; main()", "--url", url, *arguments]


def run(url: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    done = subprocess.run(
        command(url, *arguments), input=stdin, capture_output=True, env=environment, timeout=60, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_search_prints_columns_and_lets_no_title_steer_the_terminal() -> None:
    with serving(lambda asked: as_json({"items": [ARTICLE], "next": None, "position": 1})) as (url, asked):
        done = run(url, "search", "ferry", "--lang", "en", "--lang", "es", "--limit", "5")
        assert done.returncode == 0, done.stderr
        head, row = done.stdout.splitlines()
        assert head.split() == ["ID", "PUBLISHED", "LANG", "SOURCE", "TITLE"]
        assert row.split(maxsplit=4)[:1] == ["7"] and "Ferries [31mstop[0m <script>" in row
        assert "\u001b" not in done.stdout
        assert asked[0].query == {"q": ["ferry"], "lang": ["en", "es"], "limit": ["5"]}


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["search"], {"items": [ARTICLE], "next": None, "position": 1}),
        (["article", "7"], ARTICLE),
        (["trace", "7"], {"id": 7, "items": [{"at": "2026-03-01T08:00:00Z", "step": "discovered", "feed_id": 4}]}),
        (["queue"], {"waiting": 4}),
        (["feeds", "add", "http://example.org/feed"], FEED),
        (["feeds", "poll", "3"], {"outcome": "ok", "entries": 2}),
        (["feeds", "doctor", "http://example.org/"], {"url": "http://example.org/", "verdict": "good", "findings": []}),
        (["keys", "create", "desk"], {"id": 1, "key": "wd_x"}),
        (["searches", "add", "Bridges", "--q", "bridge"], {"id": 4, "name": "Bridges", "filters": {"q": "bridge"}}),
        (["searches", "show", "4"], {"id": 4, "name": "Bridges", "filters": {"lang": ["en"]}, "feeds": {}}),
        (["webhooks", "add", "http://127.0.0.1:9/"], {"id": "w1", "secret": "whsec_x", "status": "active"}),
    ],
)
def test_json_is_the_answer_as_it_came(arguments: list[str], answer: dict[str, object]) -> None:
    with serving(lambda asked: as_json(answer)) as (url, _):
        done = run(url, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told == answer or {**told, "items": [ARTICLE]} == answer
        plain = run(url, *arguments)
        assert plain.returncode == 0, plain.stderr
        assert plain.stdout.strip()


def test_the_doctor_tells_what_is_wrong_and_what_to_add_instead() -> None:
    finding = {"code": "not_a_feed", "severity": "error", "message": "A web page\u001b.", "evidence": {}}
    report = {"url": "http://example.org/", "verdict": "refused", "findings": [finding], "format": None, "entries": 0,
              "predicted_interval_s": None, "candidates": ["http://example.org/feed"]}  # fmt: skip
    with serving(lambda asked: as_json(report)) as (url, asked):
        done = run(url, "feeds", "doctor", "http://example.org/")
    assert (asked[0].method, asked[0].path, json.loads(asked[0].body)) == (
        "POST",
        "/v1/feeds/doctor",
        {"url": "http://example.org/"},
    )
    assert done.returncode == 1 and "\u001b" not in done.stdout
    first, *_, last = done.stdout.splitlines()
    assert first == "refused: http://example.org/ (no feed)"
    assert last == "feed of this site: http://example.org/feed"


def test_lists_are_read_to_their_end() -> None:
    def script(asked: Asked) -> Answer:
        last = "cursor" in asked.query
        return as_json({"items": [FEED | {"id": 4 if last else 3}], "next": None if last else "?cursor=c"})

    with serving(script) as (url, _):
        assert [f["id"] for f in json.loads(run(url, "feeds", "list", "--json").stdout)] == [3, 4]


def test_opml_goes_in_and_out_as_bytes(tmp_path: Path) -> None:
    opml = "<opml><!-- é --></opml>".encode()

    def script(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer(200, {"content-type": "text/x-opml"}, (opml,))
        assert asked.body == opml
        assert asked.headers["content-type"] == "text/x-opml"
        return as_json({"added": 1, "known": 0, "refused": []})

    with serving(script) as (url, _):
        assert run(url, "feeds", "export").stdout.encode() == opml
        (tmp_path / "feeds.opml").write_bytes(opml)
        assert "added: 1" in run(url, "feeds", "import", str(tmp_path / "feeds.opml")).stdout
        assert "added: 1" in run(url, "feeds", "import", "-", stdin=opml).stdout
        missing = run(url, "feeds", "import", str(tmp_path / "none.opml"))
        assert (missing.returncode, "No such file" in missing.stderr) == (2, True)


@pytest.mark.parametrize(("status", "code"), [(400, 1), (404, 3), (401, 4), (403, 4), (409, 6), (429, 6), (503, 6)])
def test_an_error_is_one_line_and_an_exit_code(status: int, code: int) -> None:
    problem = {"code": "the_code", "detail": "what was wrong\nand more"}
    with serving(lambda asked: as_json(problem, status)) as (url, _):
        done = run(url, "article", "7")
        assert done.returncode == code
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("wiredesk: what was wrong and more [the_code]")


def test_nobody_there_is_exit_code_5_and_wrong_usage_2() -> None:
    with serving(lambda asked: as_json({})) as (url, _):
        pass
    done = run(url, "queue")
    assert (done.returncode, len(done.stderr.splitlines())) == (5, 1)
    assert run("ftp://x", "queue").returncode == 2
    assert run(url, "article", "seven").returncode == 2


def test_tail_prints_a_cloudevent_a_line_and_ctrl_c_ends_it_quietly() -> None:
    def script(asked: Asked) -> Answer:
        after = int(asked.headers["last-event-id"])
        return sse(b"retry: 60000\n\n", event(after + 1, "Ferries \u001b]0;x\u0007stop"), event(after + 2))

    with (
        serving(script) as (url, _),
        subprocess.Popen(
            command(url, "tail", "--after", "4", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        assert child.stdout is not None and child.stderr is not None
        assert [json.loads(child.stdout.readline())["id"] for _ in range(2)] == ["5", "6"]
        assert "connecting again" in child.stderr.readline()
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert child.stderr.read().strip() == ""


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    def script(asked: Asked) -> Answer:
        after = int(asked.headers["last-event-id"])
        return sse(*(event(after + n, "x" * 2000) for n in range(1, 200)))

    with (
        serving(script) as (url, _),
        subprocess.Popen(command(url, "tail", "--after", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
    ):
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        child.wait(30)
        told = child.stderr.read().decode()
        assert "Traceback" not in told and "Broken" not in told and "Exception" not in told, told


def test_status_says_why_it_is_not_ready_and_fails() -> None:
    with serving(lambda asked: as_json({"reason": "Redis cannot be reached"}, 503)) as (url, _):
        done = run(url, "status", "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout) == {"ready": False, "reason": "Redis cannot be reached"}


def test_a_failed_ping_is_exit_code_1() -> None:
    with serving(lambda asked: as_json({"status_code": 500, "attempt": 1})) as (url, _):
        assert run(url, "webhooks", "test", "w1").returncode == 1
    with serving(lambda asked: as_json({"status_code": 204, "attempt": 1})) as (url, _):
        assert run(url, "webhooks", "test", "w1").returncode == 0


def test_the_server_is_started_and_stopped_only_where_it_is_installed(tmp_path: Path) -> None:
    run_in = [sys.executable, "-c", "from wiredesk.cli import main; main()"]
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "WIREDESK_"))}
    alone |= {"WIREDESK_HOME": str(tmp_path / "home")}
    beside = alone | {"PYTHONPATH": str(Path(__file__).parents[2])}
    found = []
    for environment in (beside, alone):
        importing = [sys.executable, "-c", "import deploy.local, shared.migrate"]
        found.append(
            subprocess.run(importing, env=environment, cwd=tmp_path, capture_output=True, check=False).returncode == 0
        )
        told = subprocess.run(
            [*run_in, "--help"], capture_output=True, text=True, env=environment, cwd=tmp_path, check=True
        )
        assert ({"up", "down", "migrate"} <= set(told.stdout.split())) is found[-1]
    assert found[0], "beside the server it is there: else this test would prove nothing"
    done = subprocess.run([*run_in, "down"], capture_output=True, text=True, env=beside, cwd=tmp_path, check=False)
    assert done.returncode == 3, "the exit code of `python -m deploy.local --down` where nothing runs"


def test_a_preview_tells_the_days_the_newest_and_who_finds_them_too() -> None:
    told = {"days": [{"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "count": 3}], "total": 3,
            "exact": False, "sample": [{"id": 7, "title": "Ferries \u001b[31mstop"}],
            "overlap": [{"id": 1, "name": "Boats", "count": 2, "share": 0.667}]}  # fmt: skip
    with serving(lambda asked: as_json(told)) as (url, asked):
        done = run(url, "searches", "preview", "--q", "ferry", "--place", "PT")
    assert json.loads(asked[0].body) == {"filters": {"q": "ferry", "place": ["PT"]}, "days": 7}
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines == [
        "DAY ARTICLES", "2026-03-01 3", "3 in all, estimated", "7: Ferries [31mstop", "also found by: Boats (67%)"
    ]  # fmt: skip
