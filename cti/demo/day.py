"""What is played when: a programme for ``Player``, drawn from a seed, so that a day can be repeated.

Each agent has a call, a breath, the next call, if their phone may ring (``phones.py``). The first calls show what there is to
see; afterwards stories and callers are drawn by weight. Seconds are the player's.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from cti.agents.agent import Agent
from cti.calls.call import CallState
from cti.demo.journeys import ON_THEIR_OWN, TO_A_PERSON, Script, drawn, scripts_for
from cti.demo.people import CHINESE, COMPLAINT, KEYED, REPEAT, SHARED, Caller, stranger
from cti.demo.phones import Phones, handed_to
from cti.telephony.commands import Originate
from cti.telephony.link import MemberChanged
from cti.telephony.replay.score import Phase, Play, Score
from cti.telephony.replay.stage import ASKS_EVERY_S

Bounds = tuple[float, float]

RECORDED_CALLER: Final = "0912345678"
RECORDED_DIALLED: Final = "0223334444"
RECORDED_CODE: Final = "4711"
RECORDED_AGENTS: Final = (("2001", "Ann"), ("2002", "Bob"), ("2003", "Cho"))
RECORDED_LINES: Final = ("0800100100", "0800100200", "0800100300", "0800100440", "0800100600")
RECORDED_QUEUES: Final = ("support", "sales", "short", "empty")
LINES: Final = {"support": "0800100100", "sales": "0800100200"}


@dataclass(frozen=True, slots=True)
class Story:
    """A trace, and how often it happens."""

    trace: str
    weight: int = 0
    """0: not of its own accord."""
    phones: int = 1
    """How many agents' phones it needs."""
    is_keyed: bool = False
    is_anonymous: bool = False
    is_inbound: bool = True
    """Its caller comes through the menu."""
    is_acted: bool = False
    """The first agent did more at the phone than pick up and hang up: it happens to nobody who sits at a console."""


PLAIN: Final = Story("plain_inbound_caller_hangs_up", 5)
KEYED_IN: Final = Story("customer_code_from_ivr", 2, is_keyed=True)
NO_ANSWER: Final = Story("ring_no_answer_then_other", 2, phones=2)
WALKED_AWAY: Final = Story("abandoned_in_queue", phones=0)
DIALLED: Final = (
    Story("click_to_dial_answered", 6, is_inbound=False),
    Story("click_to_dial_busy", 1, is_inbound=False),
    Story("click_to_dial_not_answered", 1, is_inbound=False),
)
COLLEAGUE: Final = Story("internal_call", phones=2, is_inbound=False)
MENU_ONLY: Final = Story("hung_up_in_the_ivr", phones=0)
"""Served by the menu, or given up in it: no phone rings."""
STORIES: Final = (
    PLAIN,
    KEYED_IN,
    NO_ANSWER,
    Story("plain_inbound_agent_hangs_up", 4),
    Story("hold_and_retrieve", 2, is_acted=True),
    Story("anonymous_caller", 1, is_anonymous=True),
    Story("abandoned_while_ringing", 1),
    Story("declined_then_other", 1, phones=2, is_acted=True),
    Story("blind_transfer_by_refer_to_agent", 1, phones=2, is_acted=True),
    Story("blind_transfer_by_refer_to_queue", 1, phones=2, is_acted=True),
    Story("attended_transfer_by_refer", 2, phones=2, is_acted=True),
    Story("outbound_dialled_at_the_phone", 1, is_inbound=False, is_acted=True),
)
TRACES: Final = tuple(sorted({story.trace for story in (*STORIES, *DIALLED, WALKED_AWAY, COLLEAGUE, MENU_ONLY)}))

OPENING: Final = (
    (PLAIN, COMPLAINT),
    (KEYED_IN, KEYED),
    (PLAIN, CHINESE),
    (PLAIN, REPEAT),
    (PLAIN, SHARED),
    (NO_ANSWER, COMPLAINT),
)
"""What happens first, call by call, whoever is free."""
FIRST_RINGS_S: Final = (1.5, 6.0, 11.0)
"""When the agents' first calls begin."""
BREATH_S: Final = (2.0, 6.0)
"""From the end of a call to the agent's next: time to write a note and pick a result."""
WALK_AWAY_S: Final = (50.0, 110.0)
"""From one caller who gives up before any phone rings to the next."""
ON_THEIR_OWN_S: Final = (9.0, 24.0)
"""From one caller whom the menu serves to the next."""
HANDED_OVER_S: Final = 0.3
"""From the end of the menu to the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long each part of a call takes, in seconds from and to."""

    offered: Bounds = (1.0, 2.0)
    queued: Bounds = (1.5, 5.0)
    ringing: Bounds = (7.0, 10.0)
    unanswered: Bounds = (11.0, 14.0)
    """Below the 15 s after which a pop expires."""
    own_phone: Bounds = (1.5, 3.0)
    """An agent's own phone, before it dials out."""
    talking: Bounds = (20.0, 30.0)
    held: Bounds = (6.0, 10.0)


LIVE: Final = Pace()


