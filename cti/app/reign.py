"""A process that may have to wait for another: it stands by until the lease is free, reads while it holds it, and so on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry

from cti.agent_facts import AGENTS
from cti.app import listeners, values
from cti.app.holding import Holder
from cti.app.process_figures import LeaseFigures
from cti.app.service import make_ready
from cti.app.tenure import Tenure, lease_health
from cti.app.wanted import Wanted
from cti.log import logger
from cti.store.database import Database
from cti.store.sql_lease import SqlLeases
from cti.web.ports import PartHealth

log = logger("lease")


Reign = Callable[[Wanted, Tenure], Awaitable[None]]


async def reign(wanted: Wanted, rule: Reign) -> None:
    """``rule`` whenever the lease is ours, until cancelled; it is cancelled when the lease is lost."""
    given = wanted.given
    url = given.database.url.get_secret_value()
    await make_ready(url)
    database = Database(url)
    names = [AGENTS, *(f"/pbx/{pbx.name}" for pbx in given.pbx)]
    holder = Holder(
        SqlLeases(database), names, values.process_name(given), life_s=given.process.lease_s,
        may_begin_alone=wanted.is_whole,
    )  # fmt: skip
    try:
        while True:
            term = await holder.attempt()
            if term is None:
                async with _probed(wanted, holder):
                    term = await holder.until_held()
            await _hold(wanted, Tenure(holder, term), rule)
    finally:
        await database.close()


async def _hold(wanted: Wanted, tenure: Tenure, rule: Reign) -> None:
    ruling = asyncio.ensure_future(rule(wanted, tenure))
    keeping = asyncio.create_task(tenure.holder.keep(tenure.term, tenure.over), name="lease")
    try:
        await asyncio.wait({ruling, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if ruling.done():
            await ruling
    finally:
        ruling.cancel()
        await asyncio.gather(ruling, return_exceptions=True)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if not tenure.is_lost:
            await tenure.holder.release(tenure.term)


@contextlib.asynccontextmanager
async def _probed(wanted: Wanted, holder: Holder) -> AsyncIterator[None]:
    """A standby says that it is one."""
    registry = CollectorRegistry()
    registry.register(LeaseFigures(holder))

    async def health() -> Sequence[PartHealth]:
        return (lease_health(holder),)

    async with asyncio.TaskGroup() as tasks:
        probe = listeners.probe(wanted.given, health, registry, stands_by=wanted.is_whole)
        running = listeners.listen(tasks, {"web": probe})
        try:
            yield
        finally:
            for task in running:
                task.cancel()
