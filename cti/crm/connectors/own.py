"""Our own customers: read by the mapping file as any customer database is, and written to, on a connection of its own.

``cti/store/tables.py`` has the tables; rooms on one line do not know each other, so the statements stand here in SQL.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cti import numbers
from cti.crm.connectors.sql import SqlConnector, in_our_words
from cti.crm.connectors.writing_engine import writing
from cti.crm.contact import Contact, ContactId, ContactNumber
from cti.crm.mapping import CrmMapping
from cti.crm.writing import ContactChange
from cti.errors import CrmUnavailable, NotFound

LAST: Final = 7
_NEW: Final = text("INSERT INTO customer (id) VALUES (:id)")
_KNOWN: Final = text("SELECT code, name, company, language FROM customer WHERE id = :id")
_CHANGE: Final = text(
    "UPDATE customer SET name = :name, company = :company, language = :language, sought = :sought WHERE id = :id"
)
_NO_NUMBERS: Final = text("DELETE FROM customer_number WHERE customer = :id")
_NUMBER: Final = text(
    "INSERT INTO customer_number (customer, typed, e164, last7, label) VALUES (:id, :typed, :e164, :last7, :label)"
)
_NO_FLAGS: Final = text("DELETE FROM customer_flag WHERE customer = :id")
_FLAG: Final = text("INSERT INTO customer_flag (customer, flag) VALUES (:id, :flag)")


class OwnConnector(SqlConnector):
    """``url``: our own database."""

    def __init__(self, mapping: CrmMapping, *, country: str, url: str, open_url: str = "") -> None:
        super().__init__(mapping, country=country, url=url, open_url=open_url)
        self._writing = writing(url)

    async def create(self, change: ContactChange) -> Contact:
        return await self._written(ContactId(uuid4().hex), change, is_new=True)

    async def change(self, contact: ContactId, change: ContactChange) -> Contact:
        return await self._written(contact, change, is_new=False)

    async def close(self) -> None:
        await self._writing.close()
        await super().close()

    async def _written(self, contact: ContactId, change: ContactChange, *, is_new: bool) -> Contact:
        try:
            await self._writing.run(lambda connection: _write(connection, contact, change, is_new=is_new))
        except DBAPIError as exc:
            raise in_our_words(exc.orig or exc, "the customer could not be written") from exc
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, UnicodeError) as exc:
            raise in_our_words(exc, "the customer could not be written") from exc
        after = await self.get(contact)
        if after is None:
            raise CrmUnavailable("the customer was written, and is not found again")
        return after


def _write(connection: Connection, contact: ContactId, change: ContactChange, *, is_new: bool) -> None:
    key = {"id": contact}
    if is_new:
        connection.execute(_NEW, key)
    known = connection.execute(_KNOWN, key).mappings().first()
    if known is None:
        raise NotFound("no such customer")
    connection.execute(_CHANGE, key | _plain(dict(known), change))
    if change.numbers is not None:
        connection.execute(_NO_NUMBERS, key)
        for number in change.numbers:
            connection.execute(_NUMBER, key | _number(number))
    if change.flags is not None:
        connection.execute(_NO_FLAGS, key)
        for flag in sorted(change.flags):
            connection.execute(_FLAG, key | {"flag": flag.value})


def _plain(known: Mapping[str, Any], change: ContactChange) -> dict[str, str]:
    row = {
        name: str(known[name] if (value := getattr(change, name)) is None else value)
        for name in ("name", "company", "language")
    }
    return row | {"sought": f"{row['name']}\n{row['company']}\n{known['code']}".casefold()}


def _number(number: ContactNumber) -> dict[str, str]:
    last = numbers.dialled_digits(number.e164 or number.typed)[-LAST:]
    return {"typed": number.typed, "e164": number.e164, "last7": last, "label": number.label}