def lengths_s(phases: Sequence[Phase], pace: Pace, dice: Random) -> tuple[float, ...]:
    """How long each phase of a score shall last. What is talked is shared out where it is interrupted."""
    kinds = [phase.kind for phase in phases]
    talks = max(1, kinds.count(CallState.TALKING))
    return tuple(
        dice.uniform(*_bounds(kind, after, pace)) / (talks if kind is CallState.TALKING else 1)
        for kind, after in zip(kinds, (*kinds[1:], None), strict=True)
    )


def _bounds(kind: CallState, after: CallState | None, pace: Pace) -> Bounds:
    if kind is CallState.RINGING:
        answered = pace.ringing if after in {CallState.TALKING, CallState.HELD} else pace.unanswered
        return pace.own_phone if after is CallState.RINGING else answered
    known = {
        CallState.TALKING: pace.talking,
        CallState.HELD: pace.held,
        CallState.PARKED: pace.held,
        CallState.QUEUED: pace.queued,
    }
    return known.get(kind, pace.offered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """Who plays a story."""

    agents: Sequence[Agent]
    """First the one whose phone rings first; the recording's others follow."""
    caller: Caller
    queue: str = "support"
    pace: Pace = LIVE
    command: str = ""


def play_of(story: Story, score: Score, casting: Casting, dice: Random) -> Play:
    agents, caller = casting.agents, casting.caller
    number = caller.number
    return Play(
        score=score,
        words=dict(_words(casting)),
        names={RECORDED_CALLER: caller.name} if number and not story.is_anonymous else {},
        lengths_s=lengths_s(score.phases, casting.pace, dice),
        phones=frozenset(agent.device for agent in agents[: story.phones]),
        command=casting.command,
    )


def _words(casting: Casting) -> Iterator[tuple[str, str]]:
    caller, other = casting.caller, "sales" if casting.queue == "support" else "support"
    yield from ((RECORDED_CALLER, caller.number), (RECORDED_DIALLED, caller.number))
    yield RECORDED_CODE, caller.code or RECORDED_CODE
    yield from ((line, LINES[casting.queue]) for line in RECORDED_LINES)
    yield from ((queue, casting.queue) for queue in RECORDED_QUEUES)
    yield "billing", other
    for (extension, name), agent in zip(RECORDED_AGENTS, casting.agents, strict=False):
        yield from ((extension, agent.extension), (name, agent.name), (f"PJSIP/{extension}", agent.device))


@dataclass(frozen=True, slots=True)
class Coming:
    """Who calls, and what they key."""

    caller: Caller
    script: Script


class Day:
    """The programme. ``callers`` are customers with a number of their own, ``served`` those whom the menu has something to tell;
    ``menu_s`` is how long each script takes, and those it does not hold are not played."""

    def __init__(
        self,
        agents: Sequence[Agent],
        callers: Sequence[Caller],
        scores: Mapping[str, Score],
        *,
        menu_s: Mapping[Script, float],
        served: Sequence[Caller] = (COMPLAINT,),
        seed: int = 1,
    ) -> None:
        self._agents, self._callers, self._scores = tuple(agents), tuple(callers), scores
        self._menu_s, self._served = menu_s, served
        self._coming: defaultdict[str, deque[Coming]] = defaultdict(deque)
        """By calling number: two may call from the same one."""
        self._dice = Random(seed)  # noqa: S311 - nothing is secret here
        self._opening = list(OPENING)
        self._phones = Phones()
        self._busy: frozenset[str] = frozenset()
        self._others_wait_s = 0.0
        """Until then no further caller comes for an agent: one waits already."""
        self._ready_s = {agent.device: at_s for agent, at_s in zip(agents, FIRST_RINGS_S, strict=False)}
        self._walks_s = self._dice.uniform(*WALK_AWAY_S)
        self._serves_s = self._dice.uniform(*ON_THEIR_OWN_S)

    def comes(self, number: str) -> Coming | None:
        """Who begins a call from there now; each is told once, in the order they were drawn."""
        waiting = self._coming[number]
        coming = waiting.popleft() if waiting else None
        if not waiting:
            del self._coming[number]
        return coming

    # ---- what Programme asks

    def next_s(self) -> float:
        free = [self._ready_s[agent.device] for agent in self._agents if self._may_be_called(agent, self._busy)]
        return min(self._walks_s, self._serves_s, *(max(ready_s, self._others_wait_s) for ready_s in free))

    def begin(self, now_s: float, busy: frozenset[str]) -> Sequence[Play]:
        plays: list[Play] = []
        self._busy = busy
        while now_s >= self._others_wait_s and (agent := self._next_agent(now_s)):
            plays.append(self._call_for(agent))
            self._busy |= plays[-1].phones
        if now_s >= self._walks_s:
            self._walks_s = now_s + self._dice.uniform(*WALK_AWAY_S)
            plays.append(self._play(WALKED_AWAY, self._agents, self._caller()))
        if now_s >= self._serves_s:
            self._serves_s = now_s + self._dice.uniform(*ON_THEIR_OWN_S)
            plays.append(self._play(MENU_ONLY, self._agents, self._dice.choice(self._served)))
        return plays

    def rings(self, play: Play, phone: str, taken: frozenset[str], now_s: float) -> Play | None:
        """Callers of a queue wait for whoever may be called. What an agent has dialled rings anybody."""
        if play.command:
            return play
        able = [agent for agent in self._agents if agent.device not in taken and self._may_play(agent, play, phone)]
        if any(agent.device == phone for agent in able):
            return play
        self._ready_s[phone] = now_s + self._dice.uniform(*BREATH_S)
        others = [agent for agent in able if agent.device not in play.phones]
        other = min(others, key=lambda agent: self._ready_s[agent.device], default=None)
        if other is None:
            self._others_wait_s = now_s + 2 * ASKS_EVERY_S
            return None
        return handed_to(play, phone, other, self._agents)

    def ended(self, play: Play, now_s: float) -> None:
        for phone in play.phones:
            self._ready_s[phone] = now_s + self._dice.uniform(*BREATH_S)

    def member(self, member: MemberChanged) -> None:
        self._phones.member(member)

    def dialled(self, command: Originate) -> Play | None:
        """Most answer; some are busy or out. Colleagues have phones too."""
        agent = next((one for one in self._agents if one.device == command.device), None)
        if agent is None:
            return None
        colleague = next((one for one in self._agents if one.extension == command.to), None)
        if colleague:
            return self._play(COLLEAGUE, self._with_first(agent, colleague), Caller(number=""), command=command.id)
        story = self._dice.choices(DIALLED, [one.weight for one in DIALLED])[0]
        return self._play(story, self._with_first(agent), Caller(number=command.to), command=command.id)

    # ---- within

    def _next_agent(self, now_s: float) -> Agent | None:
        """Whoever has waited longest."""
        free = [
            agent
            for agent in self._agents
            if self._ready_s[agent.device] <= now_s and self._may_be_called(agent, self._busy)
        ]
        return min(free, key=lambda agent: self._ready_s[agent.device], default=None)

    def _may_be_called(self, agent: Agent, busy: frozenset[str]) -> bool:
        return agent.device not in busy and bool(self._phones.open_queues(agent))

    def _may_play(self, agent: Agent, play: Play, phone: str) -> bool:
        """The part of ``phone``."""
        if not self._phones.rings_for(agent, play.words[RECORDED_QUEUES[0]]):
            return False
        is_acted = play.words[f"PJSIP/{RECORDED_AGENTS[0][0]}"] == phone and any(
            play.score is self._scores[story.trace] for story in STORIES if story.is_acted
        )
        return not is_acted or not self._phones.is_person(agent.device)

    def _call_for(self, agent: Agent) -> Play:
        free = [one for one in self._agents if one is not agent and self._may_be_called(one, self._busy)]
        story, caller = self._draw(may_be_two=bool(free), is_person=self._phones.is_person(agent.device))
        return self._play(story, self._with_first(agent, *free), caller)

    def _draw(self, *, may_be_two: bool, is_person: bool) -> tuple[Story, Caller]:
        if self._opening and (may_be_two or self._opening[0][0].phones == 1):
            return self._opening.pop(0)
        stories = [
            story for story in STORIES if (story.phones == 1 or may_be_two) and not (story.is_acted and is_person)
        ]
        story = self._dice.choices(stories, [one.weight for one in stories])[0]
        return story, KEYED if story.is_keyed else self._caller()

    def _caller(self) -> Caller:
        pick = self._dice.random()
        for share, caller in ((0.10, COMPLAINT), (0.20, CHINESE), (0.30, REPEAT), (0.40, SHARED)):
            if pick < share:
                return caller
        return stranger(self._dice) if pick < 0.55 or not self._callers else self._dice.choice(self._callers)  # noqa: PLR2004 - the next share

    def _with_first(self, *first: Agent) -> tuple[Agent, ...]:
        return (*first, *(agent for agent in self._agents if agent not in first))

    def _play(self, story: Story, agents: Sequence[Agent], caller: Caller, command: str = "") -> Play:
        queue = self._dice.choice(("support", "support", "sales"))
        if story.phones and not self._phones.rings_for(agents[0], queue):
            queue = next(iter(self._phones.open_queues(agents[0])), queue)
        pace = self._through_the_menu(story, caller) if story.is_inbound else LIVE
        casting = Casting(agents=agents, caller=caller, queue=queue, pace=pace, command=command)
        return play_of(story, self._scores[story.trace], casting, self._dice)

    def _through_the_menu(self, story: Story, caller: Caller) -> Pace:
        """The call is in the PBX for as long as its caller keys."""
        some = scripts_for(caller, ON_THEIR_OWN if story is MENU_ONLY else TO_A_PERSON)
        script = drawn([one for one in some if one in self._menu_s], self._dice)
        self._coming["" if story.is_anonymous else caller.number].append(Coming(caller, script))
        length_s = self._menu_s[script] + HANDED_OVER_S
        return replace(LIVE, offered=(length_s, length_s))
