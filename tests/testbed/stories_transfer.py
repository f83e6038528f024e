"""Stories of calls that change hands: transfers of every kind, parking, holding. The docstring is the trace's
description.

Channel names are known beforehand, since each story starts with a fresh Asterisk: the caller is
``PJSIP/trunk-00000000``.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from tests.testbed.phone import PhoneCall
from tests.testbed.story import SUPPORT, Stage, Transfer, TrueCall, Truth, connect, hang_up, queued

CALLER_CHANNEL: Final = "PJSIP/trunk-00000000"
AGENT_CHANNEL: Final = "PJSIP/2001-00000001"
OUTSIDE: Final = "0223334444"
EMPTY: Final = "0800100440"
BILLING: Final = "3005"


async def blind_transfer_by_key_to_agent(stage: Stage) -> Truth:
    """The agent keys #1 2002; the colleague answers and talks on."""
    caller, ann = await connect(stage)
    await _keys(ann, "#1", "2002")
    bob = await _colleague(stage)
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "blind")


async def blind_transfer_by_refer_to_agent(stage: Stage) -> Truth:
    """The agent's phone sends REFER to 2002; the colleague answers and talks on."""
    caller, ann = await connect(stage)
    ann.transfer("2002")
    bob = await _colleague(stage)
    await _gone(ann)
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "blind")


async def blind_transfer_by_refer_to_queue(stage: Stage) -> Truth:
    """The agent's phone sends REFER to another queue; one of its agents answers."""
    caller, ann = await connect(stage)
    ann.transfer(BILLING)
    bob = await _colleague(stage)
    await _gone(ann)
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "blind", BILLING, answered_by=("2001", "2002"))


async def blind_transfer_by_refer_to_outside(stage: Stage) -> Truth:
    """The agent's phone sends REFER to an outside number, which answers."""
    caller, ann = await connect(stage)
    ann.transfer(OUTSIDE)
    outside = await stage.carrier.rings()
    await asyncio.sleep(0.7)
    outside.answer()
    await _gone(ann)
    await hang_up(caller, outside, after_s=1.5)
    return _moved(caller, ann, "blind", OUTSIDE)


async def blind_transfer_no_answer(stage: Stage) -> Truth:
    """The agent's phone sends REFER to 2002, who does not answer; the PBX ends the call."""
    caller, ann = await connect(stage)
    ann.transfer("2002")
    ringing = await stage.agents["2002"].rings()
    await _gone(ann)
    await ringing.until_over()
    await caller.until_over()
    moved = (Transfer("blind", "2001", "2002", done=False),)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001", "2002"), ended_by="pbx", transfers=moved),))


async def blind_transfer_abandoned(stage: Stage) -> Truth:
    """The agent keys #1 2002; the caller hangs up while the colleague's phone rings."""
    caller, ann = await connect(stage)
    await _keys(ann, "#1", "2002")
    ringing = await stage.agents["2002"].rings()
    await hang_up(caller, ringing, after_s=1.5)
    moved = (Transfer("blind", "2001", "2002", done=False),)
    return Truth(
        (queued(caller, ann, answered_by=("2001",), rang=("2001", "2002"), ended_by="caller", transfers=moved),)
    )


async def blind_transfer_to_wrong_number(stage: Stage) -> Truth:
    """The agent's phone sends REFER to a number that does not exist; the phone is told, and caller and agent talk
    on.
    """
    caller, ann = await connect(stage)
    ann.transfer("9999")
    await asyncio.sleep(1.5)
    await hang_up(caller)
    ann.hang_up()
    moved = (Transfer("blind", "2001", "9999", done=False),)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), ended_by="caller", transfers=moved),))


async def transferred_twice(stage: Stage) -> Truth:
    """2001 transfers (key) to 2002, who transfers (REFER) to 2003."""
    caller, ann = await connect(stage)
    await _keys(ann, "#1", "2002")
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    bob.transfer("2003")
    cho = await _colleague(stage, "2003")
    await _gone(bob)
    await hang_up(caller, cho)
    moved = (Transfer("blind", "2001", "2002"), Transfer("blind", "2002", "2003"))
    people = ("2001", "2002", "2003")
    return Truth((queued(caller, ann, answered_by=people, rang=people, ended_by="caller", transfers=moved),))


