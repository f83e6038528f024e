"""The statements of ``sql.py``: what is asked of the tables, and how answers become values."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.envelope import Envelope
from cti.store import derive, rows
from cti.store.digits import ending, reversed_digits, same_number
from cti.store.interactions import Filter, Interaction
from cti.store.paging import Place, customer_number
from cti.store.storable import Key, clean, key_of, other_key_of
from cti.store.tables import agent, fact, interaction, interaction_agent, number_not_contact

AT_ONCE: Final = 500
"""Keys in one statement."""
SPARE: Final = 20
"""Rows read beyond the limit: some may end in the same digits and be another's."""


def conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    table = interaction.c
    if wanted.since is not None:
        yield table.ended_at >= wanted.since
    if wanted.until is not None:
        yield table.ended_at < wanted.until
    for name in ("queue", "direction", "outcome", "contact"):
        value = getattr(wanted, name)
        if value is not None:
            yield table[name] == clean(value)
    yield from _what_came_of_it(wanted)
    if wanted.agent is not None:
        yield has_agent(clean(wanted.agent), wanted)
    if wanted.number is not None:
        end = ending(wanted.number)
        yield or_(begins(table.ani_reversed, end), begins(table.dnis_reversed, end)) if end else false()
    if wanted.text is not None:
        yield table.sought.contains(clean(wanted.text.casefold()), autoescape=True)


def _what_came_of_it(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    table = interaction.c
    if wanted.flow is not None:
        yield table.ivr_flow == clean(wanted.flow)
    if wanted.ivr_outcome is not None:
        yield table.ivr_outcome == wanted.ivr_outcome
    if wanted.classified is not None:
        yield table.result != "" if wanted.classified else table.is_not_classified
    if wanted.backfilled is not None:
        yield table.is_backfilled if wanted.backfilled else not_(table.is_backfilled)


def has_agent(name: str, wanted: Filter) -> ColumnElement[bool]:
    """Joins the agents' parts, by the index that has them by time: an agent's calls of today are few."""
    table = interaction_agent.c
    joined = and_(table.agent == name, table.pbx == interaction.c.pbx, table.call == interaction.c.call)
    since = table.ended_at >= wanted.since if wanted.since is not None else true()
    return and_(joined, since)


def begins(column: ColumnElement[Any], digits: str) -> ColumnElement[bool]:
    """A range of the index, where LIKE would read the whole table."""
    return and_(column >= digits, column < digits[:-1] + chr(ord(digits[-1]) + 1))


def behind(place: Place) -> ColumnElement[bool]:
    table = interaction.c
    same_time = and_(table.ended_at == place.ended_at, table.pbx == place.pbx, table.call < place.call)
    same_call = and_(table.ended_at == place.ended_at, table.pbx < place.pbx)
    return and_(table.ended_at <= place.ended_at, or_(table.ended_at < place.ended_at, same_call, same_time))


async def newest(
    connection: AsyncConnection, conditions: Sequence[ColumnElement[bool]], limit: int
) -> tuple[Interaction, ...]:
    table = interaction.c
    wanted = select(interaction).where(*conditions)
    ordered = wanted.order_by(table.ended_at.desc(), table.pbx.desc(), table.call.desc()).limit(limit)
    return tuple(rows.interaction_of(row) for row in await connection.execute(ordered))


async def with_number(connection: AsyncConnection, number: str, limit: int) -> list[Interaction]:
    """Customers' numbers only: the number dialled by a caller is the site's own, and everybody's."""
    end = ending(number)
    if not end:
        return []
    found = await newest(connection, [begins(interaction.c.customer_reversed, end)], limit + SPARE)
    return [item for item in found if same_number(customer_number(item), number)]


async def types(connection: AsyncConnection, facts: Sequence[Envelope]) -> dict[Key, str]:
    """Which of these are there already, under which of their keys."""
    ids = sorted({name for one in facts for _, name in (key_of(one), other_key_of(one))})
    known: dict[Key, str] = {}
    for start in range(0, len(ids), AT_ONCE):
        wanted = select(fact.c.source, fact.c.id, fact.c.type).where(fact.c.id.in_(ids[start : start + AT_ONCE]))
        known.update(((row.source, row.id), row.type) for row in await connection.execute(wanted))
    return known


async def ended(connection: AsyncConnection, keys: Sequence[Key]) -> list[Key]:
    """Which of these calls are cleared."""
    wanted = select(fact.c.source, fact.c.call).where(
        fact.c.call.in_(sorted({call for _, call in keys})), fact.c.type == derive.CLEARED
    )
    found = {(row.source, row.call) for row in await connection.execute(wanted.distinct())}
    return [key for key in keys if key in found]


async def facts_by_key(connection: AsyncConnection, keys: Sequence[Key]) -> list[tuple[Key, list[Envelope]]]:
    wanted = select(fact).where(fact.c.call.in_(sorted({call for _, call in keys}))).order_by(fact.c.recorded)
    by_key: dict[Key, list[Envelope]] = {key: [] for key in keys}
    for row in await connection.execute(wanted):
        if (row.source, row.call) in by_key:
            by_key[row.source, row.call].append(rows.fact_of(row))
    return list(by_key.items())


async def devices_in(connection: AsyncConnection, told: Sequence[tuple[Key, list[Envelope]]]) -> derive.Devices:
    """Whose are the phones in these calls?"""
    parties = [one.data.get(name) for _, facts in told for one in facts for name in ("party", "by", "to")]
    devices = {party.get("device", "") for party in parties if isinstance(party, dict)} - {""}
    wanted = select(agent.c.device, agent.c.id).where(agent.c.device.in_(sorted(devices)))
    return {row.device: row.id for row in await connection.execute(wanted)}


async def interactions(connection: AsyncConnection, keys: Sequence[Key]) -> list[Interaction]:
    wanted = select(interaction).where(interaction.c.call.in_(sorted({call for _, call in keys})))
    return [rows.interaction_of(row) for row in await connection.execute(wanted)]


def not_contact_row(one: Envelope) -> dict[str, Any] | None:
    ruling = derive.ruling_of(one)
    if ruling is None:
        return None
    number, contact = ruling
    row = {"number": number, "contact": contact, "number_reversed": reversed_digits(number)}
    return row | {"by": str(one.data.get("by", "")), "at": one.time}


async def ruled_numbers(connection: AsyncConnection, contact: str, number: str) -> list[str]:
    """The ways this number was written when the contact was ruled out for it."""
    wanted = select(number_not_contact.c.number).where(number_not_contact.c.contact == contact)
    return [known for known in (await connection.execute(wanted)).scalars() if same_number(known, number)]
