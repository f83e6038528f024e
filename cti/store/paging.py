"""Which interactions a list shows, and where its next page begins."""

import base64
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from cti.calls.call import Direction
from cti.errors import RequestError
from cti.store.derive import people_in
from cti.store.digits import ending, reversed_digits
from cti.store.interactions import Filter, Interaction
from cti.store.storable import clean

MAX_LIMIT: Final = 500
P = TypeVar("P", bound=msgspec.Struct)


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ends; the next begins behind it. In this order, newest first, no two interactions are alike."""

    ended_at: datetime
    pbx: str
    call: str


class Spot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """As ``Place``, in lists whose items have a time and an id of their own."""

    at: datetime
    id: str


def place_of(interaction: Interaction) -> Place:
    return Place(interaction.ended_at, interaction.pbx, interaction.call)


def cursor_of(place: Place | Spot) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_at(cursor: str) -> Place:
    """Raises ``RequestError`` for what ``cursor_of`` did not make. It holds no secret, and goes into a query as values only."""
    place = _read(cursor, Place)
    return _checked(place, place.ended_at, place.pbx + place.call)


def spot_at(cursor: str) -> Spot:
    """As ``place_at``."""
    spot = _read(cursor, Spot)
    return _checked(spot, spot.at, spot.id)


def _read(cursor: str, kind: type[P]) -> P:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, msgspec.MsgspecError) as exc:
        raise RequestError("this cursor is none of ours") from exc


def _checked(place: P, at: datetime, text: str) -> P:
    if at.tzinfo is None or "\x00" in text:
        raise RequestError("this cursor is none of ours")
    return place


def checked_limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise RequestError(f"limit is 1 to {MAX_LIMIT}, not {limit}")
    return limit


def sought_text(interaction: Interaction) -> str:
    """What ``Filter.text`` looks in, folded: alike in upper and lower case, in every database."""
    return f"{interaction.note}\n{interaction.ani_name}\n{interaction.contact_name}".casefold()


def is_search(wanted: Filter) -> bool:
    """Must calls be read one by one to see whether they are wanted? Those of an agent, a number or a contact are few."""
    return wanted.text is not None and wanted.agent is None and wanted.number is None and wanted.contact is None


def is_wanted(item: Interaction, wanted: Filter) -> bool:
    return (
        (wanted.since is None or item.ended_at >= wanted.since)
        and (wanted.until is None or item.ended_at < wanted.until)
        and (wanted.agent is None or wanted.agent in people_in(item))
        and (wanted.queue is None or item.queue == wanted.queue)
        and (wanted.direction is None or item.direction is wanted.direction)
        and (wanted.outcome is None or item.outcome is wanted.outcome)
        and (wanted.contact is None or item.contact == wanted.contact)
        and (wanted.number is None or has_number(item, wanted.number))
        and (wanted.flow is None or (item.journey.flow if item.journey else "") == wanted.flow)
        and (wanted.ivr_outcome is None or (item.journey is not None and item.journey.outcome is wanted.ivr_outcome))
        and (wanted.classified is None or (bool(item.result) if wanted.classified else item.is_not_classified))
        and (wanted.backfilled is None or wanted.backfilled is item.is_backfilled)
        and (wanted.text is None or clean(wanted.text.casefold()) in sought_text(item))
    )


def has_number(item: Interaction, number: str) -> bool:
    """Text without any digit matches nothing."""
    end = ending(number)
    return bool(end) and any(reversed_digits(known).startswith(end) for known in (item.ani, item.dnis))


def customer_number(item: Interaction) -> str:
    """As the PBX gave it: whose it is depends on who called."""
    return item.dnis if item.direction is Direction.OUTBOUND else item.ani
