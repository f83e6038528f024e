"""Stories of the queue: who waits, whose phone rings, who answers. The docstring is the trace's description."""

import asyncio
from typing import Any

from tests.testbed.phone import PhoneCall
from tests.testbed.story import CALLER, Stage, Transfer, TrueCall, Truth, connect, hang_up, queued

SALES = "0800100200"
SHORT = "0800100300"
OVERFLOW = "0800100310"
KEYED = "0800100400"
VIA_LOCAL = "0800100410"
VIA_LOCAL_N = "0800100420"
EMPTY = "0800100440"
DIRECT = "0800100500"
IVR = "0800100600"
ASKED_AFTER = "0800100610"
CONFERENCE = "0800100800"
SECOND_CALLER = "0922222222"


async def plain_inbound_caller_hangs_up(stage: Stage) -> Truth:
    """A caller reaches the queue, an agent answers, they talk, the caller hangs up."""
    caller, agent = await connect(stage, name="Wang")
    await hang_up(caller, agent)
    return Truth((queued(caller, agent, name="Wang", answered_by=("2001",), rang=("2001",), ended_by="caller"),))


async def plain_inbound_agent_hangs_up(stage: Stage) -> Truth:
    """A caller reaches the queue, an agent answers, they talk, the agent hangs up."""
    caller, agent = await connect(stage)
    await hang_up(agent, caller)
    return Truth((queued(caller, agent, answered_by=("2001",), rang=("2001",), ended_by="agent"),))


async def abandoned_in_queue(stage: Stage) -> Truth:
    """A caller waits in a queue without agents and hangs up."""
    caller = stage.caller(EMPTY)
    await caller.until_answered()
    await hang_up(caller, after_s=2)
    return Truth((queued(caller, dnis=EMPTY, queue="empty", outcome="abandoned", ended_by="caller"),))


async def abandoned_while_ringing(stage: Stage) -> Truth:
    """The caller hangs up while the agent's phone rings."""
    caller = stage.caller()
    ringing = await stage.agents["2001"].rings()
    await hang_up(caller, ringing)
    return Truth((queued(caller, outcome="abandoned", rang=("2001",), ended_by="caller"),))


async def ring_no_answer_then_other(stage: Stage) -> Truth:
    """The first agent lets it ring, the second answers."""
    caller = stage.caller()
    first = await stage.agents["2001"].rings()
    await first.until_over()
    second = await stage.agents["2002"].rings()
    await asyncio.sleep(0.5)
    second.answer()
    await hang_up(caller, second)
    return Truth((queued(caller, second, answered_by=("2002",), rang=("2001", "2002"), ended_by="caller"),))


async def declined_then_other(stage: Stage) -> Truth:
    """The first agent declines (603), the second answers."""
    caller = stage.caller()
    first = await stage.agents["2001"].rings()
    await asyncio.sleep(0.5)
    first.refuse(603)
    second = await stage.agents["2002"].rings()
    await asyncio.sleep(0.5)
    second.answer()
    await hang_up(caller, second)
    return Truth((queued(caller, second, answered_by=("2002",), rang=("2001", "2002"), ended_by="caller"),))


async def busy_then_other(stage: Stage) -> Truth:
    """The first agent's phone is busy (486, it never rings), the second answers."""
    stage.agents["2001"].refuse_with = 486
    caller = stage.caller()
    second = await stage.agents["2002"].rings()
    await asyncio.sleep(0.5)
    second.answer()
    await hang_up(caller, second)
    return Truth((queued(caller, second, answered_by=("2002",), rang=("2002",), ended_by="caller"),))


async def queue_timeout(stage: Stage) -> Truth:
    """Nobody answers within the queue's time and the PBX ends the call."""
    caller = stage.caller(SHORT)
    await caller.until_over()
    return Truth(
        (queued(caller, dnis=SHORT, queue="short", outcome="queue_timeout", rang=("2001", "2001"), ended_by="pbx"),)
    )


