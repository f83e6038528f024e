"""Any SQL database, by a mapping file: its own queries, run as they stand with bound parameters, on a reading connection.

SQLite and PostgreSQL are asked through their drivers (``cti/quick_sql.py``), for a phone rings meanwhile; others through SQLAlchemy.

A query by number narrows by digits; whether a contact really has the number is decided here, by what the numbers mean, so
that a query may be generous: "ends in these seven digits" finds ``030 1234567 ext. 12`` and somebody else's number, and only
the former is shown.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cti import quick_sql
from cti.crm import matching
from cti.crm.connectors import sql_questions
from cti.crm.connectors.rows import Row, contact_of, text_of, with_part
from cti.crm.connectors.sql_engine import ReadingDatabase, SqlAlchemyReader, reading, statement, url_of
from cti.crm.contact import Contact, ContactId, Match, MatchedBy
from cti.crm.mapping import CrmMapping, parameters_of
from cti.crm.open_url import open_url
from cti.errors import CrmAuthFailed, CrmError, CrmUnavailable
from cti.numbers import Number
from cti.quick_sql import Question, Reading, Together

ARGON2: Final = "$argon2"
"""How its hashes begin in PHC form."""
MAX_CANDIDATES: Final = 200
"""Contacts looked at for one number; a query that finds more narrows too little."""
T = TypeVar("T")
_ERRORS: Final = (SQLAlchemyError, *quick_sql.ERRORS)
FEW: Final = 5
"""Contacts with a number whose whole records are read at once; of more, only those that match."""
_NUMBERS: Final = ("numbers",)
_FURTHER: Final = ("flags", "preferences", "cases", "orders")
_PARTS: Final = (*_NUMBERS, *_FURTHER)


@dataclass(frozen=True, slots=True)
class _Known:
    key: Any
    """The id as the database has it, a number or text, for that is how it is asked for again."""
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
        asked = sql_questions.by_number(number, parameters_of(self._mapping.questions["find_by_number"]))
        rows = (yield from self._ask("find_by_number", asked))[:MAX_CANDIDATES]
        are_few = len(rows) <= FEW
        known = yield from self._known(rows, _PARTS if are_few else _NUMBERS)
        ways = [(match, one) for one in known if (match := matching.match_of(one.contact, number, one.country))]
        ways.sort(key=lambda way: matching.surest_first(way[0]))
        theirs = [one for _, one in ways] if are_few else (yield from self._filled([one for _, one in ways], _FURTHER))
        return tuple(replace(way[0], contact=self._whole(one)) for way, one in zip(ways, theirs, strict=True))

    def _contacts(self, name: str, values: Mapping[str, Any]) -> Reading[list[Contact]]:
        known = yield from self._known((yield from self._ask(name, values)), _PARTS)
        return [self._whole(one) for one in known]

    def _pin_hash(self, key: Any) -> Reading[str | None]:
        """Anything else than argon2 would make every PIN a wrong one; that is the operator's to know."""
        rows = yield from self._ask("pin_hash", {"id": key})
        found = text_of(next(iter(rows[0].values()))) if rows else ""
        if found and not found.startswith(ARGON2):
            raise CrmUnavailable(f"the query pin_hash of {self._mapping.place} gives no argon2 hash")
        return found or None

    def _known(self, rows: Sequence[Row], parts: Sequence[str]) -> Reading[list[_Known]]:
        """Each contact once, though a join may have given it several times; with these parts."""
        first: dict[Any, Row] = {}
        for row in rows:
            first.setdefault(self._id_of(row), row)
        plain = [_Known(key, self._country_of(row), contact_of(row, self._mapping)) for key, row in first.items()]
        return (yield from self._filled(plain, parts))

    def _filled(self, known: Sequence[_Known], names: Sequence[str]) -> Reading[list[_Known]]:
        parts = {name: part for name in names if (part := self._mapping.parts.get(name))}
        if not parts or not known:
            return list(known)
        answers = yield from self._asked_together(tuple(parts), {"ids": [one.key for one in known]})
        contacts = [one.contact for one in known]
        for (name, part), rows in zip(parts.items(), answers, strict=True):
            of_contact = defaultdict(list)
            for row in rows:
                of_contact[text_of(row[part.contact])].append(row)
            contacts = [
                with_part(contact, name, part, of_contact[text_of(one.key)])
                for one, contact in zip(known, contacts, strict=True)
            ]
        return [replace(one, contact=contact) for one, contact in zip(known, contacts, strict=True)]

    def _whole(self, known: _Known) -> Contact:
        """As it is shown."""
        contact = matching.read_numbers(known.contact, known.country)
        return replace(contact, url=contact.url or open_url(self._open_url, contact))

    def _asked_together(self, names: tuple[str, ...], values: Mapping[str, Any]) -> Reading[list[list[Row]]]:
        """One by one from then on where JSON has no word for one of their columns; and where one fails, to say which."""
        if not self._is_apart:
            try:
                together: list[list[Row]] = yield Together(tuple(Question(self._query(name), values) for name in names))
            except _ERRORS:
                pass
            else:
                return together
        answers = list[list[Row]]()
        for name in names:
            rows = yield from self._ask(name, values)
            answers.append(rows)
        self._is_apart = True
        return answers

    def _ask(self, name: str, values: Mapping[str, Any]) -> Reading[list[Row]]:
        query = self._query(name)
        try:
            rows: list[Row] = yield Question(query, {key: values[key] for key in parameters_of(query)})
        except _ERRORS as exc:
            raise in_our_words(_driver_s(exc), f"the query {name} of {self._mapping.place} failed") from exc
        return rows

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

    def _id_of(self, row: Row) -> Any:
        return row[self._mapping.contact["id"][0]]

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
