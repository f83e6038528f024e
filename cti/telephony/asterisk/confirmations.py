"""What became of the commands that are out. No I/O; time (seconds, any clock that never steps) is handed in.

A response to an action says only that Asterisk has accepted it; what must happen for a command to be done is its
``Expectation`` (``kinds/``). Each command ends as exactly one ``Done`` or ``Failed``; what comes later is ignored. Results are
remembered for a while, so that the same command id again gets the same answer instead of a second call.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cti.telephony.asterisk.kinds.kind import Expectation, Message, Soon, Verdict
from cti.telephony.commands import Failed, Result

PBX_LOST: Final = "pbx_lost"
REMEMBERED: Final = 1000


@dataclass(slots=True)
class _Waiting:
    expectation: Expectation
    deadline: float


class Confirmations:
    """The commands that are out, and the results of the last ones."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._watching: defaultdict[str, dict[str, _Waiting]] = defaultdict(dict)
        """Event -> who wants to see it, by command."""
        self._results: OrderedDict[str, Result] = OrderedDict()

    def begin(self, expectation: Expectation, now: float) -> None:
        """Before the command is sent."""
        waiting = _Waiting(expectation, now + expectation.limit_s)
        self._waiting[expectation.command] = waiting
        for event in expectation.events:
            self._watching[event][expectation.command] = waiting

    def result(self, command: str) -> Result | None:
        """Of a command that is over; None for one that is out or was never seen."""
        return self._results.get(command)

    def is_out(self, command: str) -> bool:
        return command in self._waiting

    def watches(self, event: str) -> bool:
        """Does any command that is out want to see such an event? Asked of every event of the PBX."""
        return bool(self._watching.get(event))

    def feed(self, event: Message, now: float) -> list[Result]:
        """An event of the event plane, any event. Returns what it decides."""
        watching = self._watching.get(event.event)
        if not watching:
            return []
        return [over for one in tuple(watching.values()) for over in self._judge(one, one.expectation.saw(event), now)]

    def answer(self, command: str, response: Mapping[str, str], now: float) -> list[Result]:
        """The PBX has accepted one of its actions."""
        waiting = self._waiting.get(command)
        return [] if waiting is None else self._judge(waiting, waiting.expectation.answered(response), now)

    def accept(self, command: str, response: Mapping[str, str], now: float) -> list[Result]:
        """The PBX has accepted all of its actions; the response to the last."""
        waiting = self._waiting.get(command)
        return [] if waiting is None else self._judge(waiting, waiting.expectation.accepted(response), now)

    def refuse(self, command: str, words: str, now: float) -> list[Result]:
        """The PBX's response was an error, or the command could not be sent."""
        waiting = self._waiting.get(command)
        return [] if waiting is None else self._judge(waiting, waiting.expectation.refused(words), now)

    def expire(self, now: float) -> list[Result]:
        due = [waiting for waiting in self._waiting.values() if waiting.deadline <= now]
        return [self._over(waiting.expectation.expired()) for waiting in due]

    def lose(self) -> list[Result]:
        """The connection is gone: what is out will not be told any more."""
        return [self._over(Failed(command=command, reason=PBX_LOST)) for command in tuple(self._waiting)]

    def next_deadline(self) -> float | None:
        return min((waiting.deadline for waiting in self._waiting.values()), default=None)

    def _judge(self, waiting: _Waiting, verdict: Verdict, now: float) -> list[Result]:
        if isinstance(verdict, Soon):
            waiting.deadline = min(waiting.deadline, now + verdict.seconds)
            return []
        return [] if verdict is None else [self._over(verdict)]

    def _over(self, result: Result) -> Result:
        for event in self._waiting.pop(result.command).expectation.events:
            del self._watching[event][result.command]
        self._results[result.command] = result
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)
        return result
