"""The last two weeks of the demo: recordings played in an instant with past times, and what the agents wrote afterwards.

Calls, facts and interactions come about as live ones do; only the clock is ours.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from cti.agents.agent import Agent
from cti.calls.call import Call, Outcome, PbxName, Role
from cti.calls.transitions import CallChanged
from cti.demo.day import HANDED_OVER_S, MENU_ONLY, PLAIN, STORIES, Casting, Pace, Story, play_of
from cti.demo.journeys import ON_THEIR_OWN, TO_A_PERSON, Events, Rehearsals, Rehearsed, drawn, scripts_for
from cti.demo.people import COMPLAINT, KEYED, NAMED, REPEAT, Caller, stranger
from cti.demo.shifts import Shifts
from cti.envelope import Envelope, of_change
from cti.journeys import of_journey
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.replay.score import Play, Score, cues, stamped

ZONE: Final = ZoneInfo("Asia/Taipei")
DAYS: Final = 14
OPENS: Final = time(9)
SLOT: Final = timedelta(minutes=70)
SERVED: Final = 1
"""Callers whom the menu serves alone, to one who reaches an agent."""
RATES: Final = 0.4
"""The share of callers who say how it was."""
SLOTS: Final = 8
"""Calls of one agent on one day, one in each slot, so that nobody talks twice at once."""
LATELY: Final = timedelta(minutes=12)
"""So long before the demo begins, the past ends."""
PACE: Final = Pace(
    offered=(2.0, 9.0), queued=(4.0, 70.0), ringing=(3.0, 12.0), unanswered=(12.0, 15.0), own_phone=(2.0, 5.0),
    talking=(50.0, 420.0), held=(15.0, 70.0),
)  # fmt: skip

SAID: Final = (
    ("solved", "Solved", "Explained the invoice; fine now.", "已說明帳單內容。"),
    ("solved", "Solved", "Reset the password together, works.", "已協助重設密碼並登入。"),
    ("solved", "Solved", "Router restarted, line is stable.", "重新啟動後連線穩定。"),
    ("solved", "Solved", "Address changed. Delivery on Thursday.", "地址已更新。"),
    (
        "information",
        "Information given",
        "Asked about opening hours and the price of Fibre 500.",
        "詢問光纖方案價格與合約期限。",
    ),
    ("callback", "Call back later", "Wants a call after 18:00 about the contract.", "請於明早回電。"),
    ("passed_on", "Passed on", "Passed to billing with all details.", "已轉帳務部門處理。"),
    ("complaint", "Complaint", "Second time this month; promised an answer by Friday.", "對帳單有疑問。已轉客訴。"),
)
"""Result, its label, the note in English and in Chinese."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One call of the past, before it is played."""

    at: datetime
    story: Story
    caller: Caller
    agents: tuple[Agent, ...]
    said: tuple[str, str, str] | None = None
    """Result, its label, the note; None: drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who calls, with what recordings, and how they key."""

    callers: tuple[Caller, ...]
    served: tuple[Caller, ...]
    """Those whom the menu has something to tell."""
    scores: Mapping[str, Score]
    rehearsals: Rehearsals


async def past(
    since: datetime, now: datetime, *, pbx: PbxName, agents: Sequence[Agent], company: Company, shifts: Shifts
) -> AsyncIterator[tuple[Envelope, ...]]:
    """The facts of every call that ended before ``now``, call by call, in no order of time. ``shifts`` takes each, or leaves it out."""
    dice = Random(since.isoformat())  # noqa: S311 - nothing is secret here
    happened = (
        *_remembered(now, agents),
        *_drawn(since, now - LATELY, agents, company.callers, dice),
        *_served(since, now - LATELY, agents, company.served, dice),
    )
    for number, one in enumerate(one for one in happened if since < one.at < now - LATELY):
        keyed = await _keyed(one, company.rehearsals, dice) if one.story.is_inbound else None
        changes = changes_of(one, keyed, number, pbx=pbx, score=company.scores[one.story.trace], dice=dice)
        if shifts.take(changes):
            yield facts_of(one, keyed, changes, dice)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A caller's way through the menu, and what they said afterwards of the conversation."""

    menu: Rehearsed
    after: Rehearsed | None


async def _keyed(one: Happened, rehearsals: Rehearsals, dice: Random) -> Keyed:
    some = ON_THEIR_OWN if one.story is MENU_ONLY else TO_A_PERSON
    script = drawn(scripts_for(one.caller, some), dice)
    rates = bool(script.mark) and dice.random() < RATES
    after = await rehearsals.rehearse_after(script, one.caller) if rates else None
    return Keyed(await rehearsals.rehearse(script, one.caller), after)


def changes_of(
    one: Happened, keyed: Keyed | None, number: int, *, pbx: PbxName, score: Score, dice: Random
) -> list[CallChanged]:
    queue = dice.choice(("support", "support", "sales"))
    length_s = keyed.menu.spent_s + HANDED_OVER_S if keyed else 0.0
    pace = replace(PACE, offered=(length_s, length_s)) if keyed else PACE
    play = play_of(one.story, score, Casting(agents=one.agents, caller=one.caller, queue=queue, pace=pace), dice)
    return told(play, number, one.at, pbx)


