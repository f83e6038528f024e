"""Several plays at once: which cues are due when, whose phone is busy, what a hang-up leaves to be told. No I/O, no clock.

Before a phone comes in, whoever owns the stage is asked (``MayRing``): it may ring, another one rings in its place, or the
caller waits, for so long at most as callers do.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.replay.score import Cue, Play, cues, entries

MayRing = Callable[[Play, str, frozenset[str]], Play | None]
"""(play, phone, phones of other plays) -> as ``Programme.rings``."""
Headers = tuple[tuple[str, str], ...]
_CHANNEL_HEADERS: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_UP: Final = "6"
_GIVES_UP_AFTER_S: Final = 4.0
"""A caller whose only phone declined waits this much longer."""
ASKS_EVERY_S: Final = 1.0
"""While nobody's phone may ring."""
_MUSIC_S: Final = 120.0
"""So long a customer stays on hold."""
_PATIENCE_S: Final = 60.0
"""So long a caller waits for a phone that may ring."""


class _Running:
    """One play on the stage, and what is known of its channels."""

    def __init__(self, play: Play, number: int, began_s: float, epoch_s: int) -> None:
        self.play, self._number, self._epoch_s = play, number, epoch_s
        self.waiting = [(began_s + cue.at_s, cue.message) for cue in self._cues()]
        self.channels: dict[str, Headers] = {}
        """Live ones by Uniqueid, in the order they came."""
        self.bridges: dict[str, Headers] = {}
        self.queue: Headers = ()
        self.held: dict[str, float] = {}
        """Legs of agents who asked for it, and when."""
        self._entries = dict(entries(play))
        self._waited_s = 0.0

    @property
    def coming_in(self) -> str:
        """The phone whose first message is next."""
        return self._entries.get(len(self.play.score.steps) - len(self.waiting), "")

    @property
    def inside(self) -> frozenset[str]:
        """The phones that have come in."""
        return self.play.phones - frozenset(self._entries.values())

    @property
    def wanted(self) -> frozenset[str]:
        """The phones it has, or will have; nobody's is kept free for a caller who waits."""
        return self.inside if self._waited_s else self.play.phones

    def goes_on(self, play: Play) -> None:
        """As ``play``, which differs in phones that have not come in."""
        if play is not self.play:
            self.play = play
            left = self._cues()[-len(self.waiting) :]
            self.waiting = [(at_s, cue.message) for (at_s, _), cue in zip(self.waiting, left, strict=True)]
            done = len(play.score.steps) - len(self.waiting)
            self._entries = {step: phone for step, phone in entries(play).items() if step >= done}
        self._entries.pop(len(play.score.steps) - len(self.waiting), None)
        self._waited_s = 0.0

    def waits(self, now_s: float) -> None:
        late_s = now_s - self.next_s() + ASKS_EVERY_S
        self._waited_s += late_s
        self._later(late_s)
        if self._waited_s > _PATIENCE_S:
            first = next(iter(self.channels))
            self._end(now_s, self._given_up("") if self.queue else self._end_all(first))

    def holds(self, leg: str, now_s: float) -> AmiMessage:
        """What was recorded goes on when the customer is fetched back, or has had enough of the music."""
        if leg not in self.held:
            self.held[leg] = now_s
            self._later(_MUSIC_S)
        return self._of("Hold", leg, ("MusicClass", "default"))

    def retrieves(self, leg: str, now_s: float) -> AmiMessage:
        since_s = self.held.pop(leg, None)
        if since_s is not None:
            self._later(min(0.0, now_s - since_s - _MUSIC_S))
        return self._of("Unhold", leg)

    def _later(self, seconds: float) -> None:
        self.waiting = [(at_s + seconds, message) for at_s, message in self.waiting]

    def _cues(self) -> tuple[Cue, ...]:
        return cues(self.play, number=self._number, epoch_s=self._epoch_s)

    def next_s(self) -> float:
        return self.waiting[0][0]

    def pop(self) -> AmiMessage:
        _, message = self.waiting.pop(0)
        self._note(message)
        return message

    def _note(self, message: AmiMessage) -> None:
        leg = message.get("Uniqueid")
        known = tuple(pair for pair in message.headers if pair[0] in _CHANNEL_HEADERS)
        if len(known) == len(_CHANNEL_HEADERS):
            self.channels[leg] = known
        match message.event:
            case "Hangup":
                self.channels.pop(leg, None)
            case "BridgeEnter":
                self.bridges[leg] = tuple(pair for pair in message.headers if pair[0].startswith("Bridge"))
            case "BridgeLeave":
                self.bridges.pop(leg, None)
            case "QueueCallerJoin":
                self.queue = tuple(pair for pair in message.headers if pair[0] == "Queue")
            case "QueueCallerLeave":
                self.queue = ()

    def hang_up(self, leg: str, now_s: float) -> None:
        """What Asterisk says when ``leg`` is hung up, in the place of what was recorded."""
        spoken = dict(self.channels[leg])["ChannelState"] == _UP
        is_first = leg == next(iter(self.channels))
        self._end(now_s, self._end_all(leg) if spoken or is_first else self._declined(leg))
        if not spoken and not is_first:
            self.waiting += [(now_s + _GIVES_UP_AFTER_S, message) for message in self._given_up(leg)]

    def _end(self, now_s: float, messages: Iterator[AmiMessage]) -> None:
        """These, in the place of what was recorded. Phones that have not come in never will."""
        self.play = replace(self.play, phones=self.inside)
        self._entries.clear()
        self.waiting = [(now_s, message) for message in messages]

    def _end_all(self, leg: str) -> Iterator[AmiMessage]:
        yield self._of("SoftHangupRequest", leg, ("Cause", "16"))
        legs = sorted(self.channels, key=lambda one: one != leg)
        yield from (self._of("BridgeLeave", one, *self.bridges[one]) for one in legs if one in self.bridges)
        yield from (self._of("Hangup", one, ("Cause", "16"), ("Cause-txt", "Normal Clearing")) for one in legs)

    def _declined(self, leg: str) -> Iterator[AmiMessage]:
        yield self._of("Hangup", leg, ("Cause", "21"), ("Cause-txt", "Call Rejected"))

    def _given_up(self, declined: str) -> Iterator[AmiMessage]:
        first = next(iter(self.channels))
        yield self._of("HangupRequest", first, ("Cause", "16"))
        if self.queue:
            yield self._of("QueueCallerAbandon", first, *self.queue)
            yield self._of("QueueCallerLeave", first, *self.queue)
        yield from (
            self._of("Hangup", one, ("Cause", "16"), ("Cause-txt", "Normal Clearing"))
            for one in self.channels
            if one != declined
        )

    def _of(self, event: str, leg: str, *more: tuple[str, str]) -> AmiMessage:
        return AmiMessage.of((("Event", event), *self.channels[leg], *more))


