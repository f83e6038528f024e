"""What we saw of a call after we first lost sight of it: its events, and when we were watching. Pure.

Where we watched, nobody knows better than we do: what the records have of that time and we do not is another's idea of the same
thing (a phone that forwards is one that answers, to queue_log), or nothing at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cti.calls.call import LegId, Party
from cti.calls.events import CallEvent, Cleared, Diverted, Offered, Queued

SAME: Final = timedelta(seconds=2.5)
"""One moment, by our clock and by the PBX's whole seconds."""
_SECOND: Final = timedelta(seconds=1)
_RETURNS: Final = timedelta(seconds=1)
"""So long after a return some of what we see began before it."""
_ON_ITS_WAY: Final = timedelta(seconds=0.5)
"""So long before we lost sight some of what happened had not come yet."""
_TO_THE_END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Watched:
    """``lived``: events that we saw happen, but for beginning and end. ``found``: what we found so on a return. ``spans``: from each
    return until we lost sight of it again."""

    lived: tuple[CallEvent, ...]
    found: tuple[CallEvent, ...]
    end: Cleared | None
    spans: tuple[tuple[datetime, datetime], ...]

    @classmethod
    def of(cls, later: Sequence[tuple[CallEvent, bool]]) -> Self:
        """``later``: events, and was it only found so?"""
        later = list(_with_half_seen(later))
        lived = [event for event, is_found in later if not is_found]
        return cls(
            lived=tuple(event for event in lived if not isinstance(event, Cleared | Offered)),
            found=tuple(event for event, is_found in later if is_found and not isinstance(event, Cleared | Offered)),
            end=next((event for event in lived if isinstance(event, Cleared)), None),
            spans=tuple(_spans(later)),
        )

    def has(self, at: datetime) -> bool:
        """Surely: a whole second may have been any moment of it, and around a loss news was on its way."""
        latest = at if at.microsecond else at + _SECOND
        return any(since + _RETURNS < at and latest <= until for since, until in self.spans)

    def has_seen(self, event: CallEvent) -> bool:
        """The same event, of the same leg, about that time."""
        return any(_kind(own) == _kind(event) and abs(own.at - event.at) <= SAME for own in self.lived)

    def has_seen_leg(self, leg: LegId) -> bool:
        return any(leg_of(event) == leg for event in self.lived)


def _with_half_seen(later: Sequence[tuple[CallEvent, bool]]) -> Iterator[tuple[CallEvent, bool]]:
    """A phone found ringing that stopped as we came back, and a caller who left the queue just then: for all we know unanswered."""
    found, returned_at = set[LegId | None]({None}), datetime.min.replace(tzinfo=UTC)
    for event, is_found in later:
        if is_found:
            found.add(leg_of(event))
            returned_at = event.at
        is_stop = isinstance(event, Diverted) and event.cause != "parked"
        yield event, is_found or (is_stop and leg_of(event) in found and event.at < returned_at + _RETURNS)


def _spans(later: Sequence[tuple[CallEvent, bool]]) -> list[tuple[datetime, datetime]]:
    spans = list[tuple[datetime, datetime]]()
    was_found = False
    for event, is_found in later:
        if is_found and not was_found:
            spans.append((event.at, event.at))
        elif is_found:
            spans[-1] = (event.at, event.at)
        elif spans:
            spans[-1] = (spans[-1][0], _TO_THE_END if isinstance(event, Cleared) else event.at - _ON_ITS_WAY)
        was_found = is_found
    return spans


def _kind(event: CallEvent) -> tuple[object, ...]:
    match event:
        case Queued():
            return Queued, event.queue
        case Diverted(party=None):
            return Diverted, event.cause
    return type(event), leg_of(event)


def leg_of(event: CallEvent) -> LegId | None:
    party: Party | None = getattr(event, "party", None)
    return party.leg if party else None
