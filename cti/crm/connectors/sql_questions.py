"""The values that mapped queries may ask with, and what is tried to see whether they work."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy import text as sql_text

from cti import numbers
from cti.numbers import Number

MAX_TEXT: Final = 200
MIN_DIGITS: Final = 3
"""Fewer digits in a search are part of a name, not of a number."""
ESCAPE: Final = "!"
"""``LIKE :holds ESCAPE '!'``: a backslash means different things in different databases."""
_REPLACED: Final = str.maketrans({"\x00": "\ufffd"})


def by_number(number: Number, wanted: Iterable[str]) -> dict[str, str]:
    """``last7``: the last seven digits; ``loose7``: a LIKE pattern of them with anything in between and around."""
    digits = number.e164[1:]
    values = {"e164": str(number.e164), "digits": digits}
    for name in wanted:
        if name == "national":
            values[name] = number.national_digits
        elif name == "trunk":
            values[name] = "".join(char for char in number.national if char.isdecimal())
        elif name.startswith("last"):
            values[name] = digits[-int(name[4:]) :]
        elif name.startswith("loose"):
            values[name] = f"%{'%'.join(digits[-int(name[5:]) :])}%"
    return values


def by_text(typed: str, limit: int) -> dict[str, Any]:
    """Patterns hold what was typed, literally. ``holds_digits`` is NULL, which no number is like, for fewer than three."""
    typed = clean(typed.strip())[:MAX_TEXT]
    digits = "".join(char for char in numbers.dialled_digits(typed) if char.isdecimal()).lstrip("0")
    return {
        "text": typed,
        "holds": f"%{escaped(typed)}%",
        "holds_folded": f"%{escaped(typed.casefold())}%",
        "begins": f"{escaped(typed)}%",
        "begins_folded": f"{escaped(typed.casefold())}%",
        "digits": digits,
        "holds_digits": f"%{digits}%" if len(digits) >= MIN_DIGITS else None,
        "limit": limit,
    }


def escaped(typed: str) -> str:
    for char in (ESCAPE, "%", "_"):
        typed = typed.replace(char, ESCAPE + char)
    return typed


def clean(text: str) -> str:
    """No database takes U+0000, nor halves of surrogate pairs; what holds one is found nowhere."""
    return text.translate(_REPLACED).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def key_of(contact: str, id_type: str) -> Any | None:
    """The id as the database has it; None for what cannot be one."""
    try:
        if id_type == "integer":
            key = int(contact) if contact.isascii() and contact.isdecimal() else -1
            return key if 0 <= key < 2**63 else None
        return UUID(contact) if id_type == "uuid" else clean(contact)
    except ValueError:
        return None


def sample(wanted: frozenset[str], id_type: str) -> dict[str, Any]:
    """Values that find nobody, or few."""
    number = numbers.parse("+12025550123", country="US")
    known: dict[str, Any] = by_number(number, wanted) if number else {}
    keys = {"integer": "0", "uuid": str(UUID(int=0))}
    key = key_of(keys.get(id_type, ""), id_type)
    known |= by_text("zzzz", 1) | {"code": "", "order": "", "id": key, "ids": [key]}
    return {name: known[name] for name in wanted}


def can_write(connection: Connection) -> bool:
    """Whether the account could change anything there; False also where nobody can tell."""
    if connection.dialect.name != "postgresql":
        return False
    grants = (
        "SELECT 1 FROM information_schema.role_table_grants WHERE grantee = current_user"
        " AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')"
    )
    super_user = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper"
    found = connection.execute(sql_text(f"SELECT EXISTS ({grants} UNION ALL {super_user})"))
    return bool(found.scalar())
