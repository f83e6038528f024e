"""The one object of replay, websocket, webhook, stream and fact log: a CloudEvents 1.0 JSON envelope.

``type`` is ``cti.call.delivered.v1`` and the like, ``source`` ``/pbx/<name>``, ``subject`` the call's id. ``sequence``
counts per subject from 1, without gaps, for the events of the call itself; facts that people add to a call (a note, a
result) have 0 there and an id of their own. ``id`` is made of subject and sequence, so that the same event told twice
is the same event. Additive changes only within v1; consumers ignore what they do not know.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from cti.calls.call import Call, CallId, Direction, LegId, Party, PbxName, Recording, Role, TransferKind
from cti.calls.events import (
    CallEvent,
    CallInformation,
    Cleared,
    Conferenced,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Held,
    Offered,
    Queued,
    RecordingChanged,
    Retrieved,
    Transferred,
)
from cti.calls.transitions import CallChanged

Json = dict[str, Any]
INFERRED: Final = "inferred"
"""In the data of what we read off the PBX's lists after we had been away; its time is that of our return."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that happened. ``time`` is when, by the clock of ``source``; UTC."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    datacontenttype: str = "application/json"
    data: Json

    @property
    def pbx(self) -> PbxName:
        return PbxName(self.source.removeprefix("/pbx/"))


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """One line of JSON, without the line's end."""
    return _encoder.encode(envelope)


def decode(line: bytes | str) -> Envelope:
    """Raises ``msgspec.ValidationError`` (a ValueError) for what is no envelope."""
    return _decoder.decode(line)


TYPE_OF: Final[Mapping[type[CallEvent], str]] = {
    Offered: "cti.call.offered.v1",
    CallInformation: "cti.call.information.v1",
    Queued: "cti.call.queued.v1",
    Delivered: "cti.call.delivered.v1",
    Diverted: "cti.call.diverted.v1",
    Established: "cti.call.established.v1",
    Held: "cti.call.held.v1",
    Retrieved: "cti.call.retrieved.v1",
    Transferred: "cti.call.transferred.v1",
    Conferenced: "cti.call.conferenced.v1",
    RecordingChanged: "cti.call.recording.v1",
    ConnectionCleared: "cti.call.connection_cleared.v1",
    Cleared: "cti.call.cleared.v1",
}
_EVENT_OF: Final = {name: kind for kind, name in TYPE_OF.items()}


def of_change(change: CallChanged) -> Envelope:
    """The envelope of one step of a call. Holds all that is needed to take the step again (``event_of``)."""
    call, event = change.after, change.cause
    return Envelope(
        id=f"{call.id}#{call.sequence}",
        source=f"/pbx/{call.pbx}",
        type=TYPE_OF[type(event)],
        subject=call.id,
        time=event.at,
        sequence=call.sequence,
        data=_common(call) | _own(event) | _ending(call, event) | ({INFERRED: True} if change.is_inferred else {}),
    )


def event_of(envelope: Envelope) -> CallEvent | None:
    """The call event an envelope tells; None for facts that are not steps of the call (notes, results, pops)."""
    kind = _EVENT_OF.get(envelope.type)
    if kind is None:
        return None
    data = envelope.data
    own: Json = {name: data[name] for name in _FIELDS[kind] if name in data}
    for name in ("party", "by", "to"):
        if name in own and isinstance(own[name], dict):
            own[name] = _party(own[name])
    if "keys" in own:
        own["keys"] = tuple(own["keys"].items())
    if "direction" in own:
        own["direction"] = Direction(own["direction"])
    if "recording" in own:
        own["recording"] = Recording(own["recording"])
    if "kind" in own:
        own["kind"] = TransferKind(own["kind"])
    if kind is Offered:
        own["pbx"] = envelope.pbx
    return kind(call=CallId(envelope.subject), at=envelope.time.astimezone(UTC), **own)


_COMMON: Final = frozenset({"call", "at", "pbx"})
_FIELDS: Final = {kind: tuple(name for name in kind.__struct_fields__ if name not in _COMMON) for kind in TYPE_OF}


def _common(call: Call) -> Json:
    """What every event's data names; ``parties`` are those live after it."""
    return {
        "direction": call.direction,
        "ani": call.ani,
        "ani_name": call.ani_name,
        "dnis": call.dnis,
        "queue": call.queue,
        "state": call.state,
        "keys": dict(call.keys),
        "parties": [_party_data(leg.party) | {"state": leg.state} for leg in call.live_legs()],
    }


def _own(event: CallEvent) -> Json:
    found: Json = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, Party):
            value = _party_data(value)
        elif name == "keys":
            value = dict(value)
        if value is not None:
            found[name] = value
    return found


def _ending(call: Call, event: CallEvent) -> Json:
    if not isinstance(event, Cleared):
        return {}
    return {
        "outcome": call.outcome,
        "wait_s": call.wait_s,
        "ring_s": call.ring_s,
        "talk_s": call.talk_s,
        "hold_s": call.hold_s,
    }


def _party_data(party: Party) -> Json:
    return msgspec.structs.asdict(party)


def _party(data: Json) -> Party:
    known = {name: str(data[name]) for name in Party.__struct_fields__ if name in data}
    return Party(**known | {"leg": LegId(known["leg"]), "role": Role(known["role"])})  # type: ignore[arg-type]
