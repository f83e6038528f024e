"""An outside service asked for a flow: what becomes of its answer, and of every way not to give one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.egress import Egress, EgressRules
from cti.errors import EgressRefused, EgressUnavailable
from cti.ivr.requests import Fetch, Fetched, Unreachable
from cti.ivr.services import DEEPEST, LONGEST, MOST, ask_service
from tests.conftest import LogLines

ORDER: Final = "4711-0815"


@dataclass(slots=True)
class Answers(Egress):
    """Answers with what it is given, and keeps what it was asked."""

    answer: dict[str, Any] | Exception = field(default_factory=dict)
    asked: list[tuple[str, object]] = field(default_factory=list)

    async def ask(self, url: str, *, body: object = None, **_: Any) -> dict[str, object]:
        self.asked.append((url, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def fetch(url: str = "https://shop.example.org/orders/{order}", **more: Any) -> Fetch:
    known: dict[str, Any] = {"method": "GET", "values": {"order": ORDER}, "body": {}, "budget_s": 2.0}
    return Fetch(url=url, **known | more)


async def told(answer: dict[str, Any]) -> dict[str, str]:
    got = await ask_service(Answers(answer=answer), fetch())
    assert isinstance(got, Fetched)
    return dict(got.values)


# ---- made flat


@pytest.mark.parametrize(
    ("answer", "flat"),
    [
        ({"order": {"status": "sent", "parcel": {"nr": 7}}}, {"order.status": "sent", "order.parcel.nr": "7"}),
        ({"price": 12.5, "paid": True, "open": False}, {"price": "12.5", "paid": "true", "open": "false"}),
        ({"items": [1, 2], "note": None, "status": "sent"}, {"status": "sent"}),
        ({"a": {"b": {"c": {"d": "deep", "e": {"f": "too deep"}}}}}, {"a.b.c.d": "deep"}),
        ({"text": "x" * 500}, {"text": "x" * LONGEST}),
        ({"": "nameless", "a b": "1", "../x": "2"}, {"": "nameless", "a b": "1", "../x": "2"}),
        ({}, {}),
    ],
    ids=["nested", "plain", "lists and null", "deep", "long", "hostile keys", "empty"],
)
async def test_an_answer_is_made_flat(answer: dict[str, Any], flat: dict[str, str]) -> None:
    assert await told(answer) == flat


async def test_a_service_cannot_fill_our_memory() -> None:
    assert len(await told({f"k{n}": n for n in range(10_000)})) == MOST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=8))
def test_whatever_it_says_a_flow_gets_short_texts_by_name(answer: dict[str, Any]) -> None:
    values = asyncio.run(told(answer))
    assert len(values) <= MOST
    assert {type(value) for value in values.values()} <= {str}
    assert max(map(len, values.values()), default=0) <= LONGEST


@given(st.integers(1, 60))
def test_no_depth_is_too_deep(depth: int) -> None:
    answer: dict[str, Any] = {"end": "here"}
    for _ in range(depth):
        answer = {"in": answer}
    assert len(asyncio.run(told(answer))) == (depth < DEEPEST)


# ---- what is asked


async def test_values_are_encoded_into_the_url() -> None:
    egress = Answers()
    await ask_service(
        egress, fetch("https://shop.example.org/o/{order}?l={language}", values={"order": "a b", "language": "zh&x"})
    )
    assert egress.asked == [("https://shop.example.org/o/a%20b?l=zh%26x", None)]


async def test_a_post_has_its_body_and_a_get_has_none() -> None:
    egress = Answers()
    await ask_service(egress, fetch(method="POST", body={"code": "7"}))
    await ask_service(egress, fetch(method="GET", body={"code": "7"}))
    assert [body for _, body in egress.asked] == [{"code": "7"}, None]


# ---- no answer


@pytest.mark.parametrize(
    ("request_", "answer", "reason"),
    [
        (fetch(values={}), {}, "nothing is known for {order}"),
        (fetch(values={"order": "../admin"}), {}, "what stands for {order} cannot be a part of a path"),
        (fetch("file:///etc/passwd"), {}, "is no template of a URL"),
        (fetch(), EgressRefused("it is at 10.0.0.7, which is no public address"), "10.0.0.7"),
        (fetch(), EgressUnavailable("no answer within 2.0 s"), "no answer within 2.0 s"),
    ],
    ids=["a value is missing", "a value that is a path", "no template", "refused", "too slow"],
)
async def test_without_an_answer_there_is_a_reason(
    request_: Fetch, answer: Any, reason: str, log_lines: LogLines
) -> None:
    got = await ask_service(Answers(answer=answer), request_)
    assert isinstance(got, Unreachable)
    assert reason in got.reason
    assert [line["event"] for line in log_lines()] == ["ivr_service_unreachable"]


# ---- over a socket


Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def service(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


async def test_inside_the_house_only_whom_the_operator_names() -> None:
    async def answers(_request: web.Request) -> web.Response:
        return web.json_response({"status": "sent"})

    async with service(answers) as origin:
        refused = await ask_service(Egress(EgressRules()), fetch(f"{origin}/{{order}}"))
        named = await ask_service(Egress(EgressRules(origins=(origin,))), fetch(f"{origin}/{{order}}"))
    assert isinstance(refused, Unreachable)
    assert named == Fetched({"status": "sent"})


async def test_a_post_arrives_as_json() -> None:
    async def mirrors(request: web.Request) -> web.Response:
        return web.json_response({"heard": await request.text(), "kind": request.content_type})

    async with service(mirrors) as origin:
        egress = Egress(EgressRules(origins=(origin,)))
        got = await ask_service(egress, fetch(f"{origin}/", method="POST", body={"code": "7"}))
    assert isinstance(got, Fetched)
    assert (json.loads(got.values["heard"]), got.values["kind"]) == ({"code": "7"}, "application/json")


def says(body: str, status: int = 200) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/json")

    return answer


@pytest.mark.parametrize(
    "handler",
    [
        says("{}", 500), says("[1]"), says("sent"), says('{"a":' * 5000), says('{"n": ' + "9" * 5000 + "}"),
        says('"' + "x" * 100_000 + '"'),
    ],
    ids=["fails", "a list", "no JSON", "endlessly deep", "an endless number", "endless"],
)  # fmt: skip
async def test_no_service_can_harm_a_caller(handler: Handler) -> None:
    async with service(handler) as origin:
        egress = Egress(EgressRules(origins=(origin,)))
        got = await ask_service(egress, fetch(f"{origin}/{{order}}", budget_s=5.0))
    assert isinstance(got, Unreachable | Fetched)
    if isinstance(got, Unreachable):
        assert ORDER not in got.reason
        assert origin not in got.reason


async def test_no_caller_waits_longer_than_the_flow_says() -> None:
    gone = asyncio.Event()

    async def hangs(_request: web.Request) -> web.Response:
        await gone.wait()
        return web.Response()

    async with service(hangs) as origin, asyncio.timeout(5):
        egress = Egress(EgressRules(origins=(origin,)))
        assert await ask_service(egress, fetch(f"{origin}/", budget_s=0.05)) == Unreachable("no answer within 0.05 s")
        gone.set()


async def test_nobody_there_is_told_without_the_url(log_lines: LogLines) -> None:
    async with service(says("{}")) as origin:
        pass
    got = await ask_service(Egress(EgressRules(origins=(origin,))), fetch(f"{origin}/{{order}}"))
    assert got == Unreachable("no connection")
    assert ORDER not in repr(log_lines())
