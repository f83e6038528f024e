"""One AMI connection of the events account, without I/O: login, FullyBooted, snapshot lists, keep-alive.

Messages and the time go in, happenings come out; ``ami_link.py`` carries them out. Time is a monotonic clock's seconds.
Nothing is asked before FullyBooted: until then Asterisk's queues are incomplete (trust: H4, H5). A new login is told
nothing of what was before, so the state comes from lists, while live events interleave.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from cti.errors import PbxAuthFailed, PbxRefused, PbxUnavailable
from cti.telephony.asterisk.ami_codec import AmiMessage, encode
from cti.telephony.asterisk.shape import fault_of

PING_S: Final = 5.0
DEAD_S: Final = 3 * PING_S
ANSWER_S: Final = 15.0
"""For the greeting, the login and a whole snapshot. A booting Asterisk may take longer; it gets no limit but the pings."""
LISTS: Final = ("QueueStatus", "BridgeList", "DeviceStateList", "CoreShowChannels")
"""The channels last: when their list is complete, all is."""


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """For the narrator: an event, or a piece of one."""

    message: AmiMessage


@dataclass(frozen=True, slots=True)
class Booted:
    """The PBX is up, since ``uptime_s`` ago (None: it does not say)."""

    uptime_s: float | None


@dataclass(frozen=True, slots=True)
class SyncBegins:
    """From here on items of lists arrive, among live events."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What the PBX has is known."""


Happening = Send | Heard | Booted | SyncBegins | Synced
_State = Literal["greeting", "login", "booting", "syncing", "ready"]


@dataclass(slots=True)
class AmiSession:
    """Raises PbxAuthFailed for a refused login, PbxRefused for a list the account may not ask for, PbxUnavailable when the
    PBX falls silent; the connection is to be closed then."""

    user: str
    secret: str = field(repr=False)
    now_s: float
    state: _State = "greeting"
    _heard_s: float = 0.0
    _since_s: float = 0.0
    _pinged_s: float = 0.0
    _actions: int = 0
    _seed: str = field(default_factory=lambda: secrets.token_hex(4))
    """In every ActionID: an answer that a caller made up does not have it."""
    _lists: dict[str, str] = field(default_factory=dict)
    """ActionID -> the list asked for and not complete."""

    def __post_init__(self) -> None:
        self._heard_s = self._since_s = self._pinged_s = self.now_s

    def handle(self, message: AmiMessage, now_s: float) -> Iterator[Happening]:
        self._heard_s = now_s
        if message.is_greeting:
            yield from self._greeted(now_s)
        elif message.event == "FullyBooted" and self.state in {"login", "booting"} and fault_of(message) is None:
            yield from self._booted(message, now_s)
        elif message.event or not message.get("Response"):
            yield Heard(message)
            yield from self._listed(message)
        else:
            self._answered(message, now_s)

    @property
    def is_ready(self) -> bool:
        """Nothing is asked: each event is news, and need not be shown to ``handle``."""
        return self.state == "ready"

    def heard(self, now_s: float) -> None:
        """Something came, be it only what nobody reads."""
        self._heard_s = now_s

    def tick(self, now_s: float) -> Iterator[Happening]:
        """To be called at ``next_deadline_s``, or whenever."""
        if now_s - self._heard_s >= DEAD_S:
            raise PbxUnavailable(f"silent for {now_s - self._heard_s:.0f} s")
        if self.state in {"greeting", "login", "syncing"} and now_s - self._since_s >= ANSWER_S:
            waited_for = ", ".join(self._lists.values()) or "login"
            raise PbxUnavailable(f"no answer to {waited_for} within {ANSWER_S:.0f} s")
        if self.state not in {"greeting", "login"} and now_s - self._pinged_s >= PING_S:
            self._pinged_s = now_s
            yield self._action("Ping")

    @property
    def next_deadline_s(self) -> float:
        deadline_s = min(self._heard_s + DEAD_S, self._pinged_s + PING_S)
        return (
            min(deadline_s, self._since_s + ANSWER_S) if self.state in {"greeting", "login", "syncing"} else deadline_s
        )

    def resync(self, now_s: float) -> Iterator[Happening]:
        """Ask for everything anew; nothing while a snapshot is under way, or before the first."""
        if self.state == "ready":
            yield from self._ask(now_s)

    # ---- steps

    def _greeted(self, now_s: float) -> Iterator[Happening]:
        if self.state != "greeting":
            raise PbxUnavailable("greeted twice in one connection")
        self._enter("login", now_s)
        yield self._action("Login", Username=self.user, Secret=self.secret)

    def _answered(self, message: AmiMessage, now_s: float) -> None:
        response = message.get("Response")
        if self.state == "login" and response == "Success":
            self._enter("booting", now_s)
        elif self.state == "login" and response == "Error":
            raise PbxAuthFailed(message.get("Message") or "login refused")
        elif response == "Error" and message.get("ActionID") in self._lists:
            wanted = self._lists[message.get("ActionID")]
            raise PbxRefused(f"{wanted}: {message.get('Message')} (the events account needs write=reporting)")

    def _booted(self, message: AmiMessage, now_s: float) -> Iterator[Happening]:
        uptime = message.get("Uptime")
        yield Booted(float(uptime) if uptime.isdigit() else None)
        yield from self._ask(now_s)

    def _ask(self, now_s: float) -> Iterator[Happening]:
        self._enter("syncing", now_s)
        yield SyncBegins()
        for name in LISTS:
            action = self._action(name)
            self._lists[self._action_id] = name
            yield action

    def _listed(self, message: AmiMessage) -> Iterator[Happening]:
        if message.get("EventList").lower() != "complete" or self._lists.pop(message.get("ActionID"), None) is None:
            return
        if not self._lists and self.state == "syncing":
            self.state = "ready"
            yield Synced()

    def _enter(self, state: _State, now_s: float) -> None:
        self.state, self._since_s = state, now_s

    def _action(self, name: str, **headers: str) -> Send:
        self._actions += 1
        return Send(encode({"Action": name, "ActionID": self._action_id, **headers}))

    @property
    def _action_id(self) -> str:
        """Of the last action."""
        return f"{self._seed}-{self._actions}"
