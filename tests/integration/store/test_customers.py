"""Our own customers on record: many at once, and again."""

from dataclasses import replace

from sqlalchemy import func, select

from cti.store import tables
from cti.store.customers import Customer, CustomerNumber, count_customers, put_customers
from cti.store.database import Database
from cti.store.demo_customers import demo_customers


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
