"""A recording, and the same recording played by others.

::

    Trace -> Score          one recorded call: its messages, and the phases its customer went through
    Score + Play -> Cue     the same messages with other phones, numbers, names and ids, each phase as long as wanted

Values are exchanged on the messages, never in their bytes.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cti.calls.call import Call, CallState, LegId, LegState
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.translate import TRANSLATE
from cti.telephony.replay.trace import Trace

NOTICEABLE_S: Final = 0.2
"""What lasts shorter in a recording is the PBX at work, and stays as short."""
_HEARD: Final = (frozenset(TRANSLATE) - {"QueueMember", "QueueMemberAdded", "QueueMemberStatus"}) | {
    "OriginateResponse"
}
_ID: Final = re.compile(r"\d{9,11}\.\d+")
_CHANNEL: Final = re.compile(r"(?P<device>.+)-(?P<number>[0-9a-f]{8})(?P<half>;[12])?")
_BRIDGE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME_OF: Final = {"CallerIDNum": "CallerIDName", "ConnectedLineNum": "ConnectedLineName"}


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


# ---- played by others


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


def entries(play: Play) -> Mapping[int, str]:
    """The step at which each of the play's phones comes in; those that begin it are left out."""
    found: dict[int, str] = {}
    for recorded, phone in play.words.items():
        if phone in play.phones and "/" in recorded:
            step = next((at for at, (_, message) in enumerate(play.score.steps) if _names(message, recorded)), 0)
            found[step] = phone
    return {step: phone for step, phone in found.items() if step}


def _names(message: AmiMessage, device: str) -> bool:
    """By its channel, or by its extension: who was dialled is known from then on."""
    extension = device.partition("/")[2]
    return any(value in {device, extension} or value.startswith(f"{device}-") for _, value in message.headers)


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
