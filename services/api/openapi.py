"""The OpenAPI 3.1 document: routes say what they take and give in one call, the models do the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from services.api import examples, params, problems
from services.api import paths as _paths  # noqa: F401 - routes say {id:number}, and are all described by this
from services.api.params import Param
from services.api.problems import Problem
from services.api.schemas import ProblemDocument

ABOUT = """The enriched stream of a newsroom's feeds. One `position` orders everything: lists say at which position
they were read, events carry theirs, and every stream resumes from one."""
_REF = "#/components/schemas/{model}"
_ALWAYS = (
    *("bad_value", "unknown_parameter", "unauthorized", "forbidden", "wrong_host", "rate_limited"),
    *("internal", "unavailable"),
)
_BODY = ("bad_body", "unsupported_media_type", "too_large")
_FRAMEWORKS = ("HTTPValidationError", "ValidationError")
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
_ENTITY = {"type": "string", "minLength": 1}
_models: dict[str, type[BaseModel]] = {ProblemDocument.__name__: ProblemDocument}


def described(
    answer: type[BaseModel] | None,
    *,
    takes: Sequence[Param] = (),
    body: type[BaseModel] | None = None,
    body_types: Sequence[str] = (),
    status: int = 200,
    also: dict[str, Any] | None = None,
    otherwise: tuple[int, type[BaseModel]] | None = None,
    fails: Sequence[str] = (),
) -> dict[str, Any]:
    """What a route takes and gives, as keyword arguments of its decorator.

    `also` are further media types of the answer with their schemas, `otherwise` another status that is a success,
    `fails` the problem codes beside those that follow from what is taken.
    """
    reads = _BODY if body is not None or body_types else ()
    responses = _responses(answer, status, also or {}, (*_ALWAYS, *(("bad_json",) if body else ()), *reads, *fails))
    if otherwise is not None:
        responses[str(otherwise[0])] = {"description": "as asked for"} | _content(otherwise[1], {})
    told: dict[str, Any] = {"responses": dict(sorted(responses.items()))}
    if takes:
        told["parameters"] = params.openapi(takes)
    if body is not None:
        _models[body.__name__] = body
        schema = {"$ref": _REF.format(model=body.__name__)}
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if body_types:
        told["requestBody"] = {"required": True, "content": {t: {"schema": {"type": "string"}} for t in body_types}}
    kept: dict[str, Any] = {"openapi_extra": told, "response_model": None, "status_code": status}
    # Without a model of its own the framework would add its default type to those told.
    return kept | ({"response_class": Response} if answer is None else {})


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once per process."""
    if app.openapi_schema is None:
        told = get_openapi(
            title=app.title, version=app.version, openapi_version="3.1.0", description=ABOUT, routes=app.routes
        )
        _, schemas = models_json_schema([(m, "validation") for m in _models.values()], ref_template=_REF)
        components = told.setdefault("components", {})
        components.setdefault("schemas", {}).update(schemas["$defs"])
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "wd_…"}}
        told["security"] = [{"key": []}, {}]
        for path in told["paths"].values():
            for operation in path.values():
                _ours(operation)
        for name in _FRAMEWORKS:
            components["schemas"].pop(name, None)
        examples.attach(told)
        app.openapi_schema = told
    return app.openapi_schema


def _ours(operation: dict[str, Any]) -> None:
    """Take out what the framework adds for checks that it does not make here; say what numbers in a path are."""
    invalid = operation["responses"].get("422", {}).get("content", {})
    if any(_FRAMEWORKS[0] in str(told.get("schema")) for told in invalid.values()):
        invalid.pop("application/json", None)
        if not invalid:
            del operation["responses"]["422"]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"] = _ENTITY if parameter["name"] == "entity_id" else _NUMBER


def _content(answer: type[BaseModel] | None, also: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {"schema": schema} for kind, schema in also.items()}
    if answer is not None:
        _models[answer.__name__] = answer
        content = {"application/json": {"schema": {"$ref": _REF.format(model=answer.__name__)}}} | content
    return {"content": content} if content else {}


def _responses(
    answer: type[BaseModel] | None, status: int, also: dict[str, Any], fails: Sequence[str]
) -> dict[str, Any]:
    told: dict[str, Any] = {str(status): {"description": "as asked for"} | _content(answer, also)}
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(fails):
        by_status.setdefault(problems.CODES[code][0], []).append(code)
    for failed, codes in sorted(by_status.items()):
        told[str(failed)] = {
            "description": "; ".join(f"`{code}`: {problems.CODES[code][1]}" for code in codes),
            "content": {
                problems.MEDIA_TYPE: {
                    "schema": {"$ref": _REF.format(model=ProblemDocument.__name__)},
                    "example": problems.document(Problem(codes[0], problems.CODES[codes[0]][1])),
                }
            },
        }
    return told
