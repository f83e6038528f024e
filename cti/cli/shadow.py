"""``cti shadow``: beside a PBX that works already, reading only: do our figures agree with its own?"""

import asyncio
import re
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cti.cli import DONE, FAILED, AsJson, Config, app, run, say, say_error
from cti.cli.pbxs import pbxs_named
from cti.errors import ConfigError, RequestError
from cti.settings import Pbx, Settings

if TYPE_CHECKING:
    from cti.reconcile.reading import RecordsPlaces
    from cti.reconcile.shadow import Watched
    from cti.telephony.link import LinkChanged

_UNITS = {"s": 1, "m": 60, "h": 3600}
KINDS = {
    "missing_here": "we missed", "missing_there": "only we have", "doubled": "we doubled", "outcome": "another outcome",
    "agent": "another agent", "queue": "another queue", "time": "another time",
}  # fmt: skip


@app.command()
def shadow(
    pbx: Annotated[str, typer.Option(help="Which [[pbx]]; the first when there is one.")] = "",
    lasts: Annotated[str, typer.Option("--for", help="10m, 2h; until Ctrl-C without.", show_default=False)] = "",
    queue_log: Annotated[
        str, typer.Option(help="Instead of the settings': a file or a table.", show_default=False)
    ] = "",
    cdr: Annotated[str, typer.Option(help="The same for the call detail records.", show_default=False)] = "",
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, max=60, help="Seconds by which times may differ: two threads of a busy PBX note one moment."
        ),
    ] = 0.25,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Listen beside an existing PBX, then compare call by call with its queue_log and CDR. Exit code 1 where they differ.

    It reads only: with the events account, and no database of yours is touched.
    """
    seconds = _seconds(lasts)
    run(lambda: _shadow(pbx, seconds, queue_log, cdr, tolerance, json, config))


async def _shadow(
    pbx: str, seconds: float | None, queue_log: str, cdr: str, tolerance_s: float, json: bool, config: Path | None
) -> int:
    from cti import settings
    from cti.reconcile.shadow import watch
    from cti.telephony.make import events_account

    given = settings.load(config)
    chosen = pbxs_named(given, pbx)[0]
    places = _places(given, chosen, queue_log, cdr)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    async def stop() -> None:
        try:
            async with asyncio.timeout(seconds):
                await stopped.wait()
        except TimeoutError:
            return

    def told(link: "LinkChanged") -> None:
        say_error(f"{link.pbx}: {link.state}{': ' + link.reason if link.reason else ''}")

    watched = await watch(events_account(chosen), places, stop, told=told, tolerance_s=tolerance_s)
    if watched is None:
        say_error(f"{places.pbx} was never reached; `cti check` says why")
        return FAILED
    _report_json(watched) if json else _report(watched)
    return DONE if watched.comparison.agrees else FAILED


def _places(given: Settings, pbx: Pbx, queue_log: str, cdr: str) -> "RecordsPlaces":
    from dataclasses import replace

    from cti.app.backfilling import records_of
    from cti.reconcile.reading import check

    known = records_of(pbx, given.site.time_zone)
    places = replace(known, queue_log=queue_log or known.queue_log, cdr=cdr or known.cdr)
    if not places.is_known:
        raise ConfigError("nothing to compare with: give --queue-log /var/log/asterisk/queue_log, --cdr, or both")
    wrong = check(places)
    if any("no such file" not in words for words in wrong):
        raise ConfigError(*wrong)
    for words in wrong:  # a PBX without calls so far
        say_error(words)
    return places


def _seconds(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    if not found or not int(found[1]):
        raise RequestError(f"--for {text}: a time was expected, such as 90s, 10m or 2h")
    return float(int(found[1]) * _UNITS[found[2] or "s"])


def _report(watched: "Watched") -> None:
    compared = watched.comparison
    for difference in compared.differences:
        say(difference.words)
    lasted_s = (watched.until - watched.began).total_seconds()
    say(
        f"{lasted_s:.0f} s: {compared.recorded} calls on the PBX's record began and ended; {compared.agreed} agree in all"
        f" that it knows, {len(compared.differences)} differences"
        + (f" ({_totals(watched)})" if compared.differences else "")
    )
    if watched.lost:
        say(f"the connection was lost {watched.lost} times; what happened then we could not see")
    if watched.not_kept:
        say(f"{watched.not_kept} steps of calls could not be kept ({watched.reason}); their calls may seem to differ")
    if not compared.recorded:
        say("no call began and ended in that time: nothing is shown yet")


def _totals(watched: "Watched") -> str:
    counted = Counter(difference.kind for difference in watched.comparison.differences)
    return ", ".join(f"{count} {KINDS[kind]}" for kind, count in counted.most_common())


def _report_json(watched: "Watched") -> None:
    import msgspec

    compared = watched.comparison
    for difference in compared.differences:
        say(msgspec.json.encode({"difference": difference}).decode())
    summary = {
        "from": watched.began, "to": watched.until, "recorded": compared.recorded, "here": compared.here, "agreed": compared.agreed,
        "differences": Counter(difference.kind for difference in compared.differences), "connection_lost": watched.lost,
        "not_kept": watched.not_kept, "reason": watched.reason,
    }  # fmt: skip
    say(msgspec.json.encode({"summary": summary}).decode())