async def attended_transfer_by_key(stage: Stage) -> Truth:
    """The agent keys *2 2002, speaks with the colleague, and hangs up: caller and colleague talk."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    ann.hang_up()
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "attended")


async def attended_transfer_by_key_silent(stage: Stage) -> Truth:
    """As before, but nobody speaks: the Local channels of the transfer stay until the end."""
    stage.silence()
    return await attended_transfer_by_key(stage)


async def attended_transfer_by_refer(stage: Stage) -> Truth:
    """The agent holds the caller, calls 2002 on a second line, and joins them (REFER with Replaces)."""
    caller, ann, second, bob = await _consult(stage)
    ann.transfer_to_call(second)
    await ann.until_transferred()
    await _gone(ann, second)
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "attended", holds=1)


async def attended_transfer_by_refer_to_queue(stage: Stage) -> Truth:
    """The agent consults queue 3005 on a second line, an agent of it answers, and they are joined."""
    caller, ann = await connect(stage)
    ann.put_on_hold()
    second = stage.agents["2001"].dial(BILLING)
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    ann.transfer_to_call(second)
    await ann.until_transferred()
    await _gone(ann, second)
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "attended", BILLING, answered_by=("2001", "2002"), holds=1)


async def attended_transfer_abandoned_by_agent(stage: Stage) -> Truth:
    """The agent consults 2002 on a second line, hangs that up, and goes on with the caller."""
    caller, ann, second, bob = await _consult(stage)
    second.hang_up()
    await bob.until_over()
    ann.retrieve()
    await hang_up(caller, ann)
    inbound = queued(caller, ann, answered_by=("2001",), rang=("2001",), holds=1, ended_by="caller")
    return Truth(
        (inbound, _internal("2001", "2002", second, bob, ended_by="agent")),
        "The consultation is a call of its own that was never joined.",
    )


async def attended_transfer_customer_leaves(stage: Stage) -> Truth:
    """The agent consults 2002 by key; the caller hangs up meanwhile; the two agents talk on."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    bob = await _colleague(stage)
    await hang_up(caller)
    await asyncio.sleep(1)
    ann.hang_up()
    await bob.until_over()
    moved = (Transfer("attended", "2001", "2002", done=False),)
    return Truth(
        (queued(caller, ann, answered_by=("2001",), rang=("2001",), ended_by="caller", transfers=moved),),
        "2002 spoke with 2001 only.",
    )


async def blonde_transfer_by_key(stage: Stage) -> Truth:
    """The agent keys *2 2002 and hangs up while 2002 rings; 2002 answers."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    ringing = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    ann.hang_up()
    await asyncio.sleep(0.7)
    ringing.answer()
    await hang_up(caller, ringing, after_s=1.5)
    return _moved(caller, ann, "blonde")


async def blonde_transfer_by_key_silent(stage: Stage) -> Truth:
    """As before, but nobody speaks: the Local channels of the transfer stay until the end."""
    stage.silence()
    return await blonde_transfer_by_key(stage)


async def blonde_transfer_by_refer(stage: Stage) -> Truth:
    """The agent calls 2002 on a second line and joins them (REFER with Replaces) while 2002 still rings."""
    caller, ann = await connect(stage)
    ann.put_on_hold()
    second = stage.agents["2001"].dial("2002")
    ringing = await stage.agents["2002"].rings()
    await second.until_ringing()
    await asyncio.sleep(0.7)
    ann.transfer_to_call(second)
    await ann.until_transferred()
    await _gone(ann, second)
    ringing.answer()
    await hang_up(caller, ringing, after_s=1.5)
    return _moved(caller, ann, "blonde", holds=1)


async def blonde_transfer_comes_back(stage: Stage) -> Truth:
    """The agent keys *2 2002 and hangs up while 2002 rings; 2002 does not answer; the agent's phone rings again."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    ringing = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    ann.hang_up()
    await ringing.until_over()
    again = await stage.agents["2001"].rings()
    await asyncio.sleep(0.7)
    again.answer()
    await hang_up(caller, again, after_s=1.5)
    moved = (Transfer("blonde", "2001", "2002", done=False),)
    rang = ("2001", "2002", "2001")
    return Truth((queued(caller, ann, answered_by=("2001", "2001"), rang=rang, ended_by="caller", transfers=moved),))


