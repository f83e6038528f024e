"""A customer system in memory: for tests and for trying things out. Answers as the others do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from uuid import uuid4

from cti import numbers
from cti.crm import matching
from cti.crm.contact import Contact, ContactId, Match, MatchedBy
from cti.crm.open_url import open_url
from cti.crm.writing import ContactChange, changed
from cti.errors import NotFound
from cti.numbers import Number

MIN_DIGITS: Final = 3


class MemoryConnector:
    """``country``: where the contacts' numbers without country code belong."""

    def __init__(
        self,
        contacts: Iterable[Contact] = (),
        *,
        country: str,
        name: str = "memory",
        pin_hashes: Mapping[ContactId, str] | None = None,
        open_url: str = "",
    ) -> None:
        self.name = name
        self._country = country
        self._open_url = open_url
        self._pin_hashes = dict(pin_hashes or {})
        self._contacts: dict[ContactId, Contact] = {}
        self._by_number: dict[str, dict[ContactId, Contact]] = defaultdict(dict)
        for contact in contacts:
            self.put(contact)

    def put(self, contact: Contact) -> None:
        """In the place of what was known under the same id."""
        self._forget(contact.id)
        read = matching.read_numbers(contact, self._country)
        self._contacts[contact.id] = replace(read, url=read.url or open_url(self._open_url, read))
        for known in contact.numbers:
            for e164 in matching.meanings(known, self._country):
                self._by_number[e164][contact.id] = contact

    def _forget(self, contact: ContactId) -> None:
        if self._contacts.pop(contact, None):
            for owners in self._by_number.values():
                owners.pop(contact, None)

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        known = self._by_number.get(number.e164, {}).values()
        found = [match for one in known if (match := matching.match_of(one, number, self._country))]
        shown = [replace(match, contact=self._contacts[match.contact.id]) for match in found]
        return tuple(sorted(shown, key=matching.surest_first))

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        found = [one for one in self._contacts.values() if one.code == code and code]
        return tuple(Match(one, MatchedBy.CODE, code) for one in found)

    async def find_by_order(self, order: str) -> tuple[Match, ...]:
        digits = matching.order_digits(order)
        found = [
            one for one in self._contacts.values() if any(matching.order_digits(of.id) == digits for of in one.orders)
        ]
        return tuple(matching.by_order(one, digits) for one in found if digits)

    async def pin_hash(self, contact: ContactId) -> str | None:
        return self._pin_hashes.get(contact)

    async def get(self, contact: ContactId) -> Contact | None:
        return self._contacts.get(contact)

    async def create(self, change: ContactChange) -> Contact:
        contact = ContactId(uuid4().hex)
        self.put(changed(Contact(id=contact), change))
        return self._contacts[contact]

    async def change(self, contact: ContactId, change: ContactChange) -> Contact:
        known = self._contacts.get(contact)
        if known is None:
            raise NotFound("no such customer")
        self.put(changed(known, change))
        return self._contacts[contact]

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        return tuple([one for one in self._contacts.values() if _holds(one, text.strip())][:limit])

    async def close(self) -> None:
        pass


def _holds(contact: Contact, text: str) -> bool:
    digits = "".join(char for char in numbers.dialled_digits(text) if char.isdecimal()).lstrip("0")
    by_number = len(digits) >= MIN_DIGITS and any(digits in number.e164 for number in contact.numbers)
    return by_number or text.casefold() in f"{contact.name}\n{contact.company}\n{contact.code}".casefold()
