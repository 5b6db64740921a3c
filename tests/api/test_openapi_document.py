from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.api import problems, query
from tests.api.conftest import Newsroom


async def test_the_document_is_valid_openapi_31(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert [e.message for e in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_every_parameter_that_is_read_is_documented_and_no_other(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    for path, params in (("/v1/articles", query.ARTICLES), ("/v1/events", query.EVENTS)):
        told = {p["name"] for p in paths[path]["get"]["parameters"] if p["in"] == "query"}
        assert told == {p.name for p in params}


async def test_every_v1_route_says_what_it_answers_and_how_it_fails(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        for method, told in methods.items():
            if path.startswith("/v1/"):
                assert any(code.startswith("2") for code in told["responses"]), (method, path)
                assert "401" in told["responses"], (method, path)
                assert told.get("description"), (method, path)


async def test_path_parameters_are_documented(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    told: list[dict[str, Any]] = paths["/v1/articles/{article_id}"]["get"]["parameters"]
    assert [(p["name"], p["required"]) for p in told if p["in"] == "path"] == [("article_id", True)]


async def test_the_codes_are_a_closed_documented_list(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    told = document["components"]["schemas"]["ProblemDocument"]["properties"]["code"]["enum"]
    assert told == list(problems.CODES)


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/feeds", "/v1/sources", "/v1/ops/queues", "/v1/ops/pipeline"])
async def test_the_examples_of_the_document_are_answered(newsroom: Newsroom, api: httpx.AsyncClient, path: str) -> None:
    newsroom.article()
    document = (await api.get("/openapi.json")).json()
    for parameter in document["paths"][path]["get"].get("parameters", []):
        if "example" in parameter:
            answer = await api.get(path, params={parameter["name"]: parameter["example"]})
            assert answer.status_code == 200, (parameter["name"], answer.text)


async def test_every_route_of_the_app_is_in_the_document(api: httpx.AsyncClient) -> None:
    app = api._transport.app  # type: ignore[attr-defined]
    routers = [router.original_router for router in app.routes if hasattr(router, "original_router")]
    routes = {r.path_format for router in routers for r in router.routes if isinstance(r, APIRoute)}
    hidden = {"/", "/dashboard/{name}"}
    assert len(routes) > 50
    assert routes - hidden == set((await api.get("/openapi.json")).json()["paths"])


async def test_every_route_has_examples_that_keep_to_its_schemas(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    checked = 0
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            for where in (*told["responses"].values(), told.get("requestBody", {})):
                for kind, one in where.get("content", {}).items():
                    assert "example" in one, (method, path, kind)
                    schema = {**one["schema"], "components": document["components"]}
                    wrong = [e.message for e in Draft202012Validator(schema).iter_errors(one["example"])]
                    assert wrong == [], (method, path, kind)
                    checked += 1
            for parameter in told.get("parameters", []):
                if "example" in parameter:
                    schema = parameter["schema"].get("items", parameter["schema"])
                    assert not list(Draft202012Validator(schema).iter_errors(parameter["example"])), parameter
    assert checked > 400