async def attended_transfer_declined_comes_back(stage: Stage) -> Truth:
    """The agent keys *2 2002, who declines; the agent is back with the caller."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    ringing = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    ringing.refuse(603)
    await hang_up(caller, ann, after_s=3)
    moved = (Transfer("attended", "2001", "2002", done=False),)
    return Truth(
        (queued(caller, ann, answered_by=("2001",), rang=("2001", "2002"), ended_by="caller", transfers=moved),)
    )


async def three_way_by_key(stage: Stage) -> Truth:
    """The agent keys *2 2002, then *3: all three talk. The agent leaves, then the caller."""
    caller, ann = await connect(stage)
    await _keys(ann, "*2", "2002")
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    await ann.press("*3")
    await asyncio.sleep(2)
    ann.hang_up()
    await hang_up(caller, bob)
    return _moved(caller, ann, "conference")


async def hold_and_retrieve(stage: Stage) -> Truth:
    """The agent's phone puts the caller on hold twice (re-INVITE) and takes the call back."""
    caller, ann = await connect(stage)
    for _ in range(2):
        ann.put_on_hold()
        await asyncio.sleep(1.2)
        ann.retrieve()
        await asyncio.sleep(0.8)
    await hang_up(caller, ann)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), holds=2, ended_by="caller"),))


async def hung_up_while_on_hold(stage: Stage) -> Truth:
    """The caller hangs up while on hold."""
    caller, ann = await connect(stage)
    ann.put_on_hold()
    await hang_up(caller, ann, after_s=1.5)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), holds=1, ended_by="caller"),))


async def parked_and_fetched(stage: Stage) -> Truth:
    """The agent parks the caller by key (#72), a colleague fetches the call from place 701."""
    caller, ann = await connect(stage)
    await ann.press("#72")
    await asyncio.sleep(1.5)
    ann.hang_up()
    fetching = stage.agents["2003"].dial("701")
    await fetching.until_answered()
    await hang_up(caller, fetching, after_s=1.5)
    moved = (Transfer("parked", "2001", "2003"),)
    return Truth(
        (queued(caller, ann, answered_by=("2001", "2003"), rang=("2001",), ended_by="caller", transfers=moved),)
    )


async def parked_and_timed_out(stage: Stage) -> Truth:
    """The agent parks the caller by key; nobody fetches the call; the agent's phone rings again and is answered."""
    caller, ann = await connect(stage)
    await ann.press("#72")
    await asyncio.sleep(1.5)
    ann.hang_up()
    again = await stage.agents["2001"].rings()
    await asyncio.sleep(0.7)
    again.answer()
    await hang_up(caller, again, after_s=1.5)
    moved = (Transfer("parked", "2001", "2001", done=False),)
    return Truth(
        (queued(caller, ann, answered_by=("2001", "2001"), rang=("2001", "2001"), ended_by="caller", transfers=moved),)
    )


async def parked_and_hung_up(stage: Stage) -> Truth:
    """The agent's phone transfers the caller (REFER) to the parking extension 700; the caller hangs up there."""
    caller, ann = await connect(stage)
    ann.transfer("700")
    await asyncio.sleep(0.5)
    await _gone(ann)
    await hang_up(caller, after_s=2)
    moved = (Transfer("parked", "2001", "", done=False),)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), ended_by="caller", transfers=moved),))


async def redirected_by_command(stage: Stage) -> Truth:
    """The commands account sends the caller to 2002 (Redirect) while 2001 talks with them."""
    caller, ann = await connect(stage)
    target = {"Channel": CALLER_CHANNEL, "Context": "cti-internal", "Exten": "2002", "Priority": "1"}
    await stage.commands.action("Redirect", target)
    bob = await _colleague(stage)
    await ann.until_over()
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "blind")


async def blind_transfer_by_command(stage: Stage) -> Truth:
    """The commands account transfers (BlindTransfer) for 2001 to 2002."""
    caller, ann = await connect(stage)
    await stage.commands.action("BlindTransfer", {"Channel": AGENT_CHANNEL, "Context": "cti-transfer", "Exten": "2002"})
    bob = await _colleague(stage)
    await ann.until_over()
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "blind")


async def attended_transfer_by_command(stage: Stage) -> Truth:
    """The commands account begins a consultation (Atxfer) for 2001 with 2002; 2001 hangs up to complete it."""
    caller, ann = await connect(stage)
    await stage.commands.action("Atxfer", {"Channel": AGENT_CHANNEL, "Context": "cti-transfer", "Exten": "2002"})
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    ann.hang_up()
    await hang_up(caller, bob, after_s=1.5)
    return _moved(caller, ann, "attended")


