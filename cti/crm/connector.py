"""The seam to customer systems. One connector is one file in ``connectors/`` and one line in its table."""

from typing import Protocol

from cti.crm.contact import Contact, ContactId, Match
from cti.numbers import Number


class CrmConnector(Protocol):
    """What a customer system must answer. Called from one event loop; may be asked several things at once.

    Every method raises ``CrmUnavailable`` (retry later) or ``CrmAuthFailed`` (ask the operator), and nothing else, when
    the system does not answer as it should. Time budget, breaker and cache are the caller's (``lookup.py``).
    """

    name: str

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        """Contacts with this number, in whatever way it was typed there; the most likely first. Cases and orders included."""
        ...

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        """Contacts with exactly this customer code: none or one, unless the CRM has doubles."""
        ...

    async def find_by_order(self, order: str) -> tuple[Match, ...]:
        """Whose order this is. Callers key digits, so digits are what is compared: 88301 is the order ``A-88301``, and
        ``B 88301`` too; what is not a digit counts for nothing on either side. No digits, nobody."""
        ...

    async def pin_hash(self, contact: ContactId) -> str | None:
        """What the customer's PIN is checked against (``pin.py``): argon2 in PHC form. None: the customer has no PIN. It goes
        nowhere else: into no contact, no cache, no log."""
        ...

    async def get(self, contact: ContactId) -> Contact | None: ...

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        """Contacts whose name, company, code or number begins with or holds ``text``, taken literally: no wildcards."""
        ...

    async def close(self) -> None: ...