async def queue_timeout_then_second_queue(stage: Stage) -> Truth:
    """Nobody of the first queue answers in its time; the dialplan goes on to a second queue, where an agent answers."""
    caller = stage.caller(OVERFLOW)
    agent = await stage.agents["2002"].rings()
    await asyncio.sleep(0.5)
    agent.answer()
    await hang_up(caller, agent)
    rang = ("2001", "2001", "2002")
    truth = queued(caller, agent, dnis=OVERFLOW, queue="billing", answered_by=("2002",), rang=rang, ended_by="caller")
    return Truth((truth,), "One call through two queues: short (EXITWITHTIMEOUT), then billing.")


async def queue_exit_by_key(stage: Stage) -> Truth:
    """The caller presses 0 while waiting and leaves the queue."""
    caller = stage.caller(KEYED)
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(0.7)
    await caller.press("0")
    await ringing.until_over()
    await caller.until_over()
    return Truth((queued(caller, dnis=KEYED, queue="keyed", outcome="queue_exit", rang=("2001",), ended_by="pbx"),))


async def ringall_three_phones(stage: Stage) -> Truth:
    """Three phones ring at once, the second answers."""
    caller = stage.caller(SALES)
    ann, bob, cho = [await stage.agents[number].rings() for number in ("2001", "2002", "2003")]
    await asyncio.sleep(0.7)
    bob.answer()
    await ann.until_over()
    await cho.until_over()
    await hang_up(caller, bob)
    rang = ("2001", "2002", "2003")
    return Truth((queued(caller, bob, dnis=SALES, queue="sales", answered_by=("2002",), rang=rang, ended_by="caller"),))


async def two_callers_at_once(stage: Stage) -> Truth:
    """Two callers in one queue at the same time, each gets an agent."""
    one, two = stage.caller(), stage.caller(number=SECOND_CALLER)
    ann, bob = await stage.agents["2001"].rings(), await stage.agents["2002"].rings()
    await asyncio.sleep(0.5)
    ann.answer()
    await asyncio.sleep(0.5)
    bob.answer()
    await hang_up(one)
    await hang_up(two, ann, bob)
    note = "Which caller reached which agent is for the queue_log to say."
    return Truth(
        tuple(
            TrueCall("inbound", number, "0800100100", "answered", "support", ended_by="caller")
            for number in (CALLER, SECOND_CALLER)
        ),
        note,
    )


async def second_caller_waits_for_the_same_agent(stage: Stage) -> Truth:
    """One agent is logged on; the second caller waits until the first has hung up."""
    await stage.cli("queue pause member PJSIP/2002 queue support")
    one, ann = await connect(stage)
    two = stage.caller(number=SECOND_CALLER)
    await asyncio.sleep(1.5)
    one.hang_up()
    again = await stage.agents["2001"].rings()
    again.answer()
    await hang_up(two, again)
    answered: dict[str, Any] = {"answered_by": ("2001",), "rang": ("2001",), "ended_by": "caller"}
    return Truth((queued(one, ann, **answered), queued(two, again, ani=SECOND_CALLER, **answered)))


async def agent_by_local_channel(stage: Stage) -> Truth:
    """The queue's member is a Local channel that optimises itself away."""
    caller, agent = await connect(stage, VIA_LOCAL)
    await hang_up(caller, agent)
    return Truth(
        (
            queued(
                caller,
                agent,
                dnis=VIA_LOCAL,
                queue="viaLocal",
                answered_by=("2001",),
                rang=("2001",),
                ended_by="caller",
            ),
        )
    )


async def agent_by_local_channel_silent(stage: Stage) -> Truth:
    """As before, but nobody speaks: Asterisk optimises a Local channel away only when voice passes, so it stays."""
    stage.silence()
    return await agent_by_local_channel(stage)


async def agent_by_local_channel_n(stage: Stage) -> Truth:
    """The queue's member is a Local channel that stays (/n)."""
    caller, agent = await connect(stage, VIA_LOCAL_N)
    await hang_up(caller, agent)
    return Truth(
        (
            queued(
                caller,
                agent,
                dnis=VIA_LOCAL_N,
                queue="viaLocalN",
                answered_by=("2001",),
                rang=("2001",),
                ended_by="caller",
            ),
        )
    )