async def parked_by_command(stage: Stage) -> Truth:
    """The commands account parks the caller (Park); a colleague fetches the call."""
    caller, ann = await connect(stage)
    await stage.commands.action(
        "Park", {"Channel": CALLER_CHANNEL, "TimeoutChannel": AGENT_CHANNEL, "Timeout": "20000"}
    )
    await asyncio.sleep(1)
    fetching = stage.agents["2003"].dial("701")
    await fetching.until_answered()
    ann.hang_up()
    await hang_up(caller, fetching, after_s=1.5)
    moved = (Transfer("parked", "2001", "2003"),)
    return Truth(
        (queued(caller, ann, answered_by=("2001", "2003"), rang=("2001",), ended_by="caller", transfers=moved),)
    )


async def bridged_late_by_command(
    stage: Stage, channels: Callable[[], tuple[str, str]] = lambda: (CALLER_CHANNEL, AGENT_CHANNEL)
) -> Truth:
    """A caller waits in an empty queue; the commands account joins the caller (Bridge) with an agent who was on
    another call. ``channels``: theirs, where the PBX is not a fresh one.
    """
    caller = stage.caller(EMPTY)
    await caller.until_answered()
    ann = stage.agents["2001"].dial("2003")
    cho = await _colleague(stage, "2003")
    await asyncio.sleep(1)
    of_caller, of_agent = channels()
    await stage.commands.action("Bridge", {"Channel1": of_caller, "Channel2": of_agent})
    await cho.until_over()
    await hang_up(caller, ann, after_s=1.5)
    inbound = queued(caller, ann, dnis=EMPTY, queue="empty", answered_by=("2001",), ended_by="caller")
    return Truth(
        (inbound, _internal("2001", "2003", ann, cho, ended_by="pbx")), "Two linkedids become one when they are joined."
    )


async def hung_up_by_command(stage: Stage) -> Truth:
    """The commands account hangs the caller up (Hangup) while the agent talks."""
    caller, ann = await connect(stage)
    await stage.commands.action("Hangup", {"Channel": CALLER_CHANNEL, "Cause": "16"})
    await ann.until_over()
    await caller.until_over()
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), ended_by="command"),))


async def _keys(agent: PhoneCall, code: str, target: str) -> None:
    """A feature code, half a second for the prompt to begin, the target."""
    await agent.press(code)
    await asyncio.sleep(0.7)
    await agent.press(target)


async def _colleague(stage: Stage, number: str = "2002") -> PhoneCall:
    ringing = await stage.agents[number].rings()
    await asyncio.sleep(0.7)
    ringing.answer()
    return ringing


async def _consult(stage: Stage) -> tuple[PhoneCall, PhoneCall, PhoneCall, PhoneCall]:
    """(caller, agent's first line, agent's second line, colleague): the caller on hold, the agents talking."""
    caller, ann = await connect(stage)
    ann.put_on_hold()
    await asyncio.sleep(0.3)
    second = stage.agents["2001"].dial("2002")
    bob = await _colleague(stage)
    await second.until_answered()
    await asyncio.sleep(1)
    return caller, ann, second, bob


async def _gone(*calls: PhoneCall) -> None:
    """What a phone does after its transfer went through: hang up what Asterisk has not hung up yet."""
    await asyncio.sleep(0.2)
    for call in calls:
        call.hang_up()


def _moved(
    caller: PhoneCall,
    ann: PhoneCall,
    kind: str,
    target: str = "2002",
    *,
    answered_by: tuple[str, ...] = (),
    holds: int = 0,
) -> Truth:
    """One call that 2001 handed to ``target``, ended by the caller."""
    people = answered_by or ("2001", target)
    moved = (Transfer(kind, "2001", target),)
    return Truth(
        (
            queued(
                caller,
                ann,
                dnis=SUPPORT,
                answered_by=people,
                rang=people,
                holds=holds,
                ended_by="caller",
                transfers=moved,
            ),
        )
    )


def _internal(ani: str, dnis: str, caller: PhoneCall, callee: PhoneCall, *, ended_by: str) -> TrueCall:
    talk = round(callee.ended_at - callee.answered_at, 2)
    wait = round(callee.answered_at - caller.began_at, 2)
    return TrueCall(
        "internal",
        ani,
        dnis,
        "answered",
        answered_by=(dnis,),
        rang=(dnis,),
        ended_by=ended_by,
        wait_s=wait,
        talk_s=talk,
    )
