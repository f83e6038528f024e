"""Creating and correcting contacts: the optional side of a customer system, and what people type, read.

A connector that can write has the two methods of ``ContactWriter``; ``writer_of`` is how others find out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol, runtime_checkable

from cti import numbers
from cti.crm.connector import CrmConnector
from cti.crm.contact import Contact, ContactId, ContactNumber, Flag
from cti.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChange:
    """None: stays as it is. Numbers and flags are given whole; numbers are read already (``read_change``)."""

    name: str | None = None
    company: str | None = None
    language: str | None = None
    numbers: tuple[ContactNumber, ...] | None = None
    flags: frozenset[Flag] | None = None


_NAMES: Final = tuple(field.name for field in fields(ContactChange))


@runtime_checkable
class ContactWriter(Protocol):
    """Both raise ``CrmUnavailable`` or ``CrmAuthFailed``, as the asking side does."""

    async def create(self, change: ContactChange) -> Contact:
        """The new contact, with an id of its own."""
        ...

    async def change(self, contact: ContactId, change: ContactChange) -> Contact:
        """The contact as it is now. Raises ``NotFound``."""
        ...


def writer_of(connector: CrmConnector) -> ContactWriter | None:
    """None: it is only read."""
    return connector if isinstance(connector, ContactWriter) else None


def read_change(change: ContactChange, before: Contact | None, *, country: str) -> ContactChange:
    """The change as it may be written: cleaned, its numbers read in the site's ``country``. Raises ``RequestError`` with every
    number that is none; one that was on record before, and could not be read then either, may stay.
    """
    known = {number.typed: number for number in before.numbers} if before else {}
    plain: dict[str, Any] = {name: _tidy(getattr(change, name)) for name in ("name", "company", "language")}
    typed = None if change.numbers is None else _read(change.numbers, known, country)
    read = replace(change, **plain, numbers=typed)
    if not _says_something(changed(before or Contact(id=ContactId("")), read)):
        raise RequestError("a contact has a name, a company or a number")
    return read


def changed(contact: Contact, change: ContactChange) -> Contact:
    given: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(change, name)) is not None}
    return replace(contact, **given)


def differences(before: Contact | None, after: Contact) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed, as it was and as it is, as JSON; of a new contact, nothing was."""
    was = _plain(before) if before else {}
    now = _plain(after)
    differ = [name for name in _NAMES if now[name] != was.get(name, type(now[name])())]
    return {name: was[name] for name in differ if name in was}, {name: now[name] for name in differ}


def _read(
    given: Iterable[ContactNumber], known: Mapping[str, ContactNumber], country: str
) -> tuple[ContactNumber, ...]:
    read: dict[str, ContactNumber] = {}
    wrong = []
    for number in given:
        typed = _tidy(number.typed) or ""
        meant = numbers.parse(typed, country=country)
        if not meant and typed not in known:
            wrong.append(typed)
            continue
        e164 = (known[typed].e164 if typed in known else "") or (meant.e164 if meant else "")
        read.setdefault(e164 or typed, ContactNumber(typed=typed, e164=e164, label=_tidy(number.label) or ""))
    if wrong:
        raise RequestError("; ".join(f"{typed or 'nothing'} is no telephone number in {country}" for typed in wrong))
    return tuple(read.values())


def _tidy(text: str | None) -> str | None:
    """One line, without what no database takes."""
    return None if text is None else " ".join(text.replace("\x00", "\ufffd").split())


def _says_something(contact: Contact) -> bool:
    return bool(contact.name or contact.company or contact.numbers)


def _plain(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "company": contact.company,
        "language": contact.language,
        "numbers": [{"typed": one.typed, "e164": one.e164, "label": one.label} for one in contact.numbers],
        "flags": sorted(flag.value for flag in contact.flags),
    }
