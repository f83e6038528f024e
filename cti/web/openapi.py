"""OpenAPI 3.1, written from the route table and the Structs of ``schemas.py``; nothing in it is kept by hand."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec

from cti.web.asked import Route
from cti.web.files import FileRoute
from cti.web.schemas import ProblemBody

_PLACE: Final = re.compile(r"\{(\w+)\}")
_REF: Final = "#/components/schemas/{name}"
Json = dict[str, Any]


def document(routes: Iterable[Route], *, version: str) -> Json:
    table = tuple(routes)
    kinds: list[type[msgspec.Struct]] = list(
        dict.fromkeys([*(kind for route in table for kind in (route.body, route.gives) if kind), ProblemBody])
    )
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    refs = dict(zip(kinds, schemas, strict=True))
    paths: Json = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cti",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


_ABOUT: Final = (
    "Additive changes only within v1: ignore fields you do not know. Times are RFC 3339 in UTC, durations seconds. "
    "Errors are RFC 9457 problem+json with a `code` for programs."
)
_SCHEMES: Final = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": "cti_session"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def _operation(route: Route, refs: dict[type[msgspec.Struct], Json]) -> Json:
    said: Json = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_in_path(route), *_in_query(route)],
        "responses": _responses(route, refs),
        "security": [{"cookie": []}, {"bearer": []}] if route.deed else [],
    }
    if route.body:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[route.body]}}}
    return said


def _responses(route: Route, refs: dict[type[msgspec.Struct], Json]) -> Json:
    good: Json = {"description": HTTPStatus(route.status).phrase}
    if route.gives:
        good["content"] = {"application/json": {"schema": refs[route.gives]}}
    if isinstance(route, FileRoute):
        good["content"] = good.get("content", {}) | {media: {} for media in route.files}
    bad = {"content": {"application/problem+json": {"schema": refs[ProblemBody]}}}
    statuses = {400, *((401, 403) if route.deed else (403, 429)), *route.refuses, 500, 503}
    if route.body:
        statuses |= {413, 415, 429}
    refused = {str(status): {"description": HTTPStatus(status).phrase} | bad for status in sorted(statuses)}
    if route.path == "/readyz" and route.gives:
        refused["503"] = {
            "description": "A part has failed",
            "content": {"application/json": {"schema": refs[route.gives]}},
        }
    return {str(route.status): good} | refused


def _in_path(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]


def _in_query(route: Route) -> list[Json]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    fields = components[route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()]


def _tag(route: Route) -> str:
    return route.path.removeprefix("/api/v1").split("/")[1]
