"""What a busy Asterisk writes: recorded calls under new ids, many at once, as much of it as a benchmark wants.

Every event has the headers of a real one in their order, because it was one (tests/traces/asterisk/22). ``generated`` makes
them what dialplans make them in the field, with ``VarSet`` and ``Newexten`` woven in: 53 events a call (caller -> IVR ->
queue -> agent, 38 % of them woven in), or about 150 with ``heavy`` (the agent behind a Local channel, as FreePBX has it).
"""

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

TRACES: Final = Path(__file__).parent.parent / "tests" / "traces" / "asterisk" / "22"
LEAN, HEAVY = "customer_code_from_ivr", "agent_by_local_channel"
RECORDED: Final = (
    "plain_inbound_caller_hangs_up",
    "ring_no_answer_then_other",
    "attended_transfer_by_refer",
    "agent_by_local_channel",
    "abandoned_in_queue",
    "outbound_dialled_at_the_phone",
)
END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A call takes ``in_flight / calls_per_s`` seconds; that many are live once the first have ended."""

    calls_per_s: float = 100.0
    in_flight: int = 500
    agents: int = 5000
    """Their phones are 1000, 1001...; more than are in flight, or a phone has two calls."""
    customers: int = 100_000
    begins_at: float = 1_763_754_000.0
    """Epoch seconds of call 0."""

    def agent(self, call: int) -> str:
        """The phone that the generated call ``call`` rings."""
        return str(1000 + call % self.agents)

    def caller(self, call: int) -> str:
        return f"09{call % self.customers:08d}"

    def code(self, call: int) -> str:
        """What the caller keys into the IVR."""
        return str(call % self.customers)


USUAL: Final = Traffic()


def generated(
    calls: int, *, heavy: bool = False, chan_variables: bool = False, first: int = 0, traffic: Traffic = USUAL
) -> Iterator[bytes]:
    """Events of ``calls`` calls, in the order of their times, each with its empty line. ``first``: the number of the first
    call; streams that follow each other go on counting, and no id comes twice."""
    story = _woven(HEAVY, 150, chan_variables) if heavy else _woven(LEAN, 53, chan_variables)
    return _interleaved([story], calls, first, traffic)


def recorded(
    calls: int, *, stories: Sequence[str] = RECORDED, first: int = 0, traffic: Traffic = USUAL
) -> Iterator[bytes]:
    """The same of recorded calls as they were, one story after the other."""
    return _interleaved([_recorded(name) for name in stories], calls, first, traffic)


# ---- stories: recorded events with places for what differs between calls


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    """0 is the call's first event, 1 its last."""
    template: bytes


@dataclass(frozen=True, slots=True)
class _Story:
    events: tuple[_Event, ...]
    agents: int
    """Phones it may ring; each call has as many to itself."""


_STAMP: Final = re.compile(rb"\r\nTimestamp: ([0-9.]+)")
_ID: Final = re.compile(
    rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|\b\d{10}\.(?P<leg>\d{1,2})\b|-(?P<serial>[0-9a-f]{8})\b"
    rb"|\b200(?P<agent>\d)\b|(?P<caller>\b09\d{8}\b)|(?P<code>\b4711\b)|(?P<percent>%)"
)


@cache
def _recorded(name: str) -> _Story:
    return _story(_blocks(name))


@cache
def _woven(name: str, events: int, chan_variables: bool) -> _Story:  # noqa: FBT001 - one of two streams, by position
    """The calls of one queue, with what a dialplan does to its variables meanwhile."""
    blocks = [block for block in _blocks(name) if _is_of_the_queue(block)]
    if not chan_variables:
        blocks = [re.sub(rb"\r\n\w*ChanVariable: [^\r]*", b"", block) for block in blocks]
    missing = events - len(blocks)
    before_queue = missing * 7 // 10
    queue = next(at for at, block in enumerate(blocks) if block.startswith(b"Event: QueueCallerJoin"))
    last = next(at for at, block in enumerate(blocks) if block.startswith(b"Event: AgentComplete"))
    return _story([
        *blocks[:queue], *_dialplan(blocks[1], before_queue),
        *blocks[queue:last], *_dialplan(blocks[last], missing - before_queue), *blocks[last:],
    ])  # fmt: skip


def _blocks(name: str) -> list[bytes]:
    trace = (TRACES / f"{name}.ami").read_bytes()
    return [block for block in trace[trace.index(b"Event: Newchannel") :].split(END) if block.startswith(b"Event: ")]


def _is_of_the_queue(block: bytes) -> bool:
    """The test PBX has its agents in six queues, and tells each change of a phone six times and more."""
    if block.startswith(b"Event: DeviceStateChange"):
        return b"Device: Queue:" in block and b"State: RINGING" in block
    return not block.startswith(b"Event: QueueMemberStatus") or b"Queue: support" in block


def _dialplan(now: bytes, count: int) -> list[bytes]:
    """``count`` events of the channel that ``now`` is about, three variables to two steps of its dialplan."""
    headers = now[now.index(b"Timestamp: ") :]
    channel = re.match(rb".*?\r\nLinkedid: [^\r]*(?:\r\nChanVariable: [^\r]*)*", headers, re.DOTALL)
    if channel is None:
        raise ValueError("no channel to hang the dialplan on")
    return [_step(channel.group(), number) for number in range(count)]


