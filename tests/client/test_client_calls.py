"""What the client asks for and how it reads the answers; one source for both clients; nothing of the server inside."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scripted import Answer, Asked, as_json, serving
from wiredesk import ApiError, Article, NotAllowed, NotFound, TryLater, Unexpected, Unreachable, Wiredesk
from wiredesk.errors import retry_after_s

CLIENT = Path(__file__).parents[2] / "client"
ALLOWED = {"httpx", "pydantic", "typer", "wiredesk"}


def test_the_client_imports_its_three_dependencies_and_nothing_of_the_server() -> None:
    for path in sorted((CLIENT / "wiredesk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.split(".")[0] for name in names}
            extra = {"mcp"} if path == CLIENT / "wiredesk" / "mcp.py" else set()  # the one that needs wiredesk[mcp]
            assert roots <= ALLOWED | extra | set(sys.stdlib_module_names), f"{path}: {roots}"


def test_the_sync_client_is_made_from_the_async_one() -> None:
    done = subprocess.run(
        [sys.executable, CLIENT / "make_sync.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_all_pages_are_read_and_the_key_goes_to_no_other_host() -> None:
    def script(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Bearer wd_secret"
        if "cursor" in asked.query:
            return as_json({"items": [{"id": 3}], "next": None, "position": 9})
        assert asked.query["from"] == ["2026-03-02T00:00:00+00:00"]
        return as_json(
            {"items": [{"id": 1}, {"id": 2}], "next": "http://evil.example/x?cursor=abc&lang=en", "position": 9}
        )

    with serving(script) as (url, asked), Wiredesk(url, key="wd_secret") as desk:
        found = [a.id for a in desk.articles(lang="en", published_from=datetime(2026, 3, 2, tzinfo=UTC))]
        assert found == [1, 2, 3]
        assert [a.path for a in asked] == ["/v1/articles"] * 2
        assert asked[1].query == {"cursor": ["abc"], "lang": ["en"]}


def test_an_api_below_a_path_is_reached() -> None:
    with serving(lambda asked: as_json({"items": [], "position": 4})) as (url, asked), Wiredesk(url + "/desk/") as desk:
        assert desk.head() == 4
        assert asked[0].path == "/desk/v1/articles"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ApiError), (401, NotAllowed), (403, NotAllowed), (404, NotFound), (429, TryLater), (503, TryLater)],
)
def test_a_problem_document_becomes_an_exception_of_its_kind(status: int, kind: type[ApiError]) -> None:
    problem = {"code": "some_code", "detail": "what was wrong"}
    with serving(lambda asked: as_json(problem, status, retry_after="7")) as (url, _), Wiredesk(url) as desk:
        with pytest.raises(kind) as raised:
            desk.article(1)
        assert type(raised.value) is kind
        assert (raised.value.status, raised.value.code, str(raised.value)) == (status, "some_code", "what was wrong")
        assert raised.value.retry_after_s == 7


def test_the_place_and_the_suggestion_stand_in_the_message() -> None:
    problem = {"code": "bad_value", "errors": [{"where": "query.lnag", "message": "unknown", "suggestion": "lang"}]}
    says = pytest.raises(ApiError, match=r"query\.lnag: unknown \(did you mean lang\?\)")
    with serving(lambda asked: as_json(problem, 400)) as (url, _), Wiredesk(url) as desk, says:
        desk.search("x")


def test_another_server_is_not_taken_for_an_empty_list() -> None:
    page = Answer(200, {"content-type": "text/html"}, (b"<html>",))
    with serving(lambda asked: page) as (url, _), Wiredesk(url) as desk, pytest.raises(Unexpected):
        desk.search("x")


def test_nobody_there_is_an_error_that_says_where() -> None:
    with serving(lambda asked: as_json({})) as (url, _):
        pass
    with Wiredesk(url) as desk, pytest.raises(Unreachable, match=url):
        desk.search("x")


def test_members_of_a_later_server_are_kept() -> None:
    article = Article.model_validate_json('{"id": 1, "mood": {"calm": 0.5}, "entities": []}')
    assert article.model_dump(exclude_unset=True) == {"id": 1, "mood": {"calm": 0.5}, "entities": []}


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert retry_after_s("120", now) == 120
    assert retry_after_s("Mon, 02 Mar 2026 08:01:00 GMT", now) == 60
    assert retry_after_s("Mon, 02 Mar 2026 07:00:00 GMT", now) == 0
    assert retry_after_s("soon", now) is None
