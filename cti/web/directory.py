"""Whom a call can be handed to: colleagues with their state, queues, and what was typed as a number. One search box."""

import unicodedata
from collections import Counter
from typing import Final

from cti import numbers
from cti.agents.agent import Agent
from cti.screenpop.access import Deed
from cti.screenpop.messages import PresenceView
from cti.toll import Allowed, Why, plain
from cti.web.asked import Asked, Reply, Route
from cti.web.parts import QueueTarget
from cti.web.schemas import DirectoryAgent, DirectoryNumber, DirectoryQuery, DirectoryQueue, DirectoryView

_READY: Final = "READY"


async def directory(asked: Asked[None, DirectoryQuery]) -> Reply:
    """Colleagues and queues whose name or extension begins so, and the number it is, with whether it may be called."""
    sought = asked.query.q
    hub = asked.parts.hub
    people = sorted((agent for agent in hub.agents if agent.extension), key=lambda agent: (agent.name, agent.id))
    found = [agent for agent in people if fits(sought, agent.name, agent.extension)]
    queues = [queue for queue in asked.parts.queues if fits(sought, queue.label, queue.name, queue.extension)]
    ready = Counter(queue for one in hub.presences.values() if one.state == _READY for queue in one.queues)
    waiting = {one.name: one.waiting for one in hub.queues}
    return Reply(
        body=DirectoryView(
            agents=tuple(_agent(agent, hub.presences.get(agent.id), asked.agent) for agent in found),
            queues=tuple(_queue(queue, waiting.get(queue.name, 0), ready[queue.name]) for queue in queues),
            number=_number(asked, sought),
        )
    )


def fits(sought: str, *texts: str) -> bool:
    """Does any of them begin so, or a word in it? Wide and narrow, large and small letters are the same. Names in Chinese have no
    blanks between their words: there, whatever stands in it fits."""
    wanted = _folded(sought)
    return not wanted or any(_begins(_folded(text), wanted) for text in texts if text)


def _begins(text: str, wanted: str) -> bool:
    if text.startswith(wanted) or f" {wanted}" in text:
        return True
    return not wanted.isascii() and wanted in text


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _agent(agent: Agent, presence: PresenceView | None, asker: Agent) -> DirectoryAgent:
    return DirectoryAgent(
        id=agent.id, name=agent.name, extension=agent.extension, state=presence.state if presence else "LOGOUT",
        since=presence.since if presence else None, reason=presence.reason if presence else "", is_me=agent.id == asker.id,
    )  # fmt: skip


def _queue(queue: QueueTarget, waiting: int, ready: int) -> DirectoryQueue:
    return DirectoryQueue(name=queue.name, label=queue.label, extension=queue.extension, waiting=waiting, ready=ready)


def _number(asked: Asked[None, DirectoryQuery], typed: str) -> DirectoryNumber | None:
    digits = plain(typed)
    verdict = asked.parts.commands.number(asked.agent, typed) if digits else None
    if digits is None or verdict is None:
        return None
    if isinstance(verdict, Allowed):
        return DirectoryNumber(number=verdict.to, shown=_shown(asked, verdict.to), allowed=True)
    if verdict.why is Why.NO_NUMBER:
        return None
    return DirectoryNumber(number=digits, shown=_shown(asked, digits), allowed=False, why_not=verdict.why.value)


def _shown(asked: Asked[None, DirectoryQuery], digits: str) -> str:
    known = numbers.parse(digits, country=asked.parts.site.country)
    return known.international if known and (digits.startswith("+") or len(digits) > _EXTENSION) else digits


_EXTENSION: Final = 6
"""Digits; what is no longer is an extension or a service, and shown as it is."""
ROUTES: Final = (
    Route(
        method="GET", path="/api/v1/directory", handler=directory, deed=Deed.STATE_SEE, query=DirectoryQuery,
        gives=DirectoryView,
    ),
)  # fmt: skip