def _step(channel: bytes, number: int) -> bytes:
    name, value = _VARIABLES[number % len(_VARIABLES)]
    if number % 5 < 3:
        return b"Event: VarSet\r\nPrivilege: dialplan,all\r\n%b\r\nVariable: %b\r\nValue: %b" % (channel, name, value)
    return b"Event: Newexten\r\nPrivilege: dialplan,all\r\n%b\r\nExtension: s\r\nApplication: Set\r\nAppData: %b=%b" % (
        channel, name, value,
    )  # fmt: skip


_VARIABLES: Final = (
    (b"CTI_LANGUAGE", b"en"),
    (b"MACRO_PRIORITY", b"3"),
    (b"LOCAL(ARGC)", b"2"),
    (b"QUEUE_PRIO", b"10"),
    (b"FROMEXTEN", b"0800100100"),
    (b"CDR(userfield)", b"ivr:main/1"),
    (b"PLAYBACKSTATUS", b"SUCCESS"),
)


def _story(blocks: Sequence[bytes]) -> _Story:
    def place(found: re.Match[bytes]) -> bytes:
        kind = found.lastgroup or ""
        value = found[kind]
        match kind:
            case "leg":
                return b"%%(epoch)b.%%(leg%b)b" % value
            case "serial":
                return b"-%%(serial%d)b" % int(value, 16)
            case "agent":
                return b"%%(agent%b)b" % value
            case "uuid":
                return b"%%(uuid)b%b" % value[8:]
            case "percent":
                return b"%%"
            case _:
                return b"%%(%b)b" % kind.encode()

    stamps = [float(found[1]) if (found := _STAMP.search(block)) else 0.0 for block in blocks]
    begin, end = min(filter(None, stamps)), max(stamps)
    events = []
    at = 0.0
    for block, stamp in zip(blocks, stamps, strict=True):
        at = max(at, (stamp - begin) / (end - begin)) if stamp else at
        template = _STAMP.sub(b"\r\nTimestamp: %(at)b", _ID.sub(place, block))
        events.append(_Event(at, template + END))
    phones = [int(found["agent"]) for block in blocks for found in _ID.finditer(block) if found["agent"]]
    return _Story(tuple(events), max(phones, default=1))


# ---- many calls at once


def _interleaved(stories: Sequence[_Story], calls: int, first: int, traffic: Traffic) -> Iterator[bytes]:
    live: list[tuple[float, int, Iterator[tuple[float, bytes]], bytes]] = []
    phones = max(story.agents for story in stories)
    for call in range(first, first + calls):
        begins_at = traffic.begins_at + call / traffic.calls_per_s
        while live and live[0][0] < begins_at:
            yield _next_of(live)
        events = _call(stories[call % len(stories)], call, begins_at, traffic, phones)
        at, event = next(events)
        heapq.heappush(live, (at, call, events, event))
    while live:
        yield _next_of(live)


def _next_of(live: list[tuple[float, int, Iterator[tuple[float, bytes]], bytes]]) -> bytes:
    _, call, events, event = live[0]
    following = next(events, None)
    if following is None:
        heapq.heappop(live)
    else:
        heapq.heapreplace(live, (following[0], call, events, following[1]))
    return event


def _call(story: _Story, call: int, begins_at: float, traffic: Traffic, phones: int) -> Iterator[tuple[float, bytes]]:
    lasts_s = traffic.in_flight / traffic.calls_per_s
    values = _values(call, begins_at, traffic, phones)
    for event in story.events:
        at = begins_at + event.at * lasts_s
        values[b"at"] = b"%.6f" % at
        yield at, event.template % values


MOST_LEGS: Final = 10
"""Of one call; ids are given out in tens."""


def _values(call: int, begins_at: float, traffic: Traffic, phones: int) -> dict[bytes, bytes]:
    ids = range(call * MOST_LEGS, (call + 1) * MOST_LEGS)
    return {
        b"epoch": b"%d" % begins_at,
        b"uuid": b"%08x" % (call & 0xFFFFFFFF),
        b"caller": traffic.caller(call).encode(),
        b"code": traffic.code(call).encode(),
        **{b"leg%d" % number: b"%d" % id_ for number, id_ in enumerate(ids)},
        **{b"serial%d" % number: b"%08x" % (id_ & 0xFFFFFFFF) for number, id_ in enumerate(ids)},
        **{b"agent%d" % (1 + number): traffic.agent(call * phones + number).encode() for number in range(phones)},
    }


def sized(events: Iterator[bytes], bytes_each: int = 65536) -> Iterator[bytes]:
    """The same as it comes off a socket: in pieces that end anywhere."""
    waiting: list[bytes] = []
    size = 0
    for event in events:
        waiting.append(event)
        size += len(event)
        if size >= bytes_each:
            data = b"".join(waiting)
            yield data[:bytes_each]
            waiting, size = [data[bytes_each:]], size - bytes_each
    if size:
        yield b"".join(waiting)
