"""``cti record``: the bytes of a PBX's events as they come, for ``cti replay`` and for bug reports."""

import asyncio
import contextlib
import gzip
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from cti.cli import DONE, FAILED, Config, app, run, say, say_error


@app.command()
def record(
    file: Annotated[
        Path, typer.Argument(help="Where to; .gz compresses. Holds customers' numbers and names: keep it safe.")
    ],
    pbx: Annotated[str, typer.Option(help="Which [[pbx]]; the first when there is one.")] = "",
    seconds: Annotated[float, typer.Option(min=0, help="How long; until Ctrl-C without.", show_default=False)] = 0,
    config: Config = None,
) -> None:
    """Write a PBX's events to a file, byte by byte as they come, with the snapshot they begin from."""
    run(lambda: _record(file, pbx, seconds, config))


async def _record(file: Path, name: str, seconds: float, config: Path | None) -> int:
    from cti import settings
    from cti.calls.call import PbxName
    from cti.calls.transitions import CallChanged
    from cti.cli.pbxs import pbxs_named
    from cti.telephony.asterisk.ami_link import AmiLink
    from cti.telephony.link import LinkChanged, News
    from cti.telephony.make import endpoints, events_account

    given = settings.load(config)
    chosen = pbxs_named(given, name)[0]
    calls = 0

    def heard(news: News) -> None:
        nonlocal calls
        if isinstance(news, CallChanged):
            calls += not news.after.is_live
        elif isinstance(news, LinkChanged):
            say_error(f"{news.pbx}: {news.state}{': ' + news.reason if news.reason else ''}")

    with _opened(file) as out:
        link = AmiLink(
            PbxName(chosen.name), events_account(chosen), endpoints(chosen), tap=lambda data: _written(out, data)
        )
        began = time.monotonic()
        await _until_told(link.run(heard), seconds)
        size = out.tell()
    say(f"{file}: {size} bytes, {link.figures.events} events, {calls} calls in {time.monotonic() - began:.0f} s")
    return DONE if link.figures.connects else FAILED


def _opened(file: Path) -> "BinaryIO":
    from cti.errors import ConfigError

    try:
        return gzip.open(file, "wb") if file.suffix == ".gz" else file.open("wb")  # type: ignore[return-value]
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error


def _written(out: BinaryIO, data: bytes) -> None:
    out.write(data)


async def _until_told(work: Coroutine[Any, Any, None], seconds: float) -> None:
    """Until the time is over, or somebody presses Ctrl-C."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError, TimeoutError):
        async with asyncio.timeout(seconds or None):
            await task
