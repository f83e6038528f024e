"""The few pages of a process that serves no console: is it alive, is it ready, its figures. No log-in, no record."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from cti.web import metrics
from cti.web.errors import problem
from cti.web.health import ready_view
from cti.web.ports import Health
from cti.web.schemas import AliveView

_encoder: Final = msgspec.json.Encoder()


def make_probe(
    health: Health, registry: CollectorRegistry, *, version: str, stands_by: bool = False
) -> web.Application:
    """``stands_by``: there will be a console here once another process ends, and until then whoever asks is to come again."""

    async def alive(_: web.Request) -> web.Response:
        return _json(AliveView(version=version), 200)

    async def ready(_: web.Request) -> web.Response:
        view = ready_view(await health())
        return _json(view, 200 if view.ready else 503)

    async def figures(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def later(_: web.Request) -> web.Response:
        return problem(503, "standing_by", "another process serves; this one stands by", {"Retry-After": "5"})

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", figures)])
    if stands_by:
        app.router.add_route("*", "/{any:.*}", later)
    return app


async def serve_probe(
    health: Health,
    registry: CollectorRegistry,
    *,
    version: str,
    host: str,
    port: int,
    stands_by: bool = False,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Until cancelled. Raises OSError where the port is taken."""
    pages = make_probe(health, registry, version=version, stands_by=stands_by)
    runner = web.AppRunner(pages, access_log=None, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        started()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _json(body: msgspec.Struct, status: int) -> web.Response:
    return web.Response(body=_encoder.encode(body), status=status, content_type="application/json")
