"""What every ContactWriter keeps. The site is in Germany."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from cti import numbers
from cti.crm.connector import CrmConnector
from cti.crm.connectors import Setup, connect
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Contact, ContactId, ContactNumber, Flag
from cti.crm.pin import hash_pin
from cti.crm.writing import ContactChange, ContactWriter, writer_of
from cti.errors import NotFound
from cti.numbers import Number
from cti.store.customers import put_customers, set_pin
from tests.contract.test_crm_connectors import FOREIGN, customer_of
from tests.postgres_server import MakeDatabase
from tests.unit.crm.people import ADA, WANG
from tests.unit.store.call_stories import NINE

LINK = "https://crm.example.org/c/{id}"


class Both(CrmConnector, ContactWriter, Protocol):
    pass


@pytest.fixture(params=["memory", "own-sqlite", pytest.param("own-postgresql", marks=pytest.mark.postgres)])
async def crm(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncIterator[Both]:
    if request.param == "memory":
        yield MemoryConnector([ADA, WANG], country="DE", pin_hashes={ADA.id: hash_pin("739164")}, open_url=LINK)
        return
    async with make_database(request.param.removeprefix("own-")) as database:
        await put_customers(database, [customer_of(ADA), customer_of(WANG)], country="DE")
        await set_pin(database, ADA.id, hash_pin("739164"), at=NINE)
        url = database.url.render_as_string(hide_password=False)
        connector = connect("own", Setup(country="DE", own_url=url, open_url=LINK))
        assert writer_of(connector) is connector
        yield connector  # type: ignore[misc]  # just seen
        await connector.close()


def number(typed: str) -> Number:
    read = numbers.parse(typed, country="DE")
    assert read
    return read


async def known(crm: Both, contact: ContactId) -> Contact:
    found = await crm.get(contact)
    assert found
    return found


async def test_a_new_contact_is_found_by_number_and_by_name(crm: Both) -> None:
    typed = ContactNumber(typed="0151 2345 6789", e164="+4915123456789", label="mobile")
    made = await crm.create(
        ContactChange(
            name="陳美玲", company="晨光貿易", language="zh-Hant", numbers=(typed,), flags=frozenset({Flag.DO_NOT_CALL})
        )
    )
    assert (made.name, made.company, made.language, made.numbers) == ("陳美玲", "晨光貿易", "zh-Hant", (typed,))
    assert made.flags == {Flag.DO_NOT_CALL}
    assert [one.contact for one in await crm.find_by_number(number("+49 151 23456789"))] == [made]
    assert await crm.search("晨光", limit=5) == await crm.search("美玲", limit=5) == (made,)
    assert await known(crm, made.id) == made


async def test_each_new_contact_is_another(crm: Both) -> None:
    made = {(await crm.create(ContactChange(name="Anna Berg"))).id for _ in range(3)}
    assert len(made) == 3
    assert made.isdisjoint({ADA.id, WANG.id})


async def test_what_is_left_out_stays(crm: Both) -> None:
    before = await known(crm, ADA.id)
    after = await crm.change(ADA.id, ContactChange(company="Example AG"))
    assert (after.company, after.name, after.numbers) == ("Example AG", before.name, before.numbers)
    assert (after.flags, after.orders, after.cases, after.balance) == (
        before.flags,
        before.orders,
        before.cases,
        before.balance,
    )
    assert await crm.search("example ag", limit=5) == (after,)
    assert await crm.pin_hash(ADA.id)


async def test_a_number_taken_away_finds_nobody(crm: Both) -> None:
    (office, mobile) = (await known(crm, ADA.id)).numbers
    after = await crm.change(ADA.id, ContactChange(numbers=(mobile,)))
    assert after.numbers == (mobile,)
    assert await crm.find_by_number(number(office.typed)) == ()
    assert [one.contact for one in await crm.find_by_number(number(mobile.typed))] == [after]


async def test_everything_can_be_taken_away(crm: Both) -> None:
    after = await crm.change(ADA.id, ContactChange(company="", language="", numbers=(), flags=frozenset()))
    assert (after.company, after.language, after.numbers, after.flags) == ("", "", (), frozenset())


async def test_a_contact_that_is_not_there_is_not_changed(crm: Both) -> None:
    for name in ("nobody", "", "'; --"):
        with pytest.raises(NotFound):
            await crm.change(ContactId(name), ContactChange(name="x"))
    assert await crm.search("x", limit=50) == tuple(one for one in [await crm.get(ADA.id)] if one)


async def test_the_link_to_the_record_comes_with_it(crm: Both) -> None:
    made = await crm.create(ContactChange(name="Anna Berg"))
    assert made.url == f"https://crm.example.org/c/{made.id}"
    assert (await known(crm, ADA.id)).url == "https://crm.example.org/c/1"


def test_a_foreign_customer_system_is_only_read(tmp_path: Path) -> None:
    (tmp_path / "foreign.toml").write_text(FOREIGN, encoding="utf-8")
    setup = Setup(country="DE", mapping=tmp_path / "foreign.toml", url=f"sqlite:///{tmp_path}/foreign.db")
    assert writer_of(connect("sql", setup)) is None
