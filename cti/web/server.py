"""The shell over aiohttp: every route of the table, guarded, read, answered; and the console's files beside them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from cti.agents.agent import Agent, AgentId
from cti.errors import Forbidden, RequestError
from cti.log import logger
from cti.store.people import Session
from cti.web import (
    agents,
    callbacks,
    calls,
    control,
    customers,
    days,
    directory,
    flows,
    guard,
    headers,
    health,
    interactions,
    metrics,
    openapi,
    pages,
    reports,
    session,
    states,
)
from cti.web.asked import Asked, Reply, Route
from cti.web.errors import problems
from cti.web.files import FileReply, as_response
from cti.web.parts import Parts, WebSite
from cti.web.recent import Who

ROUTES: Final[tuple[Route, ...]] = (
    *session.ROUTES, *calls.ROUTES, *control.ROUTES, *directory.ROUTES, *interactions.ROUTES, *customers.ROUTES, *states.ROUTES, *agents.ROUTES, *callbacks.ROUTES,
    *days.ROUTES, *reports.ROUTES, *flows.ROUTES, *health.ROUTES,
)  # fmt: skip
MAX_BODY_BYTES: Final = 128 * 1024
"""A note of 20,000 characters in any script, with room."""
_T = TypeVar("_T")
_encoder: Final = msgspec.json.Encoder()
log: Final = logger("access")


def make_app(parts: Parts) -> web.Application:
    """Everything on 8088. ``parts`` stay the caller's to start and stop; only the password threads end with the app."""
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[headers.middleware(parts.site), metrics.middleware(parts.registry), problems],
    )
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _bind(route, parts), name=_name(route))
    app.router.add_get("/metrics", _metrics(parts))
    app.router.add_get("/api/v1/openapi.json", _openapi(parts.site))
    pages.add_pages(app, parts.static, parts.site.name)
    app.on_cleanup.append(_close(parts))
    return app


async def serve(parts: Parts, *, host: str, port: int, started: Callable[[int], None] = lambda _: None) -> None:
    """Serve until cancelled; ``started`` is told the port."""
    runner = web.AppRunner(
        make_app(parts), access_log=None, logger=_quiet_logger(), handle_signals=False, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        started(runner.addresses[0][1])
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _quiet_logger() -> logging.Logger:
    """The library logs requests it cannot read, address and all, which anybody can send; our own mistakes ``errors.py`` logs."""
    quiet = logging.getLogger("cti.web.aiohttp")
    quiet.setLevel(logging.CRITICAL)
    return quiet


def _bind(route: Route, parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        guard.check_origin(request, parts.site)
        who = await guard.who_asks(request, parts) if route.deed else _nobody(parts)
        try:
            guard.check_role(who, route)
            return _response(await route.handler(await _read(request, route, parts, who)), parts.site)
        except Forbidden as no:
            log.warning("denied", agent=who.agent.id, method=route.method, route=route.path, reason=str(no))
            raise

    return answer


async def _read(request: web.Request, route: Route, parts: Parts, who: Who) -> Asked[Any, Any]:
    return Asked(
        parts=parts, who=who, path=dict(request.match_info),
        body=await _body(request, route.body) if route.body else None,
        query=_query(request.query, route.query) if route.query else None,
        address=guard.address(request, parts.site),
    )  # fmt: skip


async def _body(request: web.Request, kind: type[_T]) -> _T:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except UnicodeDecodeError:
        raise msgspec.DecodeError("not UTF-8") from None


def _query(given: Mapping[str, str], kind: type[_T]) -> _T:
    """Each key once: a query that says a thing twice is not guessed at."""
    if len(given) != len(set(given)):
        raise RequestError("a key stands twice in the query")
    return msgspec.convert(dict(given), kind, strict=False)


def _response(reply: Reply, site: WebSite) -> web.StreamResponse:
    if isinstance(reply, FileReply):
        return as_response(reply)
    body = _encoder.encode(reply.body) if reply.body is not None else None
    response = web.Response(body=body, status=reply.status, headers=reply.headers)
    if body is not None:
        response.content_type = "application/json"
    if reply.cookie is not None:
        response.set_cookie(
            guard.COOKIE, reply.cookie.value, max_age=int(reply.cookie.max_age_s), httponly=True, samesite="Strict",
            secure=site.is_https, path="/",
        )  # fmt: skip
    return response


def _nobody(parts: Parts) -> Who:
    agent = AgentId("")
    return Who(Agent(id=agent, name=""), Session("", agent, parts.clock()))


def _metrics(parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def give(_: web.Request) -> web.StreamResponse:
        return web.Response(body=metrics.text(parts.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return give


def _openapi(site: WebSite) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    document = _encoder.encode(openapi.document(ROUTES, version=site.version))

    async def give(_: web.Request) -> web.StreamResponse:
        return web.Response(body=document, content_type="application/json")

    return give


def _close(parts: Parts) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_: web.Application) -> None:
        parts.passwords.close()

    return close


def _name(route: Route) -> str:
    return route.handler.__name__
