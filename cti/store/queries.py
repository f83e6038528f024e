"""The statements of ``sql.py``: what is asked of the tables, and how answers become values."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, FromClause, Text, TextClause, and_, false, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cti.calls.call import Direction, Outcome
from cti.calls.journey import IvrOutcome
from cti.store import rows, tables
from cti.store.digits import ending, same_number
from cti.store.interactions import Filter, Interaction
from cti.store.paging import Place, customer_number
from cti.store.storable import clean
from cti.store.tables import interaction, interaction_agent

AT_ONCE: Final = 500
"""Keys in one statement."""
SEARCHED: Final = 20_000
"""Calls that one page of a search in text looks through."""
COMMON: Final = 2000
"""Calls from which on a number is a common one: the site's own, or two digits."""
SPARE: Final = 20
"""Rows read beyond the limit: some may end in the same digits and be another's."""


def order_of(wanted: Filter, *, is_common: bool) -> FromClause:
    """The table that such calls are read in the order of, newest first: the one with the fewest to look at. ``is_common``: the
    number is."""
    if wanted.number is not None and not is_common:
        return _numbered(wanted.number)
    return interaction if wanted.agent is None else interaction_agent


def _numbered(number: str) -> FromClause:
    """All calls of the number, before anything else is asked of them: a database that would rather look through those of a day
    takes a hundred times as long."""
    table, end = interaction.c, ending(number)
    sides = or_(begins(table.ani_reversed, end), begins(table.dnis_reversed, end)) if end else false()
    return select(table.ended_at, table.pbx, table.call).where(sides).cte("numbered").prefix_with("MATERIALIZED")


def conditions(wanted: Filter, order: FromClause = interaction) -> Iterator[ColumnElement[bool]]:
    """``order``: as ``order_of`` has it."""
    table = interaction.c
    if wanted.since is not None:
        yield order.c.ended_at >= wanted.since
    if wanted.until is not None:
        yield order.c.ended_at < wanted.until
    beside = {order} | ({interaction_agent} if wanted.agent is not None else set[FromClause]())
    for other in beside - {interaction}:
        yield and_(other.c.pbx == table.pbx, other.c.call == table.call)
    for name in ("queue", "direction", "outcome", "contact"):
        value = getattr(wanted, name)
        if value is not None:
            yield table[name] == clean(value)
    yield from _rare(wanted)
    yield from _what_came_of_it(wanted)
    if wanted.agent is not None:
        yield interaction_agent.c.agent == clean(wanted.agent)
    if wanted.number is not None and order in {interaction, interaction_agent}:
        end, nothing = ending(wanted.number), literal("", Text)
        sides = (nothing + column for column in (table.ani_reversed, table.dnis_reversed))  # no index is of that
        yield or_(*(begins(side, end) for side in sides))
    if wanted.text is not None:
        yield table.sought.contains(clean(wanted.text.casefold()), autoescape=True)


def _rare(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """In the words of the indexes of such rows only: without them no database takes those."""
    if wanted.direction not in {None, Direction.INBOUND}:
        yield _said(tables.NOT_INBOUND)
    if wanted.outcome not in {None, Outcome.ANSWERED}:
        yield _said(tables.NOT_ANSWERED)
    if wanted.ivr_outcome not in {None, IvrOutcome.TO_AGENT, IvrOutcome.SELF_SERVED}:
        yield _said(tables.NOT_SERVED)


def _said(words: TextClause) -> ColumnElement[bool]:
    return cast("ColumnElement[bool]", words)  # where() takes both, and a column of its own would be compared with 1


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


def begins(column: ColumnElement[Any], digits: str) -> ColumnElement[bool]:
    """A range of the index, where LIKE would read the whole table."""
    return and_(column >= digits, column < digits[:-1] + chr(ord(digits[-1]) + 1))


def behind(place: Place, order: FromClause = interaction) -> ColumnElement[bool]:
    table = order.c
    same_time = and_(table.ended_at == place.ended_at, table.pbx == place.pbx, table.call < place.call)
    same_call = and_(table.ended_at == place.ended_at, table.pbx < place.pbx)
    return and_(table.ended_at <= place.ended_at, or_(table.ended_at < place.ended_at, same_call, same_time))


def not_behind(place: Place) -> ColumnElement[bool]:
    return and_(interaction.c.ended_at >= place.ended_at, not_(behind(place)))


async def is_common(connection: AsyncConnection, number: str) -> bool:
    end = ending(number)
    for column in (interaction.c.ani_reversed, interaction.c.dnis_reversed) if end else ():
        some = select(column).where(begins(column, end)).offset(COMMON - 1).limit(1)
        if (await connection.execute(some)).first():
            return True
    return False


async def searched_to(connection: AsyncConnection, conditions: Sequence[ColumnElement[bool]]) -> Place | None:
    """Where a page of a search in text ends, whatever it finds; None: at the end of all calls. ``conditions``: without the text."""
    table = interaction.c
    order = (table.ended_at.desc(), table.pbx.desc(), table.call.desc())
    last = select(table.ended_at, table.pbx, table.call).where(*conditions).order_by(*order)
    row = (await connection.execute(last.offset(SEARCHED - 1).limit(1))).first()
    return Place(row.ended_at, row.pbx, row.call) if row else None


async def newest(
    connection: AsyncConnection, conditions: Sequence[ColumnElement[bool]], limit: int, order: FromClause = interaction
) -> tuple[Interaction, ...]:
    columns = (order.c.ended_at.desc(), order.c.pbx.desc(), order.c.call.desc())
    wanted = select(interaction).where(*conditions).order_by(*columns).limit(limit)
    return tuple(rows.interaction_of(row) for row in await connection.execute(wanted))


async def with_number(connection: AsyncConnection, number: str, limit: int) -> list[Interaction]:
    """Customers' numbers only: the number dialled by a caller is the site's own, and everybody's."""
    end = ending(number)
    if not end:
        return []
    found = await newest(connection, [begins(interaction.c.customer_reversed, end)], limit + SPARE)
    return [item for item in found if same_number(customer_number(item), number)]
