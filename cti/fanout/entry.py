"""What goes between processes: one entry of a stream, small outside, opened only by those it concerns.

Streams (one Redis Stream each, bounded in length):

- ``news``: from the one process that reads the PBXs to all others: calls (envelopes), cards, states, queues
- ``desks``: from every process with desktops or REST to all others: who came, who went, sessions that ended, cards chosen
- ``asks``: from any process to the one that reads the PBXs, each taken once (a consumer group); the answer comes back on
  ``answers:<process>``

``epoch`` is the lease's of whoever writes ``news``: an entry of an older epoch than one seen before is passed over, so a
reader that was frozen past its lease can tell nobody anything.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    # on news
    PICTURE_BEGINS = "picture_begins"
    """All that is live follows; what was known and does not come is gone."""
    PICTURE_ENDS = "picture_ends"
    CALL = "call"
    """One step of a call: an ``Envelope``. ``key`` is the call, ``about`` the devices in it before and after."""
    CALL_ENDED = "call_ended"
    """The last step, so that whoever does not open it knows that it is over."""
    CALL_WHOLE = "call_whole"
    """A live call as it is (in a picture)."""
    JOURNEY = "journey"
    CARD = "card"
    """Also on ``desks``: chosen by an agent."""
    PBX = "pbx"
    PHONES = "phones"
    """What phones can be made to do."""
    RECORDING = "recording"
    """When a paused recording goes on by itself."""
    QUEUE = "queue"
    PARKED = "parked"
    """All calls that are parked now."""
    COMMAND = "command"
    """What became of a command. ``about``: the agent."""
    PRESENCE = "presence"
    NOTICE = "notice"
    ALIVE = "alive"
    """Every second, on ``news`` and on ``desks``."""
    # on desks
    ARRIVED = "arrived"
    """An agent's desktop. The last to arrive is where the agent sits. ``key`` is the agent."""
    LEFT = "left"
    ROLL = "roll"
    """All desktops of the sender; whom it had and does not name has left."""
    SESSION_ENDED = "session_ended"
    ROSTER = "roster"
    """People were changed; read them again."""
    PICTURE_WANTED = "picture_wanted"
    """Somebody missed something: the one who reads the PBXs tells all on ``news``, everybody with desktops a ``ROLL``."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    key: str = ""
    about: tuple[str, ...] = ()
    """Devices or agents it concerns; empty: everybody."""
    sender: str = ""
    """The process: its name, unique in the site."""
    epoch: int = 0
    at: float = 0.0
    """When, epoch seconds by the sender's clock."""
    body: bytes = b""
    """JSON."""