async def agent_by_local_channel_no_answer(stage: Stage) -> Truth:
    """The member behind a Local channel does not answer, then does."""
    caller = stage.caller(VIA_LOCAL)
    first = await stage.agents["2001"].rings()
    await first.until_over()
    again = await stage.agents["2001"].rings()
    again.answer()
    await hang_up(caller, again)
    return Truth(
        (
            queued(
                caller,
                again,
                dnis=VIA_LOCAL,
                queue="viaLocal",
                answered_by=("2001",),
                rang=("2001", "2001"),
                ended_by="caller",
            ),
        )
    )


async def agent_paused_during_call(stage: Stage) -> Truth:
    """The agent takes a break (QueuePause with a reason) while talking; comes back after."""
    caller, agent = await connect(stage)
    await stage.commands.action("QueuePause", {"Interface": "PJSIP/2001", "Paused": "true", "Reason": "lunch"})
    await hang_up(caller, agent)
    await stage.commands.action("QueuePause", {"Interface": "PJSIP/2001", "Paused": "false"})
    return Truth((queued(caller, agent, answered_by=("2001",), rang=("2001",), ended_by="caller"),))


async def agent_logs_off_during_call(stage: Stage) -> Truth:
    """An agent logs on (QueueAdd), takes a call, and logs off (QueueRemove) while talking."""
    member = {"Queue": "empty", "Interface": "PJSIP/2004"}
    await stage.commands.action("QueueAdd", member | {"MemberName": "Dee", "StateInterface": "PJSIP/2004"})
    caller, agent = await connect(stage, EMPTY, "2004")
    await stage.commands.action("QueueRemove", member)
    await hang_up(caller, agent)
    return Truth(
        (queued(caller, agent, dnis=EMPTY, queue="empty", answered_by=("2004",), rang=("2004",), ended_by="caller"),)
    )


async def agent_logs_on_while_caller_waits(stage: Stage) -> Truth:
    """The queue has nobody; an agent logs on and gets the waiting caller."""
    caller = stage.caller(EMPTY)
    await caller.until_answered()
    await asyncio.sleep(1.5)
    await stage.commands.action("QueueAdd", {"Queue": "empty", "Interface": "PJSIP/2004", "MemberName": "Dee"})
    agent = await stage.agents["2004"].rings()
    agent.answer()
    await hang_up(caller, agent)
    return Truth(
        (queued(caller, agent, dnis=EMPTY, queue="empty", answered_by=("2004",), rang=("2004",), ended_by="caller"),)
    )


async def pickup_of_a_queue_call(stage: Stage) -> Truth:
    """The queue rings one agent's phone, a colleague picks the call up by key."""
    caller = stage.caller()
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(0.5)
    colleague = stage.agents["2003"].dial("*92001")
    await colleague.until_answered()
    await ringing.until_over()
    await hang_up(caller, colleague, after_s=1.5)
    pickup = (Transfer("pickup", "2001", "2003"),)
    return Truth(
        (queued(caller, colleague, answered_by=("2003",), rang=("2001",), ended_by="caller", transfers=pickup),)
    )


async def pickup_of_a_direct_call(stage: Stage) -> Truth:
    """A call straight to an extension is picked up by a colleague of the same group (*8)."""
    caller = stage.caller(DIRECT)
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(0.5)
    colleague = stage.agents["2003"].dial("*8")
    await colleague.until_answered()
    await ringing.until_over()
    await hang_up(caller, colleague, after_s=1.5)
    pickup = (Transfer("pickup", "2001", "2003"),)
    return Truth(
        (
            queued(
                caller,
                colleague,
                dnis=DIRECT,
                queue="",
                answered_by=("2003",),
                rang=("2001",),
                ended_by="caller",
                transfers=pickup,
            ),
        )
    )


async def forwarded_at_the_phone(stage: Stage) -> Truth:
    """The agent's phone sends the queue's call on to a colleague (302), who answers."""
    caller = stage.caller()
    first = await stage.agents["2001"].rings()
    first.forward("2003")
    second = await stage.agents["2003"].rings()
    await asyncio.sleep(0.5)
    second.answer()
    await hang_up(caller, second)
    forward = (Transfer("forward", "2001", "2003"),)
    return Truth(
        (queued(caller, second, answered_by=("2003",), rang=("2001", "2003"), ended_by="caller", transfers=forward),)
    )


