"""Any SQL database, by a mapping file: its own queries, run as they stand with bound parameters, on a reading connection.

SQLite and PostgreSQL are asked through their drivers (``cti/quick_sql.py``), for a phone rings meanwhile; others through SQLAlchemy.

A query by number narrows by digits; whether a contact really has the number is decided here, by what the numbers mean, so
that a query may be generous: "ends in these seven digits" finds ``030 1234567 ext. 12`` and somebody else's number, and only
the former is shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cti import quick_sql
from cti.crm import matching
from cti.crm.connectors import sql_questions
from cti.crm.connectors.rows import Row, contact_of, text_of
from cti.crm.connectors.sql_engine import ReadingDatabase, SqlAlchemyReader, reading, statement, url_of
from cti.crm.contact import Contact, ContactId, Match, MatchedBy
from cti.crm.mapping import CrmMapping, parameters_of
from cti.crm.open_url import open_url
from cti.errors import CrmAuthFailed, CrmError, CrmUnavailable
from cti.numbers import Number
from cti.quick_sql import Detailed, Details, Question, Reading

ARGON2: Final = "$argon2"
"""How its hashes begin in PHC form."""
MAX_CANDIDATES: Final = 200
"""Contacts looked at for one number; a query that finds more narrows too little."""
T = TypeVar("T")
_ERRORS: Final = (SQLAlchemyError, *quick_sql.ERRORS)
FEW: Final = 5
"""Contacts with a number whose whole records are read at once; of more, only those that match."""
_NUMBERS: Final = ("numbers",)
_People = Mapping[Any, Row]
"""Rows by their id as the database has it, a number or text, for that is how it is asked for again."""
_Belonging = Mapping[str, Sequence[Row]]
"""What is kept of them elsewhere, by the name of the part."""


@dataclass(frozen=True, slots=True)
class _Found:
    rows: Sequence[Row]
    belonging: _Belonging
    """Empty where there are too many rows, or none."""


@dataclass(frozen=True, slots=True)
class _Known:
    key: Any
    country: str
    contact: Contact


class SqlConnector:
    """``country``: where numbers without country code belong, unless the contact's own row says. ``open_url``: where records
    are opened, unless the mapping says."""

    def __init__(
        self, mapping: CrmMapping, *, country: str, url: str = "", open_url: str = "", is_quick: bool = True
    ) -> None:
        self.name = mapping.name
        self._mapping = mapping
        self._country = country
        self._open_url = open_url
        self._database = reading(mapping, url)
        self._is_apart = False
        self._reader, self._searching = (
            _reader(url_of(mapping, url), self._database, is_quick=is_quick) for _ in range(2)
        )

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        return await self._asked(self._by_number(number))

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        found = await self._asked(self._contacts("find_by_code", {"code": sql_questions.clean(code)}))
        return tuple(Match(contact, MatchedBy.CODE, code) for contact in found)

    async def find_by_order(self, order: str) -> tuple[Match, ...]:
        digits = matching.order_digits(order)
        if not digits or "find_by_order" not in self._mapping.questions:
            return ()
        asked = {"order": sql_questions.clean(order), "digits": digits}
        found = await self._asked(self._contacts("find_by_order", asked))
        return tuple(matching.by_order(contact, digits) for contact in found)

    async def pin_hash(self, contact: ContactId) -> str | None:
        key = sql_questions.key_of(contact, self._mapping.id_type)
        if key is None or "pin_hash" not in self._mapping.questions:
            return None
        return await self._asked(self._pin_hash(key))

    async def get(self, contact: ContactId) -> Contact | None:
        key = sql_questions.key_of(contact, self._mapping.id_type)
        found = [] if key is None else await self._asked(self._contacts("get", {"id": key}))
        return found[0] if found else None

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        """On a connection of its own: it may read all there is, and nobody whose phone rings is to wait for that."""
        found = await self._asked(self._contacts("search", sql_questions.by_text(text, limit)), self._searching)
        return tuple(found)[:limit]

    async def close(self) -> None:
        await self._reader.close()
        await self._searching.close()
        await self._database.close()

    async def check(self) -> tuple[str, ...]:
        """What is wrong with the queries and the account, in words: for ``cti check``. Raises as the questions do."""
        try:
            return await self._database.run(self._checked)
        except _ERRORS as exc:
            raise in_our_words(_driver_s(exc), "the customer database does not answer") from exc

    # ---- what is asked one after the other

    def _by_number(self, number: Number) -> Reading[tuple[Match, ...]]:
        """Of many candidates only those that match are read whole."""
        asked = sql_questions.by_number(number, parameters_of(self._mapping.questions["find_by_number"]))
        found = yield from self._detailed("find_by_number", asked)
        people, belonging = self._each_once(found.rows[:MAX_CANDIDATES]), found.belonging
        if not belonging:
            theirs = yield from self._belonging(people, _NUMBERS)
            people = {one.key: people[one.key] for one, _ in self._matching(people, theirs, number)}
            belonging = yield from self._belonging(people, self._mapping.parts)
        ways = sorted(self._matching(people, belonging, number), key=lambda way: matching.surest_first(way[1]))
        return tuple(replace(match, contact=self._whole(one)) for one, match in ways)

    def _contacts(self, name: str, values: Mapping[str, Any]) -> Reading[list[Contact]]:
        found = yield from self._detailed(name, values)
        people = self._each_once(found.rows)
        belonging = found.belonging or (yield from self._belonging(people, self._mapping.parts))
        return [self._whole(one) for one in self._known(people, belonging)]

    def _pin_hash(self, key: Any) -> Reading[str | None]:
        """Anything else than argon2 would make every PIN a wrong one; that is the operator's to know."""
        rows = yield from self._ask("pin_hash", {"id": key})
        found = text_of(next(iter(rows[0].values()))) if rows else ""
        if found and not found.startswith(ARGON2):
            raise CrmUnavailable(f"the query pin_hash of {self._mapping.place} gives no argon2 hash")
        return found or None

    def _detailed(self, name: str, values: Mapping[str, Any]) -> Reading[_Found]:
        """Rows, and what belongs to them where they are few. One by one from then on where JSON has no word for a column, or
        the mapping other words than ``IN :ids``; and where one fails, to say which."""
        parts = self._mapping.parts
        if parts and not self._is_apart:
            queries = tuple(part.query for part in parts.values())
            try:
                details: Details = yield Detailed(self._question(name, values), self._id, queries, FEW)
            except quick_sql.AWAY:
                raise
            except _ERRORS:
                pass
            else:
                return _Found(details.rows, dict(zip(parts, details.belonging, strict=False)))
        rows = yield from self._ask(name, values)
        belonging = (yield from self._belonging(self._each_once(rows), parts)) if len(rows) <= FEW else {}
        self._is_apart = True
        return _Found(rows, belonging)

    def _belonging(self, people: _People, names: Iterable[str]) -> Reading[_Belonging]:
        belonging = dict[str, Sequence[Row]]()
        if people:
            for name in names:
                if name in self._mapping.parts:
                    belonging[name] = yield from self._ask(name, {"ids": list(people)})
        return belonging

    def _matching(self, people: _People, belonging: _Belonging, number: Number) -> Iterator[tuple[_Known, Match]]:
        for one in self._known(people, belonging):
            if match := matching.match_of(one.contact, number, one.country):
                yield one, match

    def _known(self, people: _People, belonging: _Belonging) -> list[_Known]:
        theirs = {name: self._by_contact(name, rows) for name, rows in belonging.items()}
        return [
            _Known(
                key,
                self._country_of(row),
                contact_of(row, self._mapping, {name: of.get(text_of(key), ()) for name, of in theirs.items()}),
            )
            for key, row in people.items()
        ]

    def _by_contact(self, name: str, rows: Iterable[Row]) -> Mapping[str, Sequence[Row]]:
        column = self._mapping.parts[name].contact
        of_contact = defaultdict[str, list[Row]](list)
        for row in rows:
            of_contact[text_of(row[column])].append(row)
        return of_contact

    def _each_once(self, rows: Iterable[Row]) -> _People:
        """By id, though a join may have given them several times."""
        people: dict[Any, Row] = {}
        for row in rows:
            people.setdefault(row[self._id], row)
        return people

    def _whole(self, known: _Known) -> Contact:
        """As it is shown."""
        contact = matching.read_numbers(known.contact, known.country)
        return contact if contact.url else replace(contact, url=open_url(self._open_url, contact))

    def _ask(self, name: str, values: Mapping[str, Any]) -> Reading[Sequence[Row]]:
        try:
            rows: Sequence[Row] = yield self._question(name, values)
        except _ERRORS as exc:
            raise in_our_words(_driver_s(exc), f"the query {name} of {self._mapping.place} failed") from exc
        return rows

    def _question(self, name: str, values: Mapping[str, Any]) -> Question:
        query = self._query(name)
        return Question(query, {key: values[key] for key in parameters_of(query)})

    # ---- on a connection

    def _checked(self, connection: Connection) -> tuple[str, ...]:
        names = [*self._mapping.questions, *self._mapping.parts]
        found = [words for name in names for words in self._checked_query(connection, name)]
        if sql_questions.can_write(connection):
            found.append("the account may write in the customer database; one that may only read is enough")
        return tuple(found)

    def _checked_query(self, connection: Connection, name: str) -> list[str]:
        query = self._query(name)
        values = sql_questions.sample(parameters_of(query), self._mapping.id_type)
        try:
            found = connection.execute(statement(query), values)
        except DBAPIError as exc:
            return [str(in_our_words(exc.orig or exc, f"{self._mapping.place}: the query {name} fails"))]
        given = list(found.keys())
        found.close()
        if name == "pin_hash":
            return [] if len(given) == 1 else [f"{self._mapping.place}: the query pin_hash gives one column, the hash"]
        missing = sorted(self._columns(name) - set(given))
        return [f"{self._mapping.place}: the query {name} gives no column {column}" for column in missing]

    def _columns(self, name: str) -> set[str]:
        """Those the mapping reads from this query's rows."""
        mapping = self._mapping
        if part := mapping.parts.get(name):
            return {part.contact, *part.columns.values()}
        labelled = (mapping.numbers, mapping.preferences, mapping.fields, mapping.flags)
        single = {column for columns in mapping.contact.values() for column in columns}
        return single | {column for columns in labelled for column in columns.values()}

    def _query(self, name: str) -> str:
        part = self._mapping.parts.get(name)
        return part.query if part else self._mapping.questions[name]

    @property
    def _id(self) -> str:
        return self._mapping.contact["id"][0]

    def _country_of(self, row: Row) -> str:
        columns = self._mapping.contact.get("country")
        return (text_of(row[columns[0]]).upper() if columns else "") or self._country

    async def _asked(self, reading: Reading[T], reader: quick_sql.Reader | None = None) -> T:
        try:
            return await (reader or self._reader).read(reading)
        except KeyError as exc:
            raise CrmUnavailable(f"{self._mapping.place}: a query gives no column {exc}") from exc
        except _ERRORS as exc:
            raise in_our_words(_driver_s(exc), "the customer database does not answer") from exc


def _reader(url: URL, database: ReadingDatabase, *, is_quick: bool) -> quick_sql.Reader:
    if is_quick and url.get_backend_name() in quick_sql.BACKENDS:
        return quick_sql.quick_reader(url)
    return SqlAlchemyReader(database)


def _driver_s(exc: BaseException) -> BaseException:
    """What the driver raised, without what SQLAlchemy says around it."""
    return (exc.orig or exc) if isinstance(exc, DBAPIError) else exc


def in_our_words(exc: BaseException, what: str) -> CrmError:
    """SQLSTATE class 28: the account or its password is wrong."""
    words = str(exc).strip().split("\n", maxsplit=1)[0] or type(exc).__name__
    if str(getattr(exc, "sqlstate", "") or "").startswith("28"):
        return CrmAuthFailed(f"the customer database refuses our account: {words}")
    return CrmUnavailable(f"{what}: {words}")
