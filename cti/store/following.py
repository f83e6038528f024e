"""What follows from facts just written, in their transaction: interactions, trails, agents' intervals, which calls are open.

Only what the new facts change is derived anew. A journey shows from its beginning, and as it was left; its interaction and all
the rest are derived when the call ends, and again when something is said about it later.
"""

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeVar

from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker
from cti.envelope import Envelope
from cti.journeys import JOURNEY_TYPES
from cti.store import callbacks, derive, rows
from cti.store.derive import Devices
from cti.store.digits import same_number
from cti.store.drivers import Writing
from cti.store.interactions import Interaction
from cti.store.record_statements import RecordStatements
from cti.store.shifts import Interval, in_a_row, interval_of
from cti.store.statements import Row, Statement, Values, json_of, time_of
from cti.store.storable import Key
from cti.store.trail import NOTHING, TELLING, Trail, trail_is_told

IN_A_ROW: Final = 100
"""Facts that are worked on without a break: some milliseconds."""
LONG: Final = 200
"""Facts of one call beyond which it is worked on in a thread."""
SAID: Final = derive.PEOPLES | {callbacks.CHANGED}
"""What people say and do about a call, whichever process hears it; also after its end."""
S = TypeVar("S")
T = TypeVar("T")
Facts = Sequence[Envelope]
Whose = Callable[[], Devices]


class Following:
    """One transaction's."""

    def __init__(self, writing: Writing, statements: RecordStatements, devices: Whose | None) -> None:
        self._writing, self._sql, self._devices = writing, statements, devices
        self._pace = _Pace()

    async def follow(self, new: Facts) -> None:
        for one in new:
            if one.type in derive.NAMING:
                await self._rule(one)
        told = [(one.type, (one.source, one.subject)) for one in new]
        events = {key for kind, key in told if kind in derive.CALL_EVENTS}
        cleared = {key for kind, key in told if kind == derive.CLEARED}
        walked = {key for kind, key in told if kind in JOURNEY_TYPES}
        said = {key for kind, key in told if kind in SAID}
        begun = sorted(filter(None, map(interval_of, new)), key=attrgetter("agent"))
        doubtful = (events | walked | said) - cleared
        last, before = await self._writing.ask(
            (self._sql.last_intervals, sorted({one.agent for one in begun})), (self._sql.ended, _calls(doubtful))
        )
        await self._shifts(begun, map(_interval, last))
        ended = cleared | doubtful.intersection((source, call) for source, call in before)
        self._writing.put(self._sql.opened, sorted(events - ended))
        self._writing.put(self._sql.closed, sorted(ended))
        going_on = {key for kind, key in told if kind in TELLING} - ended
        await self._derive(sorted(ended), sorted(going_on), fresh=cleared, walked=walked)

    async def rebuild(self, keys: Sequence[Key]) -> int:
        """Of these calls everything; how many have an interaction."""
        found = await self._derive(keys, (), fresh=frozenset(), walked=frozenset(keys))
        self._writing.put(self._sql.closed, [(f"/pbx/{item.pbx}", item.call) for item in found])
        return len(found)

    async def rebuild_shifts(self, agent: AgentId) -> None:
        (known,) = await self._writing.ask((self._sql.states, agent))
        self._write_shifts(in_a_row(filter(None, map(interval_of, _read(known)))))

    async def _derive(
        self, ended: Sequence[Key], going_on: Sequence[Key], *, fresh: Container[Key], walked: Container[Key]
    ) -> Sequence[Interaction]:
        """Write anew what follows from these calls' facts. ``fresh``: ended just now; ``walked``: a step further in the IVR."""
        if not ended and not going_on:
            return ()
        told, known = await self._told([*ended, *going_on], [key for key in ended if key not in fresh])
        again = [key for key in ended if key in fresh and sum(one.type == derive.CLEARED for one in told[key]) > 1]
        known |= (await self._told([], again))[1]
        devices = await self._whose(told[key] for key in ended)
        found, trails = list[Interaction](), list[Trail]()
        for key in ended:
            work = partial(_derived, devices={**devices, **known.get(key, {})}, is_walked=key in walked)
            item, trail = await self._pace.do(work, told[key])
            found += [item] if item else []
            trails.append(trail)
        for key in going_on:
            trails.append(await self._pace.do(partial(derive.trail_of, is_over=False), told[key]))
        self._write(found)
        self._write_trails(trails)
        return found

    # ---- what is asked

    async def _told(self, keys: Sequence[Key], known: Sequence[Key]) -> tuple[Mapping[Key, Facts], dict[Key, Devices]]:
        """The calls' facts; and, of those ``known`` already, whose the phones were: one that changes hands must not change that."""
        by_key: dict[Key, list[Row]] = {key: [] for key in keys}
        facts, handled = await self._writing.ask((self._sql.facts, _calls(keys)), (self._sql.handled, _calls(known)))
        for row in facts:
            if (row[1], row[3]) in by_key:
                by_key[row[1], row[3]].append(row)
        told = {key: await self._pace.do(_read, found) for key, found in by_key.items()}
        return told, {(f"/pbx/{pbx}", call): derive.agents_of(json_of(parts)) for pbx, call, parts in handled}

    async def _whose(self, told: Iterable[Facts]) -> Devices:
        """Whose are the phones in these calls?"""
        if self._devices:
            return self._devices()
        parties = [one.data.get(name) for facts in told for one in facts for name in ("party", "by", "to")]
        devices = sorted({party.get("device", "") for party in parties if isinstance(party, dict)} - {""})
        (found,) = await self._writing.ask((self._sql.devices, devices))
        return {device: agent for device, agent in found}  # noqa: C416 - rows are no tuples everywhere

    # ---- what is written

    async def _rule(self, one: Envelope) -> None:
        """Whom an agent picks for a call is ruled out for its number no more."""
        if ruling := rows.ruling_row(one):
            self._put(self._sql.ruling, [ruling])
        if picked := derive.picked_by_hand(one):
            key = one.source, one.subject
            number = derive.customer_number_of((await self._told([key], []))[0][key])
            (ruled,) = await self._writing.ask((self._sql.rulings, picked))
            self._writing.put(self._sql.unruled, [(known, picked) for (known,) in ruled if same_number(known, number)])

    async def _shifts(self, begun: Iterable[Interval], last: Iterable[Interval]) -> None:
        """What states begin, and with it the ends of those before. Most come in their order, behind the agent's last; an agent
        who has no last one has none."""
        known, changed = {one.agent: one for one in last}, list[Interval]()
        for agent, of_agent in groupby(begun, attrgetter("agent")):
            mine = list(of_agent)
            since = min(one.began_at for one in mine)
            beside = [known[agent]] if agent in known else []
            if beside and beside[0].began_at > since:
                beside = await self._intervals(agent, since)
            changed += in_a_row([*beside, *mine])
        self._write_shifts(changed)

    async def _intervals(self, agent: AgentId, since: datetime) -> list[Interval]:
        """From the one that lasted then."""
        (found,) = await self._writing.ask((self._sql.intervals_since, agent, agent, since, since))
        return [*map(_interval, found)]

    def _write_shifts(self, intervals: Sequence[Interval]) -> None:
        self._writing.put(self._sql.interval, self._sql.interval.rows_of(intervals))

    def _write(self, found: Sequence[Interaction]) -> None:
        people = (
            {"pbx": item.pbx, "call": item.call, "agent": agent, "ended_at": item.ended_at}
            for item in found
            for agent in derive.people_in(item)
        )
        self._put(self._sql.interaction, map(rows.interaction_row, found))
        self._put(self._sql.interaction_agent, people)

    def _write_trails(self, trails: Sequence[Trail]) -> None:
        self._put(self._sql.journey, (rows.journey_row(one) for trail in trails for one in trail.journeys))
        self._put(self._sql.step, (rows.step_row(one) for trail in trails for one in trail.steps))
        sql = self._sql
        self._writing.put(sql.callback, sql.callback.rows_of(one for trail in trails for one in trail.callbacks))
        self._writing.put(sql.voicemail, sql.voicemail.rows_of(one for trail in trails for one in trail.voicemails))

    def _put(self, statement: Statement, values: Iterable[Values]) -> None:
        self._writing.put(statement, statement.rows(values))


