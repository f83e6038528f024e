"""``cti run`` and ``cti demo``: the daemon, and the daemon with a PBX that plays recorded calls."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from cti.cli import DONE, Config, app, run, say
from cti.errors import CtiError

log = structlog.get_logger()


@app.command(name="run")
def run_service(
    config: Config = None,
    roles: Annotated[
        str, typer.Option(help="What this process does: pbx, push, web; all of it when not said.", show_default=False)
    ] = "",
) -> None:
    """Serve, until told to stop (Ctrl-C, SIGTERM)."""
    run(lambda: _run(config, roles))


async def _run(config: Path | None, roles: str) -> int:
    from cti import app as service
    from cti import log as logs
    from cti import settings

    given = settings.load(config, {**os.environ, "CTI_ROLES": roles} if roles else os.environ)
    logs.configure(level=given.log.level, form=given.log.format)

    def started(what: service.Started) -> None:
        console = f"console at {what.url}" if what.url else "no console here"
        pbxs = ", ".join(what.pbxs) or ("none configured" if "pbx" in given.roles else "read elsewhere")
        say(f"cti: {console}  PBX: {pbxs}  (Ctrl-C stops)")

    await until_stopped(service.run(given, started=started))
    return DONE


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the console; the sockets take the next one.")] = 8088,
    customers: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="How many there are in the database.")
    ] = 50_000,
    speed: Annotated[
        float, typer.Option(min=0.1, max=60, help="1: calls at a pace for people; 10: a busy day at a glance.")
    ] = 1.0,
    fresh: Annotated[bool, typer.Option(help="Forget the demo's database of last time.")] = False,
) -> None:
    """A day in a small contact center, from recorded real calls. No PBX, no database server, nothing to configure."""
    run(lambda: _demo(port, customers, speed, fresh))


async def _demo(port: int, customers: int, speed: float, fresh: bool) -> int:
    from cti.demo import serve_demo

    await until_stopped(serve_demo(port=port, customers=customers, speed=speed, is_fresh=fresh, say=say))
    return DONE


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends by itself, or SIGINT or SIGTERM asks it to stop; then it may tidy up. What nobody foresaw is logged
    with all that led to it."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await task
        except* CtiError:
            raise
        except* Exception:
            log.exception("service_failed")
            raise