async def direct_inbound_answered(stage: Stage) -> Truth:
    """A call straight to an agent's extension, no queue; answered."""
    caller, agent = await connect(stage, DIRECT)
    await hang_up(caller, agent)
    return Truth(
        (queued(caller, agent, dnis=DIRECT, queue="", answered_by=("2001",), rang=("2001",), ended_by="caller"),)
    )


async def direct_inbound_not_answered(stage: Stage) -> Truth:
    """A call straight to an agent's extension, nobody answers, the PBX ends it."""
    caller = stage.caller(DIRECT)
    ringing = await stage.agents["2001"].rings()
    await ringing.until_over()
    await caller.until_over()
    return Truth((queued(caller, dnis=DIRECT, queue="", outcome="no_answer", rang=("2001",), ended_by="pbx"),))


async def call_waiting(stage: Stage) -> Truth:
    """A second caller reaches an agent who talks: the first is put on hold, the second answered, then the first
    again.
    """
    one, first = await connect(stage, DIRECT)
    two = stage.caller(DIRECT, number=SECOND_CALLER)
    second = await stage.agents["2001"].rings()
    await asyncio.sleep(0.5)
    first.put_on_hold()
    second.answer()
    await hang_up(two, second)
    first.retrieve()
    await hang_up(one, first)
    more: dict[str, Any] = {
        "dnis": DIRECT,
        "queue": "",
        "answered_by": ("2001",),
        "rang": ("2001",),
        "ended_by": "caller",
    }
    return Truth((queued(one, first, holds=1, **more), queued(two, second, ani=SECOND_CALLER, **more)))


async def customer_code_from_ivr(stage: Stage) -> Truth:
    """The caller keys a customer code into the IVR before the queue; it travels as variable and as user event."""
    caller, agent = await _keyed_code(stage, "4711", "2001", CALLER)
    await hang_up(caller, agent)
    return Truth(
        (
            queued(
                caller, agent, dnis=IVR, customer_code="4711", answered_by=("2001",), rang=("2001",), ended_by="caller"
            ),
        )
    )


async def hung_up_in_the_ivr(stage: Stage) -> Truth:
    """The caller hangs up while the IVR asks; no phone ever rings."""
    caller = stage.caller(IVR)
    await caller.until_answered()
    await asyncio.sleep(1)
    caller.hang_up()
    await caller.until_over()
    return Truth((queued(caller, dnis=IVR, queue="", outcome="unattended", ended_by="caller"),))


async def asked_after_the_conversation(stage: Stage) -> Truth:
    """The agent hangs up first; the caller stays on the line, is asked how it was, and answers."""
    caller, agent = await connect(stage, ASKED_AFTER)
    agent.hang_up()
    await asyncio.sleep(1)
    await caller.press("5")
    await caller.until_over()
    more: dict[str, Any] = {"answered_by": ("2001",), "rang": ("2001",), "ended_by": "agent"}
    return Truth(
        (queued(caller, agent, dnis=ASKED_AFTER, **more | {"talk_s": round(agent.ended_at - agent.answered_at, 2)}),)
    )


async def supervisor_listens(stage: Stage) -> Truth:
    """A supervisor (2006) listens to the agent's call (ChanSpy) for a while and leaves before it ends."""
    caller, agent = await connect(stage)
    ear = stage.agents["2006"].dial("8101")
    await ear.until_answered()
    await asyncio.sleep(1.5)
    ear.hang_up()
    await hang_up(caller, agent)
    listening = TrueCall(
        "internal", "2006", "8101", "answered", ended_by="agent", note="listens; no party of the customer's call"
    )
    return Truth((queued(caller, agent, answered_by=("2001",), rang=("2001",), ended_by="caller"), listening))


async def conference_room(stage: Stage) -> Truth:
    """A caller and two agents meet in a ConfBridge room."""
    caller = stage.caller(CONFERENCE)
    await caller.until_answered()
    ann, bob = stage.agents["2001"].dial("8000"), stage.agents["2002"].dial("8000")
    await ann.until_answered()
    await bob.until_answered()
    await asyncio.sleep(1.5)
    await hang_up(caller)
    ann.hang_up()
    bob.hang_up()
    inbound = TrueCall(
        "inbound",
        CALLER,
        CONFERENCE,
        "answered",
        ended_by="caller",
        talk_s=round(caller.ended_at - caller.answered_at, 2),
    )
    internal = (TrueCall("internal", number, "8000", "answered", ended_by="agent") for number in ("2001", "2002"))
    return Truth((inbound, *internal), "All three meet in room 8000 (ConfBridge); the calls have three linkedids.")


