"""A PBX made of recordings: calls that were real, played again by other people at a pace to be read.

::

    Trace -> Score          one recorded call: its messages, and the phases its customer went through
    Score + Play -> Cue     the same messages with other phones, numbers, names and ids, each phase as long as wanted
    Stage                   which cues are due when, whose phone is busy, what a hang-up leaves to be told   (no I/O)
    Player                  the shell: a PbxLink with one timer, which feeds the stage's messages to the same narrator as live

Values are exchanged on the messages, never in their bytes. What is said when is decided by a ``Programme``.
"""

import asyncio
import contextlib
import heapq
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from cti.calls.call import Call, CallState, LegId, LegState, PbxName
from cti.telephony.asterisk.actions import Dialplan, action_for
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.translate import TRANSLATE
from cti.telephony.commands import Command, Done, Failed, Hangup, Originate, Result
from cti.telephony.link import LinkChanged, News, Sink
from cti.telephony.replay.trace import Trace

Headers = tuple[tuple[str, str], ...]

NOTICEABLE_S: Final = 0.2
"""What lasts shorter in a recording is the PBX at work, and stays as short."""
_HEARD: Final = (frozenset(TRANSLATE) - {"QueueMember", "QueueMemberAdded", "QueueMemberStatus"}) | {
    "OriginateResponse"
}
_ID: Final = re.compile(r"\d{9,11}\.\d+")
_CHANNEL: Final = re.compile(r"(?P<device>.+)-(?P<number>[0-9a-f]{8})(?P<half>;[12])?")
_BRIDGE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME_OF: Final = {"CallerIDNum": "CallerIDName", "ConnectedLineNum": "ConnectedLineName"}
_CHANNEL_HEADERS: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_UP: Final = "6"
_REMEMBERED: Final = 1000
"""Commands whose result is known still, so that the same id again is the same command."""
_GIVES_UP_AFTER_S: Final = 4.0
"""A caller whose only phone declined waits this much longer."""


# ---- a recording


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a recorded call in which nothing changes for the customer. Seconds since its first message."""

    kind: CallState
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """One recorded call, from its first channel to its last hang-up."""

    steps: tuple[tuple[float, AmiMessage], ...]
    phases: tuple[Phase, ...]
    """Those long enough to be noticed."""


def score_of(trace: Trace) -> Score:
    """Raises ValueError for a trace without a call."""
    narrator, began, marks = Narrator("score", Endpoints()), None, list[tuple[float, Call]]()
    steps: list[tuple[float, AmiMessage]] = []
    for message in trace.messages():
        if (began is None and message.event != "Newchannel") or message.event not in _HEARD:
            continue
        changes = narrator.feed(message)
        at_s = float(message.get("Timestamp") or 0) or (steps[-1][0] + began if steps and began else 0.0)
        began = at_s if began is None else began
        steps.append((at_s - began, message))
        marks += [(at_s - began, change.after) for change in changes]
    if not marks:
        raise ValueError("no call in this trace")
    return Score(tuple(steps), tuple(_phases(marks)))


def _phases(marks: Iterable[tuple[float, Call]]) -> Iterator[Phase]:
    groups = itertools.groupby(marks, key=lambda mark: _situation(mark[1]))
    begins = [(next(iter(group))[0], kind) for (kind, _), group in groups]
    for (start_s, kind), (end_s, _) in itertools.pairwise(begins):
        if end_s - start_s >= NOTICEABLE_S:
            yield Phase(kind, start_s, end_s)


def _situation(call: Call) -> tuple[CallState, frozenset[LegId]]:
    """A phone that rings is what people look at, also when it is a colleague's who is consulted."""
    ringing = frozenset(leg.party.leg for leg in call.live_legs() if leg.state is LegState.RINGING)
    return (CallState.RINGING if ringing and call.is_live else call.state), ringing


# ---- a recording played by others


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A score and who plays it."""

    score: Score
    words: Mapping[str, str]
    """Recorded value -> what stands in its place: extensions, devices, names, lines, queues, numbers, codes."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Recorded number -> the name the network sends with it now; an empty one is none."""
    lengths_s: Sequence[float] = ()
    """How long each of the score's phases shall last; as recorded where there is none."""
    phones: frozenset[str] = frozenset()
    """The agents' devices it needs."""
    command: str = ""
    """The command it carries out, if one."""


