"""Our own customers: what may be known of one, and putting many on record at once.

Reading them is the customer connector's part (``config/crm/own.toml``), as for any other customer system.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cti import numbers
from cti.store.database import Database
from cti.store.storable import clean
from cti.store.tables import (
    customer,
    customer_case,
    customer_flag,
    customer_number,
    customer_order,
    customer_pin,
    customer_preference,
)

AT_ONCE: Final = 5_000
"""Customers in one transaction."""
LAST: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNumber:
    typed: str
    label: str = ""
    e164: str | None = None
    """None: to be read off ``typed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCase:
    id: str
    title: str
    status: str = "open"
    """``closed`` ones are not shown."""
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOrder:
    id: str
    title: str
    status: str = ""
    ordered_on: date | None = None
    amount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str
    code: str = ""
    name: str = ""
    company: str = ""
    language: str = ""
    segment: str = ""
    tier: str = ""
    email: str = ""
    numbers: tuple[CustomerNumber, ...] = ()
    preferences: tuple[tuple[str, str], ...] = ()
    flags: frozenset[str] = frozenset()
    """``do_not_call``, ``recording_refused``, ``complaint_open``, ``deletion_requested``."""
    cases: tuple[CustomerCase, ...] = ()
    orders: tuple[CustomerOrder, ...] = ()
    balance: Decimal | None = None
    """What the customer owes; below zero, what is owed to them."""
    currency: str = ""
    """Of the balance, ISO 4217."""


async def put_customers(database: Database, customers: Iterable[Customer], *, country: str) -> int:
    """Put them in the place of those with the same ids; how many. ``country``: where numbers without country code belong.

    A customer's PIN stays: it is no part of what the lists say that customers are put on record from.
    """
    done, source = 0, iter(customers)
    while some := list(islice(source, AT_ONCE)):
        async with database.writing() as connection:
            await _put(connection, some, country)
        done += len(some)
    return done


async def count_customers(database: Database) -> int:
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(customer))).scalar_one()


async def customers_with_code(database: Database, code: str) -> tuple[str, ...]:
    """Their ids. Codes are not unique on record: nothing keeps two customers from having the same."""
    asked = select(customer.c.id).where(customer.c.code == clean(code), customer.c.code != "").order_by(customer.c.id)
    async with database.reading() as connection:
        return tuple((await connection.execute(asked)).scalars())


async def set_pin(database: Database, name: str, pin_hash: str, *, at: datetime) -> None:
    """``name`` is the customer's id; ``pin_hash`` argon2 in PHC form."""
    row = {"customer": name, "hash": pin_hash, "changed_at": at}
    async with database.writing() as connection:
        await connection.execute(database.insert_or_replace(customer_pin), row)


async def remove_pin(database: Database, name: str) -> bool:
    """Whether there was one."""
    async with database.writing() as connection:
        done = await connection.execute(delete(customer_pin).where(customer_pin.c.customer == name))
        return done.rowcount > 0


async def _put(connection: AsyncConnection, some: Sequence[Customer], country: str) -> None:
    names = [one.id for one in some]
    pins: list[dict[str, Any]] = []
    if (await connection.execute(select(customer.c.id).where(customer.c.id.in_(names)).limit(1))).first():
        asked = select(customer_pin).where(customer_pin.c.customer.in_(names))
        pins = [dict(row) for row in (await connection.execute(asked)).mappings()]
        await connection.execute(delete(customer).where(customer.c.id.in_(names)))
    for table, rows in (*_rows(some, country), (customer_pin, pins)):
        if rows:
            await _insert(connection, table, rows)


async def _insert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """PostgreSQL takes rows by COPY, ten times as fast as by INSERT."""
    if connection.dialect.name != "postgresql":
        await connection.execute(insert(table), rows)
        return
    columns = list(rows[0])
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    records = [tuple(row[name] for name in columns) for row in rows]
    await driver.copy_records_to_table(table.name, records=records, columns=columns)


def _rows(some: Sequence[Customer], country: str) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Parents before children."""
    yield customer, [_customer_row(one) for one in some]
    yield customer_number, [_number_row(one.id, number, country) for one in some for number in one.numbers]
    yield (
        customer_preference,
        [
            {"customer": one.id, "name": clean(name), "value": clean(value)}
            for one in some
            for name, value in one.preferences
        ],
    )
    yield customer_flag, [{"customer": one.id, "flag": flag} for one in some for flag in sorted(one.flags)]
    yield (
        customer_case,
        [
            {
                "customer": one.id,
                "id": case.id,
                "title": clean(case.title),
                "status": case.status,
                "opened_at": case.opened_at,
            }
            for one in some
            for case in one.cases
        ],
    )
    yield customer_order, [_order_row(one.id, order) for one in some for order in one.orders]


def _customer_row(one: Customer) -> dict[str, Any]:
    plain = ("id", "code", "name", "company", "language", "segment", "tier", "email")
    row: dict[str, Any] = clean({name: getattr(one, name) for name in plain})
    balance = "" if one.balance is None else f"{one.balance:f}"
    return row | {
        "sought": f"{row['name']}\n{row['company']}\n{row['code']}".casefold(),
        "balance_amount": balance,
        "balance_currency": one.currency if balance else "",
    }


def _number_row(name: str, number: CustomerNumber, country: str) -> dict[str, Any]:
    typed = clean(number.typed)
    e164 = number.e164
    if e164 is None:
        read = numbers.parse(typed, country=country)
        e164 = read.e164 if read else ""
    last = numbers.dialled_digits(e164 or typed)[-LAST:]
    return {"customer": name, "typed": typed, "e164": e164, "last7": last, "label": clean(number.label)}


def _order_row(name: str, order: CustomerOrder) -> dict[str, Any]:
    texts = {"title": clean(order.title), "status": clean(order.status), "amount": clean(order.amount)}
    digits = numbers.dialled_digits(order.id).lstrip("+")
    return {"customer": name, "id": order.id, "ordered_on": order.ordered_on, "digits": digits, **texts}
