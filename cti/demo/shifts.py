"""The agents' own days of the demo's past: logged in before the first call, talking in each, logged out after the last."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from cti.agent_facts import of_presence
from cti.agents.agent import Agent, AgentId
from cti.agents.events import AgentEvent, LoggedIn, LoggedOut, WrapUpExpired
from cti.agents.presence import Maker, Presence, QueueRules, Rules, WrapUpKind
from cti.agents.transitions import advance, begin, interval_changed, next_deadline
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope
from cti.floor.parts import Parts

WRAP_UP_S: Final = 30.0
"""Time enough to look at it, and not long to the next call."""
EARLY: Final = timedelta(minutes=5)
LATE: Final = timedelta(seconds=2 * WRAP_UP_S)
OFF: Final = timedelta(hours=4)
"""Who has had no call for so long is at home."""
RULES: Final = Rules(
    usual=QueueRules(wrap_up=WrapUpKind.OPTIONAL, wrap_up_s=WRAP_UP_S, missed_limit=0),
    is_ready_at_login=True,
    declined_is_pause=False,
)


class Shifts:
    """Takes calls one after the other, in no order of time."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._by_device = {agent.device: agent.id for agent in agents}
        self._parts = Parts()
        self._heard: defaultdict[AgentId, list[AgentEvent]] = defaultdict(list)
        self._busy: defaultdict[AgentId, list[tuple[datetime, datetime]]] = defaultdict(list)

    def take(self, call: Sequence[CallChanged]) -> bool:
        """Not where it would have somebody in two calls at once."""
        heard: defaultdict[AgentId, list[AgentEvent]] = defaultdict(list)
        for change in call:
            for agent, event in self._parts.heard(change.after, self._by_device, change.cause.at):
                heard[agent].append(event)
        spans = {agent: (events[0].at, events[-1].at) for agent, events in heard.items()}
        if any(
            since <= end and begin <= until
            for agent, (since, until) in spans.items()
            for begin, end in self._busy[agent]
        ):
            return False
        for agent, events in heard.items():
            self._heard[agent] += events
            self._busy[agent].append(spans[agent])
        return True

    def facts(self) -> Iterator[Envelope]:
        for agent, events in self._heard.items():
            heard = sorted(events, key=lambda one: one.at)
            presence = begin(agent, heard[0].at - EARLY)
            for event in _days(agent, heard):
                presence, facts = _after(presence, event)
                yield from facts


def _days(agent: AgentId, heard: Sequence[AgentEvent]) -> Iterator[AgentEvent]:
    """With the log-in before each day's first, and the log-out after its last."""
    for before, event, after in zip((None, *heard), heard, (*heard[1:], None), strict=False):
        if before is None or event.at - before.at > OFF:
            yield LoggedIn(at=event.at - EARLY)
        yield event
        if after is None or after.at - event.at > OFF:
            yield LoggedOut(at=event.at + LATE, made_by=Maker.AGENT, by=agent)


def _after(presence: Presence, event: AgentEvent) -> tuple[Presence, list[Envelope]]:
    """A wrap-up whose time was over before is over before."""
    due, facts = next_deadline(presence), list[Envelope]()
    for one in ([WrapUpExpired(at=due)] if due and due <= event.at else []) + [event]:
        after = advance(presence, one, RULES)
        if isinstance(after, Presence):
            facts += [of_presence(after)] if interval_changed(presence, after) else []
            presence = after
    return presence, facts
