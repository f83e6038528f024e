"""Our own customers on record: many at once, and again."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select, text

from cti.store import schema, tables
from cti.store.customers import (
    Customer,
    CustomerNumber,
    count_customers,
    customers_with_code,
    put_customers,
    remove_pin,
    set_pin,
)
from cti.store.database import Database
from cti.store.demo_customers import demo_customers
from tests.postgres_server import MakeDatabase


async def count(database: Database, name: str) -> int:
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(tables.metadata.tables[name]))).scalar_one()


async def test_many_customers_are_put_on_record(database: Database) -> None:
    customers = tuple(demo_customers(6_000))
    assert await put_customers(database, customers, country="TW") == 6_000
    assert await count_customers(database) == 6_000
    assert await count(database, "customer_number") == sum(len(customer.numbers) for customer in customers)
    assert await count(database, "customer_order") == sum(len(customer.orders) for customer in customers)


async def test_putting_a_customer_again_takes_the_place_of_the_first(database: Database) -> None:
    (one,) = demo_customers(1)
    await put_customers(database, [one], country="TW")
    await put_customers(
        database, [replace(one, name="Renamed", numbers=one.numbers[:1], cases=(), orders=())], country="TW"
    )
    assert (
        await count_customers(database),
        await count(database, "customer_number"),
        await count(database, "customer_order"),
    ) == (1, 1, 0)


async def test_nobody_is_put(database: Database) -> None:
    assert await put_customers(database, [], country="TW") == 0


async def test_a_number_nobody_can_read_is_kept_as_typed(database: Database) -> None:
    await put_customers(
        database, [Customer(id="1", name="a\x00b", numbers=(CustomerNumber(typed="see e-mail"),))], country="TW"
    )
    async with database.reading() as connection:
        row = (await connection.execute(select(tables.customer_number))).one()
    assert (row.typed, row.e164) == ("see e-mail", "")


NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ONE = Customer(id="1", code="4711", name="Ada Example", balance=Decimal("1140.10"), currency="EUR")


async def pins(database: Database) -> dict[str, str]:
    async with database.reading() as connection:
        rows = await connection.execute(select(tables.customer_pin.c.customer, tables.customer_pin.c.hash))
        return dict(rows.all())


async def test_a_pin_is_set_and_set_anew_and_taken_away(database: Database) -> None:
    await put_customers(database, [ONE], country="TW")
    await set_pin(database, "1", "first", at=NINE)
    await set_pin(database, "1", "second", at=NINE)
    assert await pins(database) == {"1": "second"}
    assert (await remove_pin(database, "1"), await remove_pin(database, "1"), await pins(database)) == (True, False, {})


async def test_a_pin_outlives_the_next_list_of_customers(database: Database) -> None:
    """Customers are put on record from lists, again and again; PINs are in no list."""
    others = tuple(demo_customers(20))
    await put_customers(database, [ONE, *others], country="TW")
    await set_pin(database, "1", "hash", at=NINE)
    await put_customers(database, [replace(ONE, name="Renamed"), *others], country="TW")
    assert await pins(database) == {"1": "hash"}


async def test_nobody_has_an_empty_code(database: Database) -> None:
    await put_customers(database, [ONE, Customer(id="2"), Customer(id="3", code="4711")], country="TW")
    assert await customers_with_code(database, "4711") == ("1", "3")
    assert await customers_with_code(database, "") == await customers_with_code(database, "4711 ") == ()


async def test_a_balance_is_kept_to_the_cent(database: Database) -> None:
    await put_customers(database, [ONE, Customer(id="2", currency="EUR")], country="TW")
    async with database.reading() as connection:
        asked = select(tables.customer.c.balance_amount, tables.customer.c.balance_currency)
        rows = (await connection.execute(asked.order_by(tables.customer.c.id))).all()
    assert [tuple(row) for row in rows] == [("1140.10", "EUR"), ("", "")]


def upgraded(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_orders_of_before_are_found_by_their_digits_too(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    async with database.writing() as connection:
        await connection.run_sync(upgraded, "0002")
        await connection.execute(text("INSERT INTO customer (id) VALUES ('1')"))
        await connection.execute(
            text("INSERT INTO customer_order (id, customer) VALUES ('A-88301', '1'), ('none', '1')")
        )
        await connection.run_sync(upgraded, "0003")
        found = await connection.execute(text("SELECT id, digits FROM customer_order"))
        assert dict(found.all()) == {"A-88301": "88301", "none": ""}
    await database.close()


async def test_an_order_is_one_look_into_an_index(make_database: MakeDatabase) -> None:
    """Asked of SQLite: with few rows PostgreSQL reads them all."""
    async with make_database("sqlite") as database, database.reading() as connection:
        plan = await connection.execute(
            text("EXPLAIN QUERY PLAN SELECT customer FROM customer_order WHERE digits = '1'")
        )
        assert "INDEX customer_order_digits" in str(plan.all())
