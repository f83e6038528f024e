"""What every customer connector keeps, whatever stands behind it. The site is in Germany."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cti import numbers
from cti.crm import mapping
from cti.crm.connector import CrmConnector
from cti.crm.connectors import Setup, connect
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.connectors.sql import SqlConnector
from cti.crm.contact import Contact, ContactId, MatchedBy
from cti.crm.pin import hash_pin
from cti.errors import ConfigError, CrmUnavailable
from cti.store.customers import Customer, CustomerCase, CustomerNumber, CustomerOrder, put_customers, set_pin
from cti.store.database import Database
from tests.conftest import LogLines
from tests.unit.crm.people import ADA, BELL, CARTER, EVERYBODY, NAMELESS, TWO_IN_ONE, WANG

ADAS_PIN = hash_pin("739164")
FOREIGN = """
name = "foreign"
[contact]
id = "person_id"
id_type = "integer"
code = "customer_no"
name = ["first_name", "last_name"]
company = "company"
language = "lang"
tier = "class"
balance = "owes"
currency = "in_currency"
url = "https://crm.example.org/people/{id}"
[contact.numbers]
phone = "phone"
[contact.flags]
do_not_call = "opted_out"
[queries]
find_by_number = '''SELECT * FROM person WHERE phone LIKE :loose7
  OR person_id IN (SELECT person_id FROM extra_phone WHERE phone LIKE :loose7) ORDER BY person_id'''
find_by_code = "SELECT * FROM person WHERE customer_no = :code AND customer_no <> ''"
find_by_order = '''SELECT * FROM person WHERE person_id IN
  (SELECT person_id FROM sales_order WHERE replace(replace(replace(replace(order_no, 'A', ''), 'B', ''), 'C ', ''), '-', '') = :digits)
  ORDER BY person_id'''
pin_hash = "SELECT secret FROM person_secret WHERE person_id = :id"
get = "SELECT * FROM person WHERE person_id = :id"
search = '''SELECT * FROM person WHERE lower(last_name) LIKE :holds_folded ESCAPE '!'
  OR lower(first_name || ' ' || last_name) LIKE :holds_folded ESCAPE '!'
  OR lower(company) LIKE :holds_folded ESCAPE '!' OR customer_no = :text
  OR person_id IN (SELECT person_id FROM extra_phone WHERE plain LIKE :holds_digits) ORDER BY person_id LIMIT :limit'''
