"""Calls that the record has open and we did not take up, for the database did not answer at the start.

Once it does, those that the PBX does not have are ended, as its first snapshot would have ended them: else they stayed open, and
what the PBX has on its own record of them would never be filled in. Those that it has go on as they are; their next facts are
theirs.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from cti.calls.call import Call
from cti.calls.events import Cleared
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged, advance
from cti.envelope import of_change
from cti.errors import StoreError
from cti.log import logger
from cti.store.interactions import InteractionLog
from cti.store.journal import Journal
from cti.store.restored import restored_calls
from cti.telephony.link import PbxLink

log = logger("app")

LOOK_S: Final = 1.0


async def end_forgotten(
    links: Iterable[PbxLink], journal: Journal, interactions: InteractionLog, *, look_s: float = LOOK_S
) -> None:
    """Returns when it is done for all PBXs: when each was connected, and the record had all that was told until then."""
    waiting = list(links)
    while waiting:
        await asyncio.sleep(look_s)
        connected = [link for link in waiting if link.status.state == "connected"]
        waiting = [link for link in waiting if link not in connected]
        for link in connected:
            if not await _done(link, journal, interactions):
                waiting.append(link)


async def _done(link: PbxLink, journal: Journal, interactions: InteractionLog) -> bool:
    came, live = link.status.at, {call.id for call in link.calls}
    await journal.flush()
    if journal.status.spooled:
        return False  # what waits there is not known to the database yet
    try:
        facts = await interactions.open_facts()
    except StoreError:
        return False
    if link.status.at != came:
        return False
    live |= {call.id for call in link.calls}
    of_pbx = [call for call in restored_calls(facts) if call.pbx == link.name]
    _end([call for call in of_pbx if call.id not in live and call.offered_at < came], link, journal)
    return True


def _end(calls: Iterable[Call], link: PbxLink, journal: Journal) -> None:
    """Their end was not seen; it has the time of our return."""
    ended = 0
    for call in calls:
        gone = Cleared(call=call.id, at=max(call.since, link.status.at), cause="resync", ended_by="system")
        change = advance(call, gone)
        if isinstance(change, CallChanged):
            journal.record(of_change(changed(change, is_inferred=True)))
            ended += 1
    if ended:
        log.info("forgotten_calls_ended", pbx=link.name, calls=ended)