def facts_of(one: Happened, keyed: Keyed | None, changes: Sequence[CallChanged], dice: Random) -> tuple[Envelope, ...]:
    """What the menu said stands after what the PBX said: facts need no order between the two."""
    call = changes[-1].after
    said = one.said or _draw_said(one.caller, dice)
    journey = _journey(keyed, call) if keyed else ()
    return (*map(of_change, changes), *map(of_journey, journey), *_afterwards(call, one, said))


def _journey(keyed: Keyed, call: Call) -> Events:
    menu = keyed.menu.at(call.offered_at, call=call.id, pbx=call.pbx)
    if keyed.after is None or call.outcome is not Outcome.ANSWERED or call.ended_at is None:
        return menu
    return (*menu, *keyed.after.at(call.ended_at, call=call.id, pbx=call.pbx))


def told(play: Play, number: int, at: datetime, pbx: PbxName) -> list[CallChanged]:
    narrator, changes = Narrator(pbx, Endpoints()), list[CallChanged]()
    for cue in cues(play, number=number, epoch_s=int(at.timestamp())):
        changes += narrator.feed(stamped(cue.message, at + timedelta(seconds=cue.at_s)))
    return changes


# ---- what happened


def _drawn(
    since: datetime, until: datetime, agents: Sequence[Agent], callers: Sequence[Caller], dice: Random
) -> Iterator[Happened]:
    for day in range((until.date() - since.date()).days + 1):
        opens = datetime.combine(since.astimezone(ZONE).date() + timedelta(days=day), OPENS, ZONE)
        for slot in range(SLOTS):
            for place, agent in enumerate(agents):
                colleagues = tuple(agents[(place + n) % len(agents)] for n in range(len(agents)))
                at = opens + slot * SLOT + timedelta(seconds=dice.uniform(0, 3000))
                story = dice.choices(STORIES, [one.weight for one in STORIES])[0]
                yield Happened(at, story, KEYED if story.is_keyed else _caller(callers, dice), (agent, *colleagues[1:]))


def _served(
    since: datetime, until: datetime, agents: Sequence[Agent], callers: Sequence[Caller], dice: Random
) -> Iterator[Happened]:
    """All day long, and a little into the night."""
    for day in range((until.date() - since.date()).days + 1):
        opens = datetime.combine(since.astimezone(ZONE).date() + timedelta(days=day), OPENS, ZONE)
        for _ in range(SERVED * SLOTS * len(agents)):
            at = opens + timedelta(seconds=dice.uniform(0, SLOTS * SLOT.total_seconds()))
            yield Happened(at, MENU_ONLY, dice.choice(callers), tuple(agents))


def _remembered(now: datetime, agents: Sequence[Agent]) -> Iterator[Happened]:
    """What the named callers of the day's beginning refer to."""
    ann, bob, cho = agents
    yield Happened(
        now - timedelta(minutes=50),
        PLAIN,
        REPEAT,
        (bob, cho, ann),
        ("callback", "Call back later", "Still cannot log in. Promised to call back within the hour."),
    )
    yield Happened(
        now - timedelta(hours=3),
        PLAIN,
        REPEAT,
        (ann, bob, cho),
        ("solved", "Solved", "Reset the password; she will try again."),
    )
    yield Happened(
        now - timedelta(days=2, hours=1),
        PLAIN,
        COMPLAINT,
        (cho, ann, bob),
        ("complaint", "Complaint", "Invoice 4821 was charged twice. Sent to billing, answer by Friday."),
    )
    yield Happened(
        now - timedelta(hours=22),
        PLAIN,
        COMPLAINT,
        (ann, bob, cho),
        ("passed_on", "Passed on", "Asked where the refund is. Billing has it."),
    )


def _caller(callers: Sequence[Caller], dice: Random) -> Caller:
    pick = dice.random()
    if pick < 0.12 or not callers:  # noqa: PLR2004 - one in eight
        return dice.choice(NAMED)
    return stranger(dice) if pick < 0.3 else dice.choice(callers)  # noqa: PLR2004 - the next share


def _draw_said(caller: Caller, dice: Random) -> tuple[str, str, str]:
    code, label, english, chinese = dice.choice(SAID)
    return code, label, english if caller.contact_name.isascii() else chinese


# ---- what was written


def _afterwards(call: Call, one: Happened, said: tuple[str, str, str]) -> Iterator[Envelope]:
    by = _last_agent(call, one.agents)
    if (one.caller.contact and call.customer_number) or call.keys:
        yield _fact(call, "customer", {"contact": one.caller.contact, "name": one.caller.contact_name, "by": ""})
    if call.outcome is Outcome.ANSWERED and by:
        code, label, note = said
        yield _fact(call, "note", {"text": note, "by": by})
        yield _fact(call, "result", {"code": code, "label": label, "by": by})


def _last_agent(call: Call, agents: Sequence[Agent]) -> str:
    spoke = [leg.party.device for leg in call.legs if leg.party.role is Role.AGENT and leg.connected_at]
    return next((agent.id for agent in agents if spoke and agent.device == spoke[-1]), "")


def _fact(call: Call, kind: str, data: dict[str, str]) -> Envelope:
    at = (call.ended_at or call.since) + timedelta(seconds=8)
    return Envelope(
        id=f"{call.id}#{kind}",
        source=f"/pbx/{call.pbx}",
        type=f"cti.interaction.{kind}.v1",
        subject=call.id,
        time=at,
        sequence=0,
        data=data,
    )
