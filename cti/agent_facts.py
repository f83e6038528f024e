"""Agents' states as envelopes, and back: facts beside those of calls (``envelope.py``) and of the IVR (``journeys.py``).

One is told each time a state begins: ``type`` is ``cti.agent.state.v1``, ``source`` ``/agents``, ``subject`` the agent, and
``data`` the whole presence, for it is what a restarted service takes up. Told again with a later ``at`` it says what has
changed meanwhile without a new state: a pause that waits for the end of the call, say. Told twice it is told once.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import msgspec

from cti.agents.presence import Presence
from cti.envelope import Envelope

AGENTS: Final = "/agents"
STATE: Final = "cti.agent.state.v1"


def of_presence(presence: Presence, at: datetime | None = None) -> Envelope:
    """``at``: when it became so, where that is later than the beginning of the state."""
    told = (at or presence.since).astimezone(UTC)
    data = msgspec.to_builtins(presence)
    del data["agent"]
    name = f"{presence.agent}@{told.isoformat()}#{presence.changes}"
    return Envelope(
        id=f"{name}~{_mark(data)}" if at else name, source=AGENTS, type=STATE, subject=presence.agent, time=told,
        sequence=0, data=data,
    )  # fmt: skip


def presence_of(envelope: Envelope) -> Presence | None:
    """None for what is no such fact, and for one that cannot be read (of a later version, say)."""
    if envelope.type != STATE or envelope.source != AGENTS:
        return None
    try:
        return msgspec.convert(envelope.data | {"agent": envelope.subject}, Presence)
    except msgspec.ValidationError:
        return None


def _mark(data: object) -> str:
    """Tells changes apart that come at the same moment."""
    return blake2b(msgspec.json.encode(data), digest_size=5).hexdigest()