async def asterisk_killed_in_mid_call(stage: Stage) -> Truth:
    """Asterisk is killed (-9) while two people talk and one waits, and started again; then a new call."""
    caller, agent = await connect(stage)
    waiting = stage.caller(EMPTY, number=SECOND_CALLER)
    await waiting.until_answered()
    await asyncio.sleep(1)
    await asyncio.to_thread(stage.pbx.kill)
    for lost in (caller, agent, waiting):
        lost.abandon()
    await asyncio.to_thread(stage.pbx.start)
    await stage.reconnect()
    after, again = await connect(stage, number="0933333333")
    await hang_up(after, again)
    gone: dict[str, Any] = {"outcome": "pbx_restart", "ended_by": "pbx"}
    return Truth(
        (
            queued(caller, agent, answered_by=("2001",), rang=("2001",), **gone),
            queued(waiting, dnis=EMPTY, queue="empty", ani=SECOND_CALLER, **gone),
            queued(after, again, ani="0933333333", answered_by=("2001",), rang=("2001",), ended_by="caller"),
        ),
        "Two connections in one file: the second banner follows the first connection's last byte.",
    )


async def asterisk_stopped_in_mid_call(stage: Stage) -> Truth:
    """An operator stops Asterisk (`core stop now`) while two people talk, and starts it again."""
    caller, agent = await connect(stage)
    await asyncio.to_thread(stage.pbx.stop)
    for lost in (caller, agent):
        lost.abandon()
    await asyncio.to_thread(stage.pbx.start)
    await stage.reconnect()
    after, again = await connect(stage, number="0933333333")
    await hang_up(after, again)
    return Truth(
        (
            queued(caller, agent, outcome="pbx_restart", answered_by=("2001",), rang=("2001",), ended_by="pbx"),
            queued(after, again, ani="0933333333", answered_by=("2001",), rang=("2001",), ended_by="caller"),
        )
    )


async def connection_lost_in_mid_call(stage: Stage) -> Truth:
    """Our connection drops for three seconds: one call ends meanwhile, one goes on, one begins, one begins and ends."""
    one, ann = await connect(stage)
    two, bob = await _keyed_code(stage, "4711", "2002", SECOND_CALLER)
    await stage.recorder.disconnect()
    await hang_up(one, ann)
    short = stage.caller(EMPTY, number="0944444444")
    await hang_up(short, after_s=0.8)
    three = stage.caller(number="0933333333")
    again = await stage.agents["2001"].rings()
    again.answer()
    await asyncio.sleep(1)
    await stage.recorder.connect()
    await hang_up(two, bob)
    await hang_up(three, again)
    ended: dict[str, Any] = {"ended_by": "caller"}
    return Truth(
        (
            queued(one, ann, answered_by=("2001",), rang=("2001",), **ended),
            queued(
                two,
                bob,
                ani=SECOND_CALLER,
                dnis=IVR,
                customer_code="4711",
                answered_by=("2002",),
                rang=("2002",),
                **ended,
            ),
            queued(short, ani="0944444444", dnis=EMPTY, queue="empty", outcome="abandoned", **ended),
            queued(three, again, ani="0933333333", answered_by=("2001",), rang=("2001",), **ended),
        ),
        "Two connections in one file. The third caller (0944444444) is in neither of them.",
    )


async def _keyed_code(stage: Stage, code: str, agent: str, number: str) -> tuple[PhoneCall, PhoneCall]:
    """A caller keys a customer code into the IVR and that agent answers."""
    caller = stage.caller(IVR, number=number)
    await caller.until_answered()
    await asyncio.sleep(1)
    await caller.press(code)
    ringing = await stage.agents[agent].rings()
    ringing.answer()
    await asyncio.sleep(1)
    return caller, ringing
