"""An outside service's answer, made flat for a flow: ``{"order": {"status": "sent"}}`` -> ``order.status``."""

from collections.abc import Iterator
from typing import Final

from cti.egress import Egress, url_of
from cti.errors import EgressRefused, EgressUnavailable
from cti.ivr.requests import Fetch, Fetched, Unreachable
from cti.log import logger

log = logger("ivr")

LONGEST: Final = 200
"""Characters of one value; a caller is not read a book."""
DEEPEST: Final = 4
MOST: Final = 100


async def ask_service(egress: Egress, request: Fetch) -> Fetched | Unreachable:
    """Never raises. The reasons hold no URL: there may be what the caller keyed in it."""
    try:
        url = url_of(request.url, request.values)
        body = dict(request.body) if request.method == "POST" else None
        answer = await egress.ask(url, limit_s=request.budget_s, body=body)
    except (EgressRefused, EgressUnavailable, ValueError) as wrong:
        log.warning("ivr_service_unreachable", reason=str(wrong))
        return Unreachable(str(wrong))
    return Fetched(dict(list(_flat(answer, "", 0))[:MOST]))


def _flat(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if depth < DEEPEST:
            for name, inner in value.items():
                yield from _flat(inner, f"{path}.{name}" if path else str(name), depth + 1)
        case bool():
            yield path, str(value).lower()
        case str() | int() | float():
            yield path, str(value)[:LONGEST]
        case _:
            pass  # lists and null are nothing a caller can be told
