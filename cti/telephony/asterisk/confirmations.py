"""What became of the commands that are out. No I/O; time (seconds, any clock that never steps) is handed in.

A response to an action says only that Asterisk has accepted it; what must happen for a command to be done is its
``Expectation`` (``kinds/``). Each command ends as exactly one ``Done`` or ``Failed``; what comes later is ignored. Results are
remembered for a while, so that the same command id again gets the same answer instead of a second call.
"""

import heapq
import math
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
        self._watching: defaultdict[str, dict[str, dict[str, _Waiting]]] = defaultdict(dict)
        """Event -> the interface it is about (empty: whatever it is about) -> who wants to see it, by command. When thousands
        log in at once each member's event is shown to those who wait for this member."""
        self._deadlines: list[tuple[float, str]] = []
        """A heap, with the command. An entry that is not its command's deadline any more counts for nothing."""
        self._results: OrderedDict[str, Result] = OrderedDict()

    def begin(self, expectation: Expectation, now: float) -> None:
        """Before the command is sent."""
        waiting = _Waiting(expectation, math.inf)
        self._waiting[expectation.command] = waiting
        self._ends_by(waiting, now + expectation.limit_s)
        for event in expectation.events:
            self._watching[event].setdefault(expectation.interface, {})[expectation.command] = waiting

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
        about = dict.fromkeys(("", event.get("Interface")))
        seeing = [one for interface in about for one in watching.get(interface, {}).values()]
        return [over for one in seeing for over in self._judge(one, one.expectation.saw(event), now)]

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
        results = []
        while (due := self.next_deadline()) is not None and due <= now:
            _, command = heapq.heappop(self._deadlines)
            results.append(self._over(self._waiting[command].expectation.expired()))
        return results

    def lose(self) -> list[Result]:
        """The connection is gone: what is out will not be told any more."""
        return [self._over(Failed(command=command, reason=PBX_LOST)) for command in tuple(self._waiting)]

    def next_deadline(self) -> float | None:
        while self._deadlines and not self._is_deadline(*self._deadlines[0]):
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _judge(self, waiting: _Waiting, verdict: Verdict, now: float) -> list[Result]:
        if isinstance(verdict, Soon):
            self._ends_by(waiting, now + verdict.seconds)
            return []
        return [] if verdict is None else [self._over(verdict)]

    def _over(self, result: Result) -> Result:
        expectation = self._waiting.pop(result.command).expectation
        for event in expectation.events:
            watching = self._watching[event]
            del watching[expectation.interface][result.command]
            if not watching[expectation.interface]:
                del watching[expectation.interface]
        self._results[result.command] = result
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)
        return result

    def _ends_by(self, waiting: _Waiting, deadline: float) -> None:
        """Or earlier."""
        if deadline < waiting.deadline:
            waiting.deadline = deadline
            heapq.heappush(self._deadlines, (deadline, waiting.expectation.command))

    def _is_deadline(self, at: float, command: str) -> bool:
        waiting = self._waiting.get(command)
        return waiting is not None and waiting.deadline == at
