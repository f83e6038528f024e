"""Rows of a customer database -> contacts, as the mapping says."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from cti.crm.contact import Case, Contact, ContactId, ContactNumber, Flag, Money, Order
from cti.crm.mapping import CrmMapping, Part
from cti.crm.open_url import open_url

Row = Mapping[str, Any]
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_AMOUNT: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{0,12})?")
"""Nothing else: of ``1,140`` nobody knows whether it is a thousand, and a balance is read out to the customer."""
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_FLAGS: Final = {flag.value: flag for flag in Flag}


def contact_of(row: Row, mapping: CrmMapping, belonging: Mapping[str, Iterable[Row]]) -> Contact:
    """``belonging``: this contact's rows of each part. Raises ``KeyError`` with a column the query did not give."""
    plain = {name: _joined(row, columns) for name, columns in mapping.contact.items()}
    items = {name: _items(mapping.parts[name], rows) for name, rows in belonging.items()}
    contact = Contact(
        id=ContactId(plain["id"]),
        code=plain.get("code", ""),
        name=plain.get("name", ""),
        company=plain.get("company", ""),
        language=plain.get("language", ""),
        segment=plain.get("segment", ""),
        tier=plain.get("tier", ""),
        email=plain.get("email", ""),
        numbers=(
            *(ContactNumber(typed=typed, label=label) for label, typed in _labelled(row, mapping.numbers)),
            *map(_number, items.get("numbers", ())),
        ),
        preferences=(*_labelled(row, mapping.preferences), *map(_preference, items.get("preferences", ()))),
        flags=frozenset(
            (
                *(flag for flag, column in mapping.flags.items() if is_true(row[column])),
                *(_FLAGS[words] for item in items.get("flags", ()) if (words := text_of(item["flag"])) in _FLAGS),
            )
        ),
        cases=tuple(map(_case, items.get("cases", ()))),
        orders=tuple(map(_order, items.get("orders", ()))),
        balance=money_of(plain.get("balance", ""), plain.get("currency", "")),
        fields=tuple(_labelled(row, mapping.fields)),
    )
    return replace(contact, url=open_url(mapping.record_url, contact)) if mapping.record_url else contact


def text_of(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Decimal):
        return f"{value:f}"  # str() makes 0E-8 of NUMERIC's 0.00000000
    return "" if value is None else str(value).strip()


def is_true(value: Any) -> bool:
    return value if isinstance(value, bool) else text_of(value).lower() in _TRUE


def moment_of(value: Any) -> datetime | None:
    """Without a zone it is taken for UTC; what is no time is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), UTC) if isinstance(value, date) else None


def money_of(amount: str, currency: str) -> Money | None:
    """What is no exact amount of a known currency is none at all."""
    currency = currency.upper()
    if not _AMOUNT.fullmatch(amount) or not _CURRENCY.fullmatch(currency):
        return None
    return Money(Decimal(amount), currency)


def _joined(row: Row, columns: Iterable[str]) -> str:
    return " ".join(found for column in columns if (found := text_of(row[column])))


def _labelled(row: Row, columns: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(label, found) for label, column in columns.items() if (found := text_of(row[column]))]


def _items(part: Part, rows: Iterable[Row]) -> list[Row]:
    columns = part.columns.items()
    return [{field: row[column] for field, column in columns} for row in rows]


def _preference(item: Row) -> tuple[str, str]:
    return text_of(item["name"]), text_of(item["value"])


def _number(item: Row) -> ContactNumber:
    return ContactNumber(**{name: text_of(value) for name, value in item.items()})


def _case(item: Row) -> Case:
    texts = {name: text_of(value) for name, value in item.items() if name != "opened_at"}
    return Case(**texts, opened_at=moment_of(item.get("opened_at")))


def _order(item: Row) -> Order:
    texts = {name: text_of(value) for name, value in item.items() if name != "ordered_on"}
    at = moment_of(item.get("ordered_on"))
    return Order(**texts, ordered_on=at.date() if at else None)