[numbers]
query = "SELECT person_id, phone, kind FROM extra_phone WHERE person_id IN :ids ORDER BY position"
contact = "person_id"
typed = "phone"
label = "kind"
[preferences]
query = "SELECT person_id, label, value FROM wish WHERE person_id IN :ids"
contact = "person_id"
name = "label"
value = "value"
[cases]
query = "SELECT person_id, ticket_no, subject, state, created FROM ticket WHERE person_id IN :ids"
contact = "person_id"
id = "ticket_no"
title = "subject"
status = "state"
opened_at = "created"
[orders]
query = "SELECT person_id, order_no, article, state, ordered, amount FROM sales_order WHERE person_id IN :ids"
contact = "person_id"
id = "order_no"
title = "article"
status = "state"
ordered_on = "ordered"
amount = "amount"
"""
SCHEMA = (
    """CREATE TABLE person (person_id INTEGER PRIMARY KEY, customer_no TEXT, first_name TEXT, last_name TEXT, company TEXT,
       lang TEXT, class TEXT, phone TEXT, opted_out INTEGER, owes NUMERIC, in_currency TEXT)""",
    "CREATE TABLE person_secret (person_id INTEGER, secret TEXT, noted TEXT)",
    "CREATE TABLE extra_phone (position INTEGER, person_id INTEGER, phone TEXT, plain TEXT, kind TEXT)",
    "CREATE TABLE wish (person_id INTEGER, label TEXT, value TEXT)",
    "CREATE TABLE ticket (person_id INTEGER, ticket_no TEXT, subject TEXT, state TEXT, created TEXT)",
    "CREATE TABLE sales_order (person_id INTEGER, order_no TEXT, article TEXT, state TEXT, ordered TEXT, amount TEXT)",
)


def customer_of(contact: Contact) -> Customer:
    plain = {name: getattr(contact, name) for name in ("code", "name", "company", "language", "tier")}
    return Customer(
        id=contact.id,
        **plain,
        numbers=tuple(CustomerNumber(typed=one.typed, label=one.label) for one in contact.numbers),
        preferences=contact.preferences,
        flags=frozenset(str(flag) for flag in contact.flags),
        cases=tuple(
            CustomerCase(id=one.id, title=one.title, status=one.status, opened_at=one.opened_at)
            for one in contact.cases
        ),
        orders=tuple(
            CustomerOrder(id=one.id, title=one.title, status=one.status, ordered_on=one.ordered_on, amount=one.amount)
            for one in contact.orders
        ),
        balance=contact.balance.amount if contact.balance else None,
        currency=contact.balance.currency if contact.balance else "",
    )


def fill_foreign(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for statement in SCHEMA:
            connection.execute(text(statement))
        for contact in EVERYBODY:
            fill_person(connection.execute, contact)
        connection.execute(text("INSERT INTO person_secret VALUES (1, :secret, 'canary')"), {"secret": ADAS_PIN})
    engine.dispose()


def fill_person(execute: Callable[..., object], contact: Contact) -> None:
    first, _, last = contact.name.rpartition(" ")
    person = {
        "i": int(contact.id),
        "c": contact.code,
        "f": first,
        "l": last,
        "o": contact.company,
        "g": contact.language,
    }
    person |= {"t": contact.tier, "n": 1 if contact.flags else 0}
    owed = contact.balance
    person |= {"b": str(owed.amount), "e": owed.currency.lower()} if owed else {"b": None, "e": None}
    execute(text("INSERT INTO person VALUES (:i, :c, :f, :l, :o, :g, :t, NULL, :n, :b, :e)"), person)
    for position, one in enumerate(contact.numbers):
        row = {"p": position, "i": int(contact.id), "t": one.typed, "d": one.e164[1:], "l": one.label}
        execute(text("INSERT INTO extra_phone VALUES (:p, :i, :t, :d, :l)"), row)
    for name, value in contact.preferences:
        execute(text("INSERT INTO wish VALUES (:i, :n, :v)"), {"i": int(contact.id), "n": name, "v": value})
    for case in contact.cases:
        row = {
            "i": int(contact.id),
            "k": case.id,
            "t": case.title,
            "s": case.status,
            "o": case.opened_at.isoformat() if case.opened_at else None,
        }
        execute(text("INSERT INTO ticket VALUES (:i, :k, :t, :s, :o)"), row)
    for order in contact.orders:
        row = {
            "i": int(contact.id),
            "k": order.id,
            "t": order.title,
            "s": order.status,
            "o": str(order.ordered_on),
            "a": order.amount,
        }
        execute(text("INSERT INTO sales_order VALUES (:i, :k, :t, :s, :o, :a)"), row)


async def own(url: str) -> CrmConnector:
    database = Database(url)
    await put_customers(database, map(customer_of, EVERYBODY), country="DE")
    await set_pin(database, ADA.id, ADAS_PIN, at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    await database.close()
    return connect("own", Setup(country="DE", own_url=url))


@pytest.fixture(
    params=[
        "memory",
        "own-sqlite",
        pytest.param("own-postgresql", marks=pytest.mark.postgres),
        "foreign",
        "foreign-by-sqlalchemy",
    ]
)
async def crm(
    request: pytest.FixtureRequest, ready_url: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[CrmConnector]:
    made: CrmConnector
    if request.param == "memory":
        made = MemoryConnector(EVERYBODY, country="DE", pin_hashes={ADA.id: ADAS_PIN})
    elif request.param.startswith("foreign"):
        fill_foreign(tmp_path / "foreign.db")
        made = SqlConnector(
            mapping.parse(FOREIGN, place="foreign.toml"), country="DE", url=f"sqlite:///{tmp_path}/foreign.db",
            is_quick=request.param == "foreign",
        )  # fmt: skip
    else:
        made = await own(ready_url(request.param.removeprefix("own-")))
    yield made
    await made.close()


async def found(crm: CrmConnector, number: str) -> list[tuple[str, MatchedBy]]:
    read = numbers.parse(number, country="DE")
    assert read
    return [(match.contact.id, match.by) for match in await crm.find_by_number(read)]


@pytest.mark.parametrize(
    ("number", "contact", "by"),
    [
        ("+491715550101", ADA, MatchedBy.NUMBER),
        ("+49301234567", ADA, MatchedBy.NATIONAL),
        ("+886223456789", WANG, MatchedBy.EXTENSION),
        ("+491715550199", NAMELESS, MatchedBy.NATIONAL),
    ],
)
async def test_a_number_matches_however_it_was_typed(
    crm: CrmConnector, number: str, contact: Contact, by: MatchedBy
) -> None:
    assert await found(crm, number) == [(contact.id, by)]


async def test_several_who_share_a_number_are_all_there(crm: CrmConnector) -> None:
    assert await found(crm, "+442079460018") == [(BELL.id, MatchedBy.NUMBER), (CARTER.id, MatchedBy.NUMBER)]


@pytest.mark.parametrize("number", ["+49401234567", "+4930123456", "+493012345678", "+442071234567", "+886212345678"])
async def test_the_same_last_digits_are_not_the_same_number(crm: CrmConnector, number: str) -> None:
    assert await found(crm, number) == []


async def test_digits_of_another_country_are_another_number(crm: CrmConnector) -> None:
    """020 7946 0018 was typed in Germany: it is no London number."""
    assert (CARTER.id, MatchedBy.NATIONAL) in await found(crm, "+492079460018")


async def test_the_whole_contact_comes(crm: CrmConnector) -> None:
    (match,) = await crm.find_by_code("4711")
    assert match.by is MatchedBy.CODE
    assert replace(match.contact, url="", email="") == ADA


async def test_what_matched_stands_as_it_does_there(crm: CrmConnector) -> None:
    read = numbers.parse("+49301234567", country="DE")
    assert read
    (match,) = await crm.find_by_number(read)
    assert match.value == "030 / 123 45-67"


@pytest.mark.parametrize("code", ["", "471", "47111", "%", "4711 ", "' OR 1=1 --", "\x00", "\ud800"])
async def test_a_code_matches_exactly_or_not_at_all(crm: CrmConnector, code: str) -> None:
    assert await crm.find_by_code(code) == ()


@pytest.mark.parametrize("keyed", ["88301", "A-88301", "a 8830 1", "A*88301#"])
async def test_an_order_is_found_by_its_digits(crm: CrmConnector, keyed: str) -> None:
    """A telephone has no letters, and people key what they see between them."""
    (match,) = await crm.find_by_order(keyed)
    assert (match.contact.id, match.by, match.value) == (ADA.id, MatchedBy.ORDER, "A-88301")
    assert match.contact == await crm.get(ADA.id)


async def test_orders_of_the_same_digits_are_all_there(crm: CrmConnector) -> None:
    found = {match.contact.id: match.value for match in await crm.find_by_order("55")}
    assert found == {BELL.id: "B-55", CARTER.id: "C 55"}


@pytest.mark.parametrize(
    "keyed", ["", "A", "8830", "088301", "883011", "%", "' OR ''='", "\x00", "\ud800", "8" * 10_000]
)
async def test_another_order_is_nobodys(crm: CrmConnector, keyed: str) -> None:
    assert await crm.find_by_order(keyed) == ()


async def test_a_balance_is_exact(crm: CrmConnector) -> None:
    contacts = {contact: await crm.get(contact.id) for contact in (ADA, BELL, WANG)}
    assert {one: found.balance for one, found in contacts.items() if found} == {
        one: one.balance for one in (ADA, BELL, WANG)
    }


async def test_a_pin_is_on_record_as_its_hash(crm: CrmConnector) -> None:
    assert await crm.pin_hash(ADA.id) == ADAS_PIN
    assert await crm.pin_hash(WANG.id) is None


@pytest.mark.parametrize("contact", ["", "99", "x", "1 OR 1=1", "\x00", "9" * 40, "-1", "\ud800"])
async def test_who_is_not_there_has_no_pin(crm: CrmConnector, contact: str) -> None:
    assert await crm.pin_hash(ContactId(contact)) is None


async def test_a_pin_is_in_no_log(crm: CrmConnector, log_lines: LogLines) -> None:
    await crm.pin_hash(ADA.id)
    assert "argon2" not in str(log_lines())


async def test_a_contact_is_got_by_its_id(crm: CrmConnector) -> None:
    contact = await crm.get(WANG.id)
    assert contact
    assert (contact.name, contact.language) == ("王小明", "zh-Hant")


@pytest.mark.parametrize("contact", ["", "99", "x", "1 OR 1=1", "\x00", "9" * 40, "-1", "\ud800"])
async def test_an_id_that_is_not_there_gets_nobody(crm: CrmConnector, contact: str) -> None:
    assert await crm.get(ContactId(contact)) is None


@pytest.mark.parametrize(
    ("typed", "contact"),
    [("ada ex", ADA), ("小明", WANG), ("söhne", ADA), ("4713", BELL), ("HARBOUR", BELL), ("171 5550101", ADA)],
)
async def test_a_search_finds_names_companies_codes_and_numbers(
    crm: CrmConnector, typed: str, contact: Contact
) -> None:
    assert [one.id for one in await crm.search(typed, limit=10)] == [contact.id]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("%", [BELL.id]),
        ("100%_", [BELL.id]),
        ("_", [BELL.id]),
        ("!", []),
        ("'; DROP TABLE customer; --", []),
        ("\x00", []),
        ("9" * 10_000, []),
        ("\\", []),
        ("\u202e", []),
    ],
)
async def test_injection_search(crm: CrmConnector, typed: str, wanted: list[str]) -> None:
    """What strangers type is taken literally."""
    assert [one.id for one in await crm.search(typed, limit=10)] == wanted
    assert len(await crm.find_by_code("4711")) == 1


async def test_a_search_ends_at_its_limit(crm: CrmConnector) -> None:
    assert len(await crm.search("a", limit=2)) == 2


# ---- what only a mapping can do


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[SqlConnector]:
    fill_foreign(tmp_path / "foreign.db")
    made = SqlConnector(
        mapping.parse(FOREIGN, place="foreign.toml"), country="DE", url=f"sqlite:///{tmp_path}/foreign.db"
    )
    yield made
    await made.close()


async def test_two_numbers_in_one_field_are_both_found(foreign: SqlConnector) -> None:
    assert await found(foreign, "+49307654321") == [(TWO_IN_ONE.id, MatchedBy.NATIONAL)]
    assert await found(foreign, "+491715550177") == [(TWO_IN_ONE.id, MatchedBy.NATIONAL)]


async def test_the_record_opens_by_its_url(foreign: SqlConnector) -> None:
    contact = await foreign.get(ADA.id)
    assert contact
    assert contact.url == "https://crm.example.org/people/1"


async def test_a_good_mapping_has_no_findings(foreign: SqlConnector) -> None:
    assert await foreign.check() == ()


def variant(tmp_path: Path, old: str, new: str) -> SqlConnector:
    assert old in FOREIGN
    fill_foreign(tmp_path / "foreign.db")
    made = mapping.parse(FOREIGN.replace(old, new), place="foreign.toml")
    return SqlConnector(made, country="DE", url=f"sqlite:///{tmp_path}/foreign.db")


WITHOUT_ORDERS = (FOREIGN[FOREIGN.index("find_by_order") : FOREIGN.index("pin_hash")], "")
WITHOUT_PINS = (FOREIGN[FOREIGN.index("pin_hash") : FOREIGN.index("get =")], "")


async def test_a_mapping_need_not_know_orders(tmp_path: Path) -> None:
    crm = variant(tmp_path, *WITHOUT_ORDERS)
    assert (await crm.find_by_order("88301"), await crm.check()) == ((), ())
    await crm.close()


async def test_a_mapping_need_not_know_pins(tmp_path: Path) -> None:
    crm = variant(tmp_path, *WITHOUT_PINS)
    assert (await crm.pin_hash(ADA.id), await crm.check()) == (None, ())
    await crm.close()


async def test_what_is_no_argon2_hash_is_not_taken_for_one(tmp_path: Path) -> None:
    """Else every right PIN would be a wrong one, and nobody would know why."""
    crm = variant(tmp_path, "SELECT secret FROM person_secret", "SELECT noted FROM person_secret")
    with pytest.raises(CrmUnavailable, match=r"the query pin_hash of foreign\.toml gives no argon2 hash") as caught:
        await crm.pin_hash(ADA.id)
    assert "canary" not in str(caught.value)
    await crm.close()


async def test_a_check_says_that_a_pin_is_one_column(tmp_path: Path) -> None:
    crm = variant(tmp_path, "SELECT secret FROM person_secret", "SELECT * FROM person_secret")
    assert await crm.check() == ("foreign.toml: the query pin_hash gives one column, the hash",)
    await crm.close()


async def test_a_check_names_the_query_that_fails(tmp_path: Path) -> None:
    crm = variant(tmp_path, "FROM ticket", "FROM tickets")
    (finding,) = await crm.check()
    assert finding == "foreign.toml: the query cases fails: no such table: tickets"
    with pytest.raises(CrmUnavailable, match=r"the query cases of foreign\.toml failed"):
        await crm.get(ADA.id)
    await crm.close()


async def test_a_check_names_the_column_that_is_missing(tmp_path: Path) -> None:
    crm = variant(tmp_path, 'tier = "class"', 'tier = "klass"')
    assert "foreign.toml: the query get gives no column klass" in await crm.check()
    with pytest.raises(CrmUnavailable, match="no column 'klass'"):
        await crm.get(ADA.id)
    await crm.close()


async def test_a_query_cannot_write(tmp_path: Path) -> None:
    """Even one that hides it behind WITH."""
    crm = variant(
        tmp_path,
        'get = "SELECT * FROM person WHERE person_id = :id"',
        'get = "WITH x AS (SELECT :id) DELETE FROM person RETURNING *"',
    )
    with pytest.raises(CrmUnavailable, match="readonly"):
        await crm.get(ADA.id)
    await crm.close()


@pytest.mark.postgres
async def test_a_query_cannot_write_in_postgresql(ready_url: Callable[[str], str], tmp_path: Path) -> None:
    made = mapping.load(Path(__file__).parents[2] / "config/crm/own.toml")
    made = replace(
        made,
        questions={
            **made.questions,
            "get": "WITH x AS (DELETE FROM customer WHERE id = :id RETURNING *) SELECT * FROM x",
        },
    )
    crm = SqlConnector(made, country="DE", url=ready_url("postgresql"))
    with pytest.raises(CrmUnavailable, match="read-only transaction"):
        await crm.get(ADA.id)
    assert "the account may write" in (await crm.check())[-1]
    await crm.close()


@pytest.mark.postgres
async def test_parts_may_be_asked_in_other_words_in_postgresql(ready_url: Callable[[str], str]) -> None:
    """One by one, then."""
    url, made = ready_url("postgresql"), mapping.load(Path(__file__).parents[2] / "config/crm/own.toml")
    await (await own(url)).close()
    parts = {name: replace(part, query=part.query.replace("IN :ids", "IN (:ids)")) for name, part in made.parts.items()}
    crm = SqlConnector(replace(made, parts=parts), country="DE", url=url)
    contact = await crm.get(ADA.id)
    assert contact
    assert contact.cases == ADA.cases
    await crm.close()


@pytest.mark.postgres
@pytest.mark.parametrize("trouble", ["pg_sleep(30)", "pg_terminate_backend(pg_backend_pid())"])
async def test_a_query_that_ends_the_connection_is_not_asked_in_other_words(
    ready_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("cti.quick_sql.postgres.ANSWER_S", 0.2)
    url, made = ready_url("postgresql"), mapping.load(Path(__file__).parents[2] / "config/crm/own.toml")
    await (await own(url)).close()
    bad = {**made.questions, "get": made.questions["get"].replace("SELECT ", f"SELECT {trouble}, ", 1)}
    crm = SqlConnector(replace(made, questions=bad), country="DE", url=url)
    with pytest.raises(CrmUnavailable, match="the customer database does not answer"):
        await crm.get(ADA.id)
    await crm.close()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://cti@127.0.0.1:1/crm"])
async def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    crm = SqlConnector(mapping.parse(FOREIGN, place="foreign.toml"), country="DE", url=url)
    with pytest.raises(CrmUnavailable, match="the customer database does not answer"):
        await crm.find_by_code("4711")
    await crm.close()


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchdb://x/y"])
def test_a_database_that_cannot_be_used_is_the_operators_mistake(url: str) -> None:
    with pytest.raises(ConfigError, match=r"foreign\.toml"):
        SqlConnector(mapping.parse(FOREIGN, place="foreign.toml"), country="DE", url=url)


def test_a_connector_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no connector salesfarce; there are memory, own, sql"):
        connect("salesfarce", Setup(country="DE"))
    with pytest.raises(ConfigError, match="needs a mapping file"):
        connect("sql", Setup(country="DE"))
