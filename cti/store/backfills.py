"""What is known of a PBX's calls, and up to when nothing of them is missing. Who calls it: ``cti.reconcile``."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from cti.calls.call import CallId, PbxName
from cti.store.database import Database
from cti.store.failpoints import failpoint
from cti.store.queries import AT_ONCE
from cti.store.storable import clean
from cti.store.tables import backfill, fact


class SqlBackfills:
    """Every method raises ``StoreUnavailable`` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, calls: Iterable[CallId]) -> frozenset[CallId]:
        """Those of which there is any fact."""
        wanted, found = sorted({clean(call) for call in calls}), set[CallId]()
        async with self._database.reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                some = select(fact.c.call).where(fact.c.call.in_(wanted[start : start + AT_ONCE])).distinct()
                found.update(CallId(call) for call in (await connection.execute(some)).scalars())
        return frozenset(found)

    async def complete_until(self, pbx: PbxName) -> datetime | None:
        """None: this PBX has never been listened to."""
        wanted = select(backfill.c.complete_until).where(backfill.c.pbx == pbx)
        async with self._database.reading() as connection:
            return (await connection.execute(wanted)).scalar()

    async def completed(self, pbx: PbxName, until: datetime) -> None:
        """It never goes back."""
        known = await self.complete_until(pbx)
        if known is not None and known >= until:
            return
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert_or_replace(backfill), {"pbx": pbx, "complete_until": until})
        failpoint("backfill.completed")
