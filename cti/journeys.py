"""Journey events as envelopes, and back: facts of the IVR beside the facts of calls (``envelope.py``).

``type`` is ``cti.ivr.step_left.v1`` and the like, ``subject`` the call. They are no steps of the call, so ``sequence`` is 0
and the id is made of call, session and nr: told twice it is told once.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import msgspec

from cti.calls.call import CallId
from cti.calls.journey import (
    CallbackRequested,
    Identified,
    IvrEntered,
    IvrLeft,
    Journey,
    JourneyEvent,
    Noted,
    PinTried,
    Rated,
    StepLeft,
    VoicemailLeft,
    fold,
)
from cti.envelope import Envelope

TYPE_OF: Final[Mapping[type[JourneyEvent], str]] = {
    IvrEntered: "cti.ivr.entered.v1",
    StepLeft: "cti.ivr.step_left.v1",
    Identified: "cti.ivr.identified.v1",
    PinTried: "cti.ivr.pin_tried.v1",
    Noted: "cti.ivr.noted.v1",
    Rated: "cti.ivr.rated.v1",
    CallbackRequested: "cti.ivr.callback_requested.v1",
    VoicemailLeft: "cti.ivr.voicemail_left.v1",
    IvrLeft: "cti.ivr.left.v1",
}
JOURNEY_TYPES: Final = frozenset(TYPE_OF.values())
_EVENT_OF: Final = {name: kind for kind, name in TYPE_OF.items()}
_COMMON: Final = frozenset({"call", "pbx", "at"})


def of_journey(event: JourneyEvent) -> Envelope:
    own = {name: _plain(getattr(event, name)) for name in event.__struct_fields__ if name not in _COMMON}
    return Envelope(
        id=f"{event.call}#ivr-{event.session}-{event.nr}", source=f"/pbx/{event.pbx}", type=TYPE_OF[type(event)],
        subject=event.call, time=event.at, sequence=0, data=own,
    )  # fmt: skip


def journey_event_of(envelope: Envelope) -> JourneyEvent | None:
    """None for what is no journey event, and for one that cannot be read (of a later version, say)."""
    kind = _EVENT_OF.get(envelope.type)
    if kind is None:
        return None
    whole = envelope.data | {"call": CallId(envelope.subject), "pbx": envelope.pbx, "at": envelope.time.astimezone(UTC)}
    try:
        return msgspec.convert(whole, kind, strict=False)
    except msgspec.ValidationError:
        return None


def journey_of(facts: Iterable[Envelope]) -> Journey | None:
    """The journey that the facts of one call tell; None where there was none. Facts told twice are told once."""
    journey: Journey | None = None
    seen: set[str] = set()
    for fact in facts:
        if fact.type in JOURNEY_TYPES and fact.id not in seen:
            seen.add(fact.id)
            event = journey_event_of(fact)
            journey = fold(journey, event) if event else journey
    return journey


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
