"""What listens on ports: each is a task, and a port that is taken is said in the operator's words."""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry

from cti import __version__, settings
from cti.app import values
from cti.errors import ConfigError
from cti.reception import Reception
from cti.screenpop.hub import Hub
from cti.screenpop.server import DesktopServer
from cti.screenpop.tickets import Tickets
from cti.web import server as web_server
from cti.web.parts import Parts
from cti.web.ports import Health
from cti.web.probe import serve_probe

Listener = Callable[[asyncio.Event], Awaitable[None]]
"""Serves until cancelled; the event is set once it listens."""


def web(given: settings.Settings, parts: Parts) -> Listener:
    async def serve(is_up: asyncio.Event) -> None:
        with port_taken("web", given.web.host, given.web.port):
            await web_server.serve(parts, host=given.web.host, port=given.web.port, started=lambda _: is_up.set())

    return serve


def desktops(given: settings.Settings, hub: Hub, tickets: Tickets) -> Listener:
    server = DesktopServer(values.socket_settings(given), hub, tickets)

    async def serve(is_up: asyncio.Event) -> None:
        with port_taken("push", given.push.host, given.push.port):
            await server.run(lambda _: is_up.set())

    return serve


def callers(given: settings.Settings, reception: Reception) -> Listener:
    async def serve(is_up: asyncio.Event) -> None:
        with port_taken("ivr", given.ivr.host, given.ivr.port):
            await reception.run(is_up)

    return serve


def probe(
    given: settings.Settings, health: Health, registry: CollectorRegistry, *, stands_by: bool = False
) -> Listener:
    """Health and figures, where there is no console."""

    async def serve(is_up: asyncio.Event) -> None:
        with port_taken("web", given.web.host, given.web.port):
            await serve_probe(
                health, registry, version=__version__, host=given.web.host, port=given.web.port, stands_by=stands_by,
                started=is_up.set,
            )  # fmt: skip

    return serve


def listen(
    tasks: asyncio.TaskGroup, listeners: dict[str, Listener], all_up: Callable[[], None] = lambda: None
) -> list["asyncio.Task[None]"]:
    """One task each; ``all_up`` is called once all listen."""
    events = {name: asyncio.Event() for name in listeners}

    async def serve(name: str) -> None:
        await listeners[name](events[name])

    async def say() -> None:
        await asyncio.gather(*(event.wait() for event in events.values()))
        all_up()

    saying = tasks.create_task(say(), name="say-started")
    return [saying, *(tasks.create_task(serve(name), name=name) for name in listeners)]


@contextlib.contextmanager
def port_taken(section: str, host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise
        what = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "may not be used by this user"}
        why = what.get(error.errno or 0, "is no address of this machine")
        raise ConfigError(f"{section}.port: {host}:{port} {why}; choose another, or stop what listens there") from error
