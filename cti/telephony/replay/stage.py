"""Several plays at once: which cues are due when, whose phone is busy, what a hang-up leaves to be told. No I/O, no clock."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.replay.score import Play, cues

Headers = tuple[tuple[str, str], ...]
_CHANNEL_HEADERS: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_UP: Final = "6"
_GIVES_UP_AFTER_S: Final = 4.0
"""A caller whose only phone declined waits this much longer."""


class _Running:
    """One play on the stage, and what is known of its channels."""

    def __init__(self, play: Play, waiting: Iterable[tuple[float, AmiMessage]]) -> None:
        self.play = play
        self.waiting = list(waiting)
        self.channels: dict[str, Headers] = {}
        """Live ones by Uniqueid, in the order they came."""
        self.bridges: dict[str, Headers] = {}
        self.queue: Headers = ()

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
        self.waiting = [
            (now_s, message) for message in (self._end_all(leg) if spoken or is_first else self._declined(leg))
        ]
        if not spoken and not is_first:
            self.waiting += [(now_s + _GIVES_UP_AFTER_S, message) for message in self._given_up(leg)]

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

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._queue: list[tuple[float, int]] = []
        self._count = itertools.count(1)

    @property
    def busy(self) -> frozenset[str]:
        """The phones that are in a call: a phone is in one at a time."""
        return frozenset(phone for running in self._running.values() for phone in running.play.phones)

    def begin(self, play: Play, now_s: float, epoch_s: int) -> None:
        number = next(self._count)
        self._running[number] = _Running(
            play, [(now_s + cue.at_s, cue.message) for cue in cues(play, number=number, epoch_s=epoch_s)]
        )
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
            message = running.pop()
            if running.waiting:
                self._due(number)
            else:
                del self._running[number]
            yield message, running.play, not running.waiting

    def hang_up(self, leg: str, now_s: float) -> bool:
        """End the play this leg is in, or its ringing; False where there is no such leg."""
        for number, running in self._running.items():
            if leg in running.channels:
                running.hang_up(leg, now_s)
                self._due(number)
                return True
        return False

    def _due(self, number: int) -> None:
        heapq.heappush(self._queue, (self._running[number].next_s(), number))
