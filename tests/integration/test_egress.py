"""Asking a real HTTP server on this machine, permitted by its origin: how long, how much, and what counts as an answer."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from cti.egress import MAX_BYTES, Egress, EgressRules, url_of
from cti.errors import EgressRefused, EgressUnavailable


class Server:
    """Answers with ``body`` and ``status``, or lets a test do it its own way."""

    def __init__(self) -> None:
        self.origin = ""
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.status = 200
        self.body = b'{"state": "shipped"}'
        self.headers: dict[str, str] = {}
        self.is_stuck = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    async def never(self, _request: web.Request) -> web.StreamResponse:
        await self.is_stuck.wait()
        return web.Response()

    async def drip(self, request: web.Request) -> web.StreamResponse:
        """A header, the beginning of a body, and then nothing for ever."""
        response = await self._begun(request)
        await self.is_stuck.wait()
        return response

    async def cut(self, request: web.Request) -> web.StreamResponse:
        response = await self._begun(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async def endless(self, request: web.Request) -> web.StreamResponse:
        response = await self._begun(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 4096)
        return response

    async def _begun(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"state": ')
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made, app = Server(), web.Application()
    app.router.add_route("*", "/stuck", made.never)
    app.router.add_route("*", "/drip", made.drip)
    app.router.add_route("*", "/cut", made.cut)
    app.router.add_route("*", "/endless", made.endless)
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.origin = f"http://localhost:{runner.addresses[0][1]}"
    yield made
    made.is_stuck.set()
    await runner.cleanup()


@pytest.fixture
def egress(server: Server) -> Egress:
    return Egress(EgressRules(origins=(server.origin,)))


async def test_an_answer_is_an_object(server: Server, egress: Egress) -> None:
    url = url_of(server.origin + "/orders/{order}?lang={lang}", {"order": "A 1&2", "lang": "zh-TW"})
    assert await egress.ask(url, limit_s=5.0) == {"state": "shipped"}
    request = server.seen[0]
    assert (request.method, request.raw_path) == ("GET", "/orders/A%201%262?lang=zh-TW")
    assert server.origin.removeprefix("http://") == request.headers["Host"]


async def test_a_body_is_posted_as_json(server: Server, egress: Egress) -> None:
    await egress.ask(server.origin + "/x", limit_s=5.0, body={"code": "4711"}, headers={"Authorization": "Bearer x"})
    request = server.seen[0]
    assert request.method == "POST"
    assert json.loads(server.bodies[0]) == {"code": "4711"}
    assert (request.headers["Content-Type"], request.headers["Authorization"]) == ("application/json", "Bearer x")


async def test_what_nobody_permitted_is_not_asked_though_it_would_answer(server: Server) -> None:
    with pytest.raises(EgressRefused, match=r"no public address|port"):
        await Egress(EgressRules()).ask(server.origin, limit_s=5.0)
    port = int(server.origin.rpartition(":")[2])
    with pytest.raises(EgressRefused, match="no public address"):
        await Egress(EgressRules(ports=frozenset({port}))).ask(server.origin, limit_s=5.0)
    assert server.seen == []


@pytest.mark.parametrize("path", ["/stuck", "/drip"])
async def test_slow_from_the_start_or_in_mid_body_is_no_answer(server: Server, egress: Egress, path: str) -> None:
    with pytest.raises(EgressUnavailable, match=r"no answer within 0\.05 s"):
        await egress.ask(server.origin + path, limit_s=0.05)


async def test_the_longest_answer_is_read_and_no_byte_more(server: Server, egress: Egress) -> None:
    server.body = b'{"a": "%s"}' % (b"x" * (MAX_BYTES - 9))
    assert len(server.body) == MAX_BYTES
    assert len(str((await egress.ask(server.origin, limit_s=5.0))["a"])) == MAX_BYTES - 9
    server.body += b" "
    with pytest.raises(EgressUnavailable, match="longer than 64 KiB"):
        await egress.ask(server.origin, limit_s=5.0)


async def test_an_answer_without_end_is_left(server: Server, egress: Egress) -> None:
    with pytest.raises(EgressUnavailable, match="longer than 64 KiB"):
        await egress.ask(server.origin + "/endless", limit_s=5.0)


async def test_a_redirect_is_not_followed(server: Server, egress: Egress) -> None:
    server.status, server.headers = 302, {"Location": server.origin + "/elsewhere"}
    with pytest.raises(EgressUnavailable) as caught:
        await egress.ask(server.origin, limit_s=5.0)
    assert (caught.value.status, len(server.seen)) == (302, 1)


async def test_a_status_is_told(server: Server, egress: Egress) -> None:
    server.status = 404
    with pytest.raises(EgressUnavailable) as caught:
        await egress.ask(server.origin, limit_s=5.0)
    assert caught.value.status == 404
    assert (404, server.body) == ((reply := await egress.send(server.origin, limit_s=5.0)).status, reply.body)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[1]", b'"x"', b"null", b'{"a": NaN}', b"{", b'{"a": "\xff"}', b'{"a":' * 10000, b"[" * 60000],
    ids=["empty", "html", "list", "text", "null", "nan", "cut", "bytes", "deep objects", "deep lists"],
)
async def test_what_is_no_json_object_is_no_answer(server: Server, egress: Egress, body: bytes) -> None:
    server.body = body
    with pytest.raises(EgressUnavailable, match="no JSON object"):
        await egress.ask(server.origin, limit_s=5.0)


async def test_compressed_bytes_are_not_blown_up(server: Server, egress: Egress) -> None:
    server.headers, server.body = {"Content-Encoding": "gzip"}, gzip.compress(b'{"a": 1}')
    with pytest.raises(EgressUnavailable, match="no JSON object"):
        await egress.ask(server.origin, limit_s=5.0)


async def test_a_connection_that_ends_in_mid_body_is_no_answer(server: Server, egress: Egress) -> None:
    with pytest.raises(EgressUnavailable, match="broke off"):
        await egress.ask(server.origin + "/cut", limit_s=5.0)


async def test_nobody_at_home_is_no_answer() -> None:
    listening = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()
    await listening.wait_closed()
    with pytest.raises(EgressUnavailable, match="no connection"):
        await Egress(EgressRules(origins=(origin,))).ask(origin, limit_s=5.0)


async def test_what_is_not_http_is_no_answer() -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as listening:
        origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        with pytest.raises(EgressUnavailable, match="not HTTP"):
            await Egress(EgressRules(origins=(origin,))).ask(origin, limit_s=5.0)


async def test_tls_to_a_server_without_it_is_no_answer(server: Server) -> None:
    origin = server.origin.replace("http:", "https:")
    with pytest.raises(EgressUnavailable, match="TLS"):
        await Egress(EgressRules(origins=(origin,))).ask(origin, limit_s=5.0)
