"""What became of a command, read off the event plane. No I/O; time (seconds, any clock that never steps) is handed in.

A response to an action says only that Asterisk has accepted it. That it was done is an event:

- ``Originate``: ``OriginateResponse`` with our ActionID. It comes when the agent's phone was picked up (Success) or was not
  (Failure). Its Reason is 0 for most failures, busy and declined among them; then the leg's ``Hangup`` has the cause. The two
  come in any order (16 and 22), and for a phone that does not exist there is no Hangup. We choose the leg's Uniqueid
  ourselves (``ChannelId``), so that its events are known before the first response.
- ``Hangup``: the leg's ``Hangup`` event. "No such channel" means the same: the leg is gone.

Each command ends as exactly one ``Done`` or ``Failed``; what comes later is ignored. Results are remembered for a while, so
that the same command id again gets the same answer instead of a second call.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from cti.calls.call import LegId
from cti.telephony.commands import Command, Done, Failed, Hangup, Originate, Result

PBX_LOST: Final = "pbx_lost"
TIMEOUT: Final = "timeout"
MARGIN_S: Final = 5.0
"""How much longer than the ring the PBX may take to say how it ended."""
GRACE_S: Final = 1.0
"""How long an OriginateResponse and the leg's Hangup wait for each other."""
REMEMBERED: Final = 1000

# Reason of OriginateResponse: the last control frame of the leg, include/asterisk/frame.h (same in 16 and 22).
REASONS: Final = {"1": "no answer", "3": "no answer", "5": "busy", "8": "congestion"}
UNAVAILABLE: Final = "unavailable"
UNEXPLAINED: Final = {"": UNAVAILABLE, "0": UNAVAILABLE, "127": UNAVAILABLE}
"""Causes that say nothing (unknown, interworking) -> what we say instead."""


class Message(Protocol):
    """A message of the event plane."""

    event: str

    def get(self, key: str, default: str = "") -> str: ...


@dataclass(slots=True, kw_only=True)
class _Waiting:
    command: Command
    action_id: str
    leg: LegId
    deadline: float
    has_failed: bool = False
    """OriginateResponse said so, without saying why."""
    words: str | None = None
    """What the leg's Hangup said."""


class Confirmations:
    """The commands that are out, and the results of the last ones."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._results: OrderedDict[str, Result] = OrderedDict()

    def begin(self, command: Command, *, action_id: str, leg: LegId, now: float) -> None:
        """Before the command is sent. ``leg``: the one to come of an Originate, or the one to end."""
        limit_s = MARGIN_S + (command.ring_timeout_s if isinstance(command, Originate) else 0.0)
        self._waiting[command.id] = _Waiting(command=command, action_id=action_id, leg=leg, deadline=now + limit_s)

    def result(self, command: str) -> Result | None:
        """Of a command that is over; None for one that is out or was never seen."""
        return self._results.get(command)

    def is_out(self, command: str) -> bool:
        return command in self._waiting

    def feed(self, message: Message, now: float) -> list[Result]:
        """An event of the event plane, any event. Returns what it decides."""
        if message.event == "OriginateResponse":
            return self._originated(message, now)
        return self._hung_up(message, now) if message.event == "Hangup" else []

    def refuse(self, command: str, reason: str) -> list[Result]:
        """The PBX's response was an error, or the command could not be sent."""
        waiting = self._waiting.get(command)
        if waiting is None:
            return []
        if isinstance(waiting.command, Hangup) and reason.startswith("No such channel"):
            return [self._over(waiting, Done(command=command))]
        return [self._over(waiting, Failed(command=command, reason=reason))]

    def expire(self, now: float) -> list[Result]:
        due = [waiting for waiting in self._waiting.values() if waiting.deadline <= now]
        return [
            self._over(w, Failed(command=w.command.id, reason=w.words or (UNAVAILABLE if w.has_failed else TIMEOUT)))
            for w in due
        ]

    def lose(self) -> list[Result]:
        """The connection is gone: what is out will not be told any more."""
        return [self._over(w, Failed(command=w.command.id, reason=PBX_LOST)) for w in list(self._waiting.values())]

    def next_deadline(self) -> float | None:
        return min((waiting.deadline for waiting in self._waiting.values()), default=None)

    def _originated(self, message: Message, now: float) -> list[Result]:
        action_id = message.get("ActionID")
        waiting = next((w for w in self._waiting.values() if w.action_id == action_id), None)
        if waiting is None or not isinstance(waiting.command, Originate):
            return []
        if message.get("Response") == "Success":
            return [self._over(waiting, Done(command=waiting.command.id, leg=waiting.leg))]
        words = REASONS.get(message.get("Reason")) or waiting.words
        if words is None:
            waiting.has_failed = True
            return self._wait_a_little(waiting, now)
        return [self._over(waiting, Failed(command=waiting.command.id, reason=words))]

    def _hung_up(self, message: Message, now: float) -> list[Result]:
        leg, results = message.get("Uniqueid"), list[Result]()
        for waiting in [w for w in self._waiting.values() if w.leg == leg]:
            if isinstance(waiting.command, Hangup):
                results.append(self._over(waiting, Done(command=waiting.command.id)))
            else:
                waiting.words = UNEXPLAINED.get(message.get("Cause"), message.get("Cause-txt")) or UNAVAILABLE
                failed = Failed(command=waiting.command.id, reason=waiting.words)
                results += [self._over(waiting, failed)] if waiting.has_failed else self._wait_a_little(waiting, now)
        return results

    def _wait_a_little(self, waiting: _Waiting, now: float) -> list[Result]:
        waiting.deadline = min(waiting.deadline, now + GRACE_S)
        return []

    def _over(self, waiting: _Waiting, result: Result) -> Result:
        del self._waiting[waiting.command.id]
        self._results[waiting.command.id] = result
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)
        return result
