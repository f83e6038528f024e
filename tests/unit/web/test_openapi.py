"""The document says what the routes are."""

import json

from openapi_spec_validator import OpenAPIV31SpecValidator

from cti.web.openapi import document
from cti.web.server import ROUTES

DOCUMENT = json.loads(json.dumps(document(ROUTES, version="1.2.3")))


def test_it_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described_in_words() -> None:
    operations = {
        (method, path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method.lower(), route.path) for route in ROUTES}
    assert [place for place, operation in operations.items() if not operation["summary"]] == []


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_no_route_is_open_by_mistake() -> None:
    opened = {route.path for route in ROUTES if route.deed is None}
    assert opened == {"/api/v1/site", "/api/v1/session", "/healthz", "/readyz"}
