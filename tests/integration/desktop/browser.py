"""What a browser does, without the browser: a cookie, an Origin, a socket. Every answer is held against OpenAPI."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import aiohttp
import jsonschema
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cti.web.openapi import document
from cti.web.server import ROUTES
from tests.integration.desktop.house import PASSWORD, House

DOCUMENT = json.loads(json.dumps(document(ROUTES, version="test")))
_PATHS = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$") for path in DOCUMENT["paths"]}


class Browser:
    def __init__(self, house: House, origin: str | None = None) -> None:
        self.house = house
        self.origin = house.origin if origin is None else origin
        self.headers: dict[str, str] = {}
        self._session = aiohttp.ClientSession(base_url=house.origin, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def cookie(self) -> str:
        return next((cookie.value for cookie in self._session.cookie_jar if cookie.key == "cti_session"), "")

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON."""
        said = ({"Origin": self.origin} if self.origin else {}) | self.headers | (headers or {})
        async with self._session.request(method, path, json=body, headers=said) as response:
            data = await response.read()
            answer = json.loads(data) if data else None
            fits(method, path.partition("?")[0], response, answer)
            return response.status, answer

    async def response(self, method: str, path: str, **more: Any) -> aiohttp.ClientResponse:
        response = await self._session.request(method, path, **more)
        await response.read()
        return response

    async def log_in(self, agent: str = "mara", password: str = PASSWORD) -> Self:
        status, answer = await self.ask("POST", "/api/v1/session", {"agent": agent, "password": password})
        assert status == 201, answer
        return self

    async def ticket(self) -> str:
        status, answer = await self.ask("POST", "/api/v1/session/ticket")
        assert status == 201, answer
        return str(answer["ticket"])

    @contextlib.asynccontextmanager
    async def socket(self, **hello: Any) -> AsyncIterator["Desktop"]:
        async with open_socket(self.house, self.origin) as ws:
            desktop = Desktop(ws)
            await desktop.say(type="hello", ticket=await self.ticket(), **hello)
            yield desktop


class Desktop:
    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws

    async def say(self, **message: Any) -> None:
        await self.ws.send(json.dumps(message))

    async def hears(self) -> dict[str, Any]:
        return json.loads(await self.ws.recv())

    async def hears_of(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds; others are passed over."""
        while True:
            message = await self.hears()
            if message["type"] in kinds:
                return message

    async def closed(self) -> int | None:
        """Read to the end; the code it was closed with."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.ws.recv()
        return self.ws.close_code


def open_socket(house: House, origin: str | None, **more: Any) -> connect:
    return connect(house.ws_url, origin=origin, compression=None, ping_interval=None, **more)  # type: ignore[arg-type]


def fits(method: str, path: str, response: aiohttp.ClientResponse, answer: Any) -> None:
    """Is this an answer that OpenAPI describes for this route?"""
    known = next((name for name, pattern in sorted(_PATHS.items()) if pattern.match(path)), None)
    if known is None or method.lower() not in DOCUMENT["paths"][known]:
        return
    described = DOCUMENT["paths"][known][method.lower()]["responses"].get(str(response.status))
    assert described is not None, f"{method} {known} gave {response.status}, which is not described"
    content = described.get("content", {}).get(response.content_type)
    if answer is None:
        assert "content" not in described, f"{method} {known} gave nothing"
        return
    assert content is not None, f"{method} {known} gave {response.content_type}, which is not described"
    jsonschema.validate(answer, content["schema"] | {"components": DOCUMENT["components"]})