@dataclass(frozen=True, slots=True)
class Cue:
    at_s: float
    """Since the play began."""
    message: AmiMessage


def cues(play: Play, *, number: int, epoch_s: int) -> tuple[Cue, ...]:
    """The play's messages. ``number``, counted up per play, and ``epoch_s``, its beginning, make its ids the PBX's only ones."""
    rewrite = _Rewriting(play, number, epoch_s)
    return tuple(Cue(_stretched(at_s, play), rewrite.message(message)) for at_s, message in play.score.steps)


def stamped(message: AmiMessage, at: datetime) -> AmiMessage:
    """The message as the PBX would send it at that time."""
    stamp = ("Timestamp", f"{at.timestamp():.6f}")
    return AmiMessage.of((message.headers[0], stamp, *(pair for pair in message.headers[1:] if pair[0] != "Timestamp")))


def _stretched(at_s: float, play: Play) -> float:
    added_s = 0.0
    for phase, length_s in zip(play.score.phases, play.lengths_s, strict=False):
        recorded_s = phase.end_s - phase.start_s
        passed = min(max((at_s - phase.start_s) / recorded_s, 0.0), 1.0)
        added_s += passed * (length_s - recorded_s)
    return at_s + added_s


class _Rewriting:
    """Other values in the place of the recorded ones, the same for the same throughout one play."""

    def __init__(self, play: Play, number: int, epoch_s: int) -> None:
        self._play, self._number, self._epoch_s = play, number, epoch_s
        self._ids: dict[str, str] = {}

    def message(self, message: AmiMessage) -> AmiMessage:
        recorded = dict(message.headers)
        return AmiMessage.of((key, self._value(key, value, recorded)) for key, value in message.headers)

    def _value(self, key: str, value: str, recorded: Mapping[str, str]) -> str:
        for number_key, name_key in _NAME_OF.items():
            if key.endswith(name_key):
                number = recorded.get(key.removesuffix(name_key) + number_key, "")
                if number in self._play.names:
                    return self._play.names[number] or "<unknown>"
        return self._word(value)

    def _word(self, value: str) -> str:
        if value in self._play.words:
            return self._play.words[value]
        if _ID.fullmatch(value):
            return self._ids.setdefault(value, f"{self._epoch_s}.{self._number * 100 + len(self._ids)}")
        if _BRIDGE.fullmatch(value):
            return f"{self._number & 0xFFFFFFFF:08x}{value[8:]}"
        return self._compound(value)

    def _compound(self, value: str) -> str:
        """Values made of others: a channel's name, ``number@trunk``, ``VARIABLE=value``."""
        channel = _CHANNEL.fullmatch(value)
        if channel:
            number = (self._number * 256 + int(channel["number"], 16)) & 0xFFFFFFFF
            return f"{self._word(channel['device'])}-{number:08x}{channel['half'] or ''}"
        for separator in ("=", "@", "/"):
            before, found, after = value.partition(separator)
            if found:
                return f"{self._play.words.get(before, before)}{separator}{self._play.words.get(after, after) if separator != '/' else self._word(after)}"
        return value


# ---- several plays at once


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


# ---- the shell


class Programme(Protocol):
    """Decides what is played. Seconds are the player's, from its start, as fast as it plays."""

    def begin(self, now_s: float, busy: frozenset[str]) -> Sequence[Play]:
        """The plays that begin now. None needs a busy phone, or one that another of them needs."""
        ...

    def next_s(self) -> float:
        """When to ask again; also asked whenever a play has ended."""
        ...

    def ended(self, play: Play, now_s: float) -> None: ...

    def dialled(self, command: Originate) -> Play | None:
        """An agent calls somebody; None when nobody can be called like that here."""
        ...


def _quiet(_news: News) -> None:
    pass


