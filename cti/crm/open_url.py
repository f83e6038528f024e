"""The link that opens a customer's record in the customer system, from a template."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from cti.crm.contact import Contact

_FIELD: Final = re.compile(r"\{(id|code|email)\}")
_WEB: Final = re.compile(r"https?://[^\s/]", re.IGNORECASE)


def open_url(template: str, contact: Contact) -> str:
    """``https://crm.example.org/c/{id}``, with ``{id}``, ``{code}`` and ``{email}``. Empty where the template asks for
    something this contact has not, and for what is no address of the web.
    """
    values: Mapping[str, str] = {"id": contact.id, "code": contact.code, "email": contact.email}
    if not _WEB.match(template) or not all(values[name] for name in _FIELD.findall(template)):
        return ""
    return _FIELD.sub(lambda field: quote(values[field[1]], safe=""), template)
