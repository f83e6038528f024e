"""What Asterisk itself wrote of each call while nobody of ours looked: queue_log says what became of it, CEL when. The CDR's
end is another moment than CEL's, by as long as Asterisk takes in between: 0.1 s where it gets no processor.

Of each of its times there is also when AMI told it (see ear.py).

Read by code of the suite's own, so that a mistake in ours cannot hide behind itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.pbx import cel_log
from tests.testbed.asterisk import AGENT_NAMES, Asterisk

TRUNK: Final = "PJSIP/trunk-"
_IDS: Final = {name: name.lower() for name in AGENT_NAMES.values()}
_OF_DEVICE: Final = {f"PJSIP/{number}": name.lower() for number, name in AGENT_NAMES.items()}


@dataclass(slots=True)
class TrueCall:
    """Times in epoch seconds. ``id``: the Uniqueid of the caller's channel."""

    id: str
    began_at: float
    channels: set[str] = field(default_factory=set)
    """The Uniqueids of all that took part, the caller's among them: each might be taken for a call."""
    queued_at: float | None = None
    """In whole seconds: queue_log's."""
    queue: str = ""
    ani: str = ""
    talked_at: float | None = None
    """When caller and agent were first bridged."""
    ended_at: float | None = None
    """None: Asterisk did not live to say so."""
    noted_end_at: float | None = None
    """The same by the CDR."""
    agents: list[str] = field(default_factory=list)
    """Who spoke with the caller, in order."""
    rings: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Who spoke: when their phone began to ring, and when they were bridged."""
    told_at: dict[str, float] = field(default_factory=dict)
    """``offered``, ``queued``, ``answered``, ``ended``: when Asterisk said so on AMI, by its own stamp."""
    bridged: str = ""
    """The Uniqueid of the agent's channel that was bridged first."""
    ended_by: str = ""
    abandoned: bool = False

    @property
    def outcome(self) -> str:
        if self.agents:
            return "answered"
        return "abandoned" if self.abandoned else ""


def true_calls(pbx: Asterisk, heard: bytes) -> dict[str, TrueCall]:
    """Calls from outside, by id. ``heard``: on AMI."""
    calls = _of_cel(cel_log(pbx).read_text("utf-8", "replace").splitlines())
    _of_queue_log(pbx.queue_log.read_text("utf-8", "replace").splitlines(), calls)
    _of_cdr(pbx.cdr_custom.read_text("utf-8", "replace").splitlines(), calls)
    of_ami(heard, calls)
    return calls


def _of_cel(lines: Iterable[str]) -> dict[str, TrueCall]:
    calls, rang_at = dict[str, TrueCall](), dict[str, float]()
    for line in lines:
        kind, at, unique, linked, channel = line.split(",")
        if kind == "CHAN_START" and channel.startswith(TRUNK) and unique == linked:
            calls[unique] = TrueCall(unique, float(at), {unique})
        elif (call := calls.get(linked)) is None:
            continue
        elif kind == "CHAN_START":
            call.channels.add(unique)
            rang_at[unique] = float(at)
        elif kind == "BRIDGE_ENTER" and unique != linked:
            agent = _OF_DEVICE[channel.rpartition("-")[0]]
            call.rings.setdefault(agent, (rang_at[unique], float(at)))
            call.talked_at, call.bridged = call.talked_at or float(at), call.bridged or unique
            call.agents += [agent] if agent not in call.agents[-1:] else []
        elif kind == "HANGUP" and unique == linked:
            call.ended_at = float(at)
    return calls


def _of_queue_log(lines: Iterable[str], calls: dict[str, TrueCall]) -> None:
    for line in lines:
        at, unique, queue, agent, event, *data = line.split("|")
        if (call := calls.get(unique)) is None:
            continue
        match event:
            case "ENTERQUEUE":
                call.queued_at, call.queue, call.ani = float(at), queue, data[1]
            case "CONNECT" if _IDS[agent] not in call.agents:
                call.agents.insert(0, _IDS[agent])
            case "COMPLETEAGENT":
                call.ended_by = "agent"
            case "COMPLETECALLER":
                call.ended_by = "customer"
            case "ABANDON":
                call.abandoned, call.ended_by = True, "customer"


def _of_cdr(lines: Iterable[str], calls: dict[str, TrueCall]) -> None:
    for line in lines:
        _, unique, _linked, _, _start, _answer, end, *_ = line.split(",")
        if call := calls.get(unique):
            call.noted_end_at = max(call.noted_end_at or 0.0, float(end))


_HEADER: Final = re.compile(rb"^(Event|Timestamp|Uniqueid): (.*)\r$", re.MULTILINE)
_TOLD: Final = {b"Newchannel": "offered", b"QueueCallerJoin": "queued", b"BridgeEnter": "answered", b"Hangup": "ended"}


def of_ami(heard: bytes, calls: dict[str, TrueCall]) -> None:
    whose = {("answered", call.bridged): call for call in calls.values()}
    whose |= {(what, call.id): call for call in calls.values() for what in ("offered", "queued", "ended")}
    for block in heard.split(b"\r\n\r\n"):
        headers = dict(_HEADER.findall(block + b"\r"))
        what = _TOLD.get(headers.get(b"Event", b""), "")
        if call := whose.get((what, headers.get(b"Uniqueid", b"").decode())):
            call.told_at.setdefault(what, float(headers[b"Timestamp"]))