class Stage:
    """The plays that are on. Seconds are those of any clock that never steps."""

    def __init__(self, may_ring: MayRing) -> None:
        self._may_ring = may_ring
        self._running: dict[int, _Running] = {}
        self._queue: list[tuple[float, int]] = []
        self._count = itertools.count(1)

    @property
    def busy(self) -> frozenset[str]:
        """The phones that are in a call, or will be in one that has begun."""
        return self._phones(running.wanted for running in self._running.values())

    @property
    def in_calls(self) -> frozenset[str]:
        return self._phones(running.inside for running in self._running.values())

    @staticmethod
    def _phones(some: Iterable[frozenset[str]]) -> frozenset[str]:
        return frozenset(phone for phones in some for phone in phones)

    def begin(self, play: Play, now_s: float, epoch_s: int) -> None:
        number = next(self._count)
        self._running[number] = _Running(play, number, now_s, epoch_s)
        self._due(number)

    def next_s(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def due(self, now_s: float) -> Iterator[tuple[AmiMessage, Play, bool]]:
        """What is to be said by now, in order; the flag says that its play is over with it."""
        while self._queue and self._queue[0][0] <= now_s:
            _, number = heapq.heappop(self._queue)
            running = self._running.get(number)
            if running is None or not running.waiting or running.next_s() > now_s:
                continue
            if running.coming_in:
                self._ask(number, now_s)
            if running.next_s() > now_s:
                self._due(number)
                continue
            message = running.pop()
            if running.waiting:
                self._due(number)
            else:
                del self._running[number]
            yield message, running.play, not running.waiting

    def hang_up(self, leg: str, now_s: float) -> bool:
        """End the play this leg is in, or its ringing; False where there is no such leg."""
        number, running = self._with(leg)
        if running is None:
            return False
        running.hang_up(leg, now_s)
        self._due(number)
        return True

    def hold(self, leg: str, now_s: float) -> AmiMessage | None:
        """What Asterisk says of it; None where that leg speaks with nobody."""
        number, running = self._with(leg)
        if running is None or leg not in running.bridges:
            return None
        message = running.holds(leg, now_s)
        self._due(number)
        return message

    def retrieve(self, leg: str, now_s: float) -> AmiMessage | None:
        number, running = self._with(leg)
        if running is None or leg not in running.held:
            return None
        message = running.retrieves(leg, now_s)
        self._due(number)
        return message

    def is_there(self, leg: str) -> bool:
        return self._with(leg)[1] is not None

    def _with(self, leg: str) -> tuple[int, _Running | None]:
        """The play that leg is in."""
        return next(((number, one) for number, one in self._running.items() if leg in one.channels), (0, None))

    def _ask(self, number: int, now_s: float) -> None:
        running = self._running[number]
        taken = self._phones(one.wanted for other, one in self._running.items() if other != number)
        play = self._may_ring(running.play, running.coming_in, taken)
        if play is None:
            running.waits(now_s)
        else:
            running.goes_on(play)

    def _due(self, number: int) -> None:
        heapq.heappush(self._queue, (self._running[number].next_s(), number))