class Player:
    """A PbxLink whose PBX is a programme of recordings. ``speed`` 2: everything takes half as long."""

    def __init__(
        self,
        name: PbxName,
        programme: Programme,
        *,
        dialplan: Dialplan,
        speed: float = 1.0,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.narrator = Narrator(name, Endpoints())
        self._programme, self._dialplan, self._speed = programme, dialplan, speed
        self._seconds, self._now = seconds, now
        self._stage = Stage()
        self._began_s = seconds()
        self._sink: Sink = _quiet
        self._woken = asyncio.Event()
        self._asked: dict[str, asyncio.Future[Result]] = {}
        self._status = LinkChanged(pbx=name, state="connecting", at=now())

    # ---- what PbxLink asks

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.narrator.tracker.live

    @property
    def status(self) -> LinkChanged:
        return self._status

    def restore(self, calls: tuple[Call, ...]) -> None:
        self.narrator.restore(calls)

    def check(self, command: Command) -> None:
        """The same refusals as a real PBX's link."""
        leg = command.leg if isinstance(command, Hangup) else LegId("check")
        action_for(command, action_id="check", leg=leg, dialplan=self._dialplan)

    async def send(self, command: Command) -> Result:
        self.check(command)
        if command.id not in self._asked:
            self._forget_old_commands()
            self._asked[command.id] = asyncio.get_running_loop().create_future()
            match command:
                case Originate():
                    self._originate(command)
                case Hangup():
                    is_there = self._stage.hang_up(command.leg, self._time_s())
                    self._answer(
                        Done(command=command.id) if is_there else Failed(command=command.id, reason="No such channel")
                    )
            self._woken.set()
        return await asyncio.shield(self._asked[command.id])

    async def run(self, sink: Sink) -> None:
        self.start(sink)
        while True:
            wait_s = self.step()
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    # ---- step by step, for whoever owns the clock

    def start(self, sink: Sink) -> None:
        """The PBX is up, newly: calls of before are over."""
        self._sink, self._began_s = sink, self._seconds()
        self._tell(self.narrator.booted(0.0, self._now()))
        self._become("connected")

    def step(self) -> float:
        """Say what is due; in how many seconds there is more."""
        now_s = self._time_s()
        self._begin_plays(now_s)
        for message, play, is_over in self._stage.due(now_s):
            self._say(message, play)
            if is_over:
                self._answer(_failed(play.command))
                self._programme.ended(play, now_s)
                self._begin_plays(now_s)
        next_s = min(at_s for at_s in (self._programme.next_s(), self._stage.next_s()) if at_s is not None)
        return max(0.01, (next_s - now_s) / self._speed)

    # ---- within

    def _begin_plays(self, now_s: float) -> None:
        for play in self._programme.begin(now_s, self._stage.busy):
            self._stage.begin(play, now_s, int(self._now().timestamp()))

    def _say(self, message: AmiMessage, play: Play) -> None:
        if message.event == "OriginateResponse":
            is_success = message.get("Response") == "Success"
            self._answer(
                Done(command=play.command, leg=LegId(message.get("Uniqueid"))) if is_success else _failed(play.command)
            )
        else:
            self._tell(self.narrator.feed(stamped(message, self._now())))

    def _originate(self, command: Originate) -> None:
        play = self._programme.dialled(command)
        if play is None or play.phones & self._stage.busy:
            return self._answer(Failed(command=command.id, reason="busy" if play else "unavailable"))
        self._stage.begin(play, self._time_s(), int(self._now().timestamp()))
        if not any(message.event == "OriginateResponse" for _, message in play.score.steps):
            self._answer(Done(command=command.id))  # recorded as dialled at the phone
        return None

    def _forget_old_commands(self) -> None:
        for done in [one for one, asked in self._asked.items() if asked.done()][: -_REMEMBERED or None]:
            del self._asked[done]

    def _answer(self, result: Result) -> None:
        asked = self._asked.get(result.command)
        if asked and not asked.done():
            asked.set_result(result)

    def _tell(self, news: Iterable[News]) -> None:
        for one in news:
            self._sink(one)

    def _become(self, state: Literal["connected"]) -> None:
        self._status = LinkChanged(pbx=self.name, state=state, at=self._now())
        self._sink(self._status)

    def _time_s(self) -> float:
        return (self._seconds() - self._began_s) * self._speed


def _failed(command: str) -> Failed:
    return Failed(command=command, reason="no answer")