async def hold(writing: Writing, statements: RecordStatements, new: Facts) -> None:
    """Before what people say is written: of two processes, one that writes it and one that ends the call, or two that write of one
    callback, the second waits for the first and sees what that has done. Calls before callbacks, as whoever ends a call has
    them, so that no two wait for each other. SQLite has one writer anyway."""
    said = [one for one in new if one.type in SAID]
    if statements.hold and said:
        await writing.ask((statements.hold, sorted({one.subject for one in said})))
    names = sorted({str(one.data.get("callback", "")) for one in said if one.type == callbacks.CHANGED})
    if statements.hold_callbacks and names:
        await writing.ask((statements.hold_callbacks, names))


def _calls(keys: Iterable[Key]) -> list[str]:
    return sorted({call for _, call in keys})


class _Pace:
    """Work on facts, call by call, that holds nobody up."""

    def __init__(self) -> None:
        self._since = 0

    async def do(self, work: Callable[[Sequence[S]], T], found: Sequence[S]) -> T:
        """Of one call: in a thread where they are many; and else now and then with a break for others before it."""
        if len(found) > LONG:
            return await asyncio.to_thread(work, found)
        self._since += len(found)
        if self._since > IN_A_ROW:
            self._since = len(found)
            await asyncio.sleep(0)
        return work(found)


def _derived(facts: Facts, *, devices: Devices, is_walked: bool) -> tuple[Interaction | None, Trail]:
    item = derive.interaction_of(facts, devices)
    is_new = is_walked or not trail_is_told(one.type for one in facts)
    return item, derive.trail_of(facts, is_over=item is not None) if is_new else NOTHING


def _fact(row: Row) -> Envelope:
    name, source, kind, call, sequence, at, data = row
    return Envelope(
        id=name, source=source, type=kind, subject=call, time=time_of(at), sequence=sequence, data=json_of(data)
    )


def _read(found: Iterable[Row]) -> list[Envelope]:
    return [*map(_fact, found)]


def _interval(row: Row) -> Interval:
    agent, began_at, nr, ended_at, state, reason_code, reason, cause, made_by, by, call, queue, missed = row
    return Interval(
        agent=AgentId(agent), began_at=time_of(began_at), nr=nr, ended_at=time_of(ended_at) if ended_at else None,
        state=AgentState(state), reason_code=reason_code, reason=reason, cause=cause, made_by=Maker(made_by), by=by,
        call=call, queue=queue, missed=missed,
    )  # fmt: skip
