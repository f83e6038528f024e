"""How the record has a PBX's calls, and up to when nothing of them is missing. Who calls it: ``cti.reconcile``."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.calls.call import CallId, Outcome, PbxName
from cti.errors import StaleEpoch
from cti.store.database import Database
from cti.store.derive import CLEARED
from cti.store.failpoints import failpoint
from cti.store.lease import Fence
from cti.store.queries import AT_ONCE
from cti.store.storable import clean
from cti.store.tables import backfill, fact, interaction, lease
from cti.store.unseen import FILLED_IN, UNSEEN

AHEAD: Final = timedelta(minutes=15)
"""A mark that is further ahead than this was set by a clock that was."""
_ANYBODY: Final = Fence(epochs={})


class Standing(StrEnum):
    """How the record has a call."""

    OPEN = "open"
    """Without an end."""
    UNSEEN = "unseen"
    """With an end that was only inferred."""
    FOUND = "found"
    """Found on a return, so that some of it was missed, and then seen to its end; not told by the PBX's records yet."""
    MERGED = "merged"
    """It went on as part of another."""
    OVER = "over"


class SqlBackfills:
    """Every method raises ``StoreUnavailable`` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standings(self, calls: Iterable[CallId]) -> Mapping[CallId, Standing]:
        """Of those of which there is any fact."""
        found = dict[CallId, Standing]()
        wanted = await asyncio.to_thread(lambda: sorted(map(clean, calls)))  # of a night, many
        async with self._database.reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                found |= await _standings(connection, wanted[start : start + AT_ONCE])
        return found

    async def complete_until(self, pbx: PbxName) -> datetime | None:
        """None: this PBX has never been listened to."""
        async with self._database.reading() as connection:
            return await _complete_until(connection, pbx)

    async def completed(self, pbx: PbxName, until: datetime, fence: Fence = _ANYBODY) -> None:
        """It goes back only where it is so far ahead that a clock must have been.

        Raises ``StaleEpoch``, with nothing written, where ``fence`` is of a lease that another has taken.
        """
        async with self._database.writing() as connection:
            await _check(connection, f"/pbx/{pbx}", fence)
            known = await _complete_until(connection, pbx)
            if known is not None and until <= known <= until + AHEAD:
                return
            await connection.execute(self._database.insert_or_replace(backfill), {"pbx": pbx, "complete_until": until})
        failpoint("backfill.completed")


async def _standings(connection: AsyncConnection, calls: list[str]) -> dict[CallId, Standing]:
    told = select(fact.c.call).where(fact.c.call.in_(calls)).distinct()
    found = {CallId(call): Standing.OPEN for call in (await connection.execute(told)).scalars()}
    row = interaction.c
    ended = select(row.call, row.outcome, row.cause, row.is_backfilled).where(row.call.in_(calls))
    marked = list[CallId]()
    for call, outcome, cause, is_backfilled in await connection.execute(ended):
        is_unseen = cause in UNSEEN and not is_backfilled
        over = Standing.MERGED if outcome == Outcome.MERGED else Standing.OVER
        found[CallId(call)] = Standing.UNSEEN if is_unseen else over
        marked += [CallId(call)] if is_backfilled and over is Standing.OVER else []
    told_by_records = select(fact.c.call).where(
        fact.c.call.in_(marked), fact.c.type == CLEARED, fact.c.id.contains(FILLED_IN)
    )  # up to the end: what was cut short is told again
    told_up = set((await connection.execute(told_by_records)).scalars()) if marked else set()
    return found | {call: Standing.FOUND for call in marked if call not in told_up}


async def _complete_until(connection: AsyncConnection, pbx: PbxName) -> datetime | None:
    wanted = select(backfill.c.complete_until).where(backfill.c.pbx == pbx)
    return (await connection.execute(wanted)).scalar()


async def _check(connection: AsyncConnection, name: str, fence: Fence) -> None:
    """Without a lock: what a reader that is replaced in this very moment has seen, it has seen."""
    held = fence.epochs.get(name)
    if held is None:
        return
    wanted = select(lease.c.epoch).where(lease.c.name == name)
    epoch = (await connection.execute(wanted)).scalar() or 0
    if epoch != held:
        raise StaleEpoch(name, held, epoch)
