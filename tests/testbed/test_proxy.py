"""The proxy itself: what it does to a connection, seen from both ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.testbed.proxy import TcpProxy


@contextlib.asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[tuple[TcpProxy, asyncio.StreamReader, asyncio.StreamWriter]]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        yield proxy, reader, writer
        writer.close()


async def test_forwards_both_ways() -> None:
    async with echo_behind_proxy() as (_, reader, writer):
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"


async def test_a_cut_is_seen_at_once() -> None:
    async with echo_behind_proxy() as (proxy, reader, writer):
        writer.write(b"ping")
        await reader.readexactly(4)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.readexactly(1), 2)


async def test_what_a_stall_held_back_arrives_afterwards() -> None:
    async with echo_behind_proxy() as (proxy, reader, writer):
        proxy.stall()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(4), 0.2)
        proxy.go_on()
        assert await asyncio.wait_for(reader.readexactly(4), 2) == b"late"


async def test_half_open_swallows_and_says_nothing() -> None:
    async with echo_behind_proxy() as (proxy, reader, writer):
        proxy.go_silent()
        writer.write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.2)
        proxy.go_on()
        writer.write(b"found")
        assert await asyncio.wait_for(reader.readexactly(5), 2) == b"found"


async def test_a_refusing_proxy_closes_new_connections() -> None:
    async with echo_behind_proxy() as (proxy, _, _writer):
        proxy.refuse = True
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(1), 2) == b""
        writer.close()
