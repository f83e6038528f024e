"""Call control on a real Asterisk, through the link alone: each command, its end, and the call as the model has it then."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from cti import settings
from cti.calls.call import Call, CallId, CallState, Leg, LegId, LegState, Recording
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.commands import (
    Alternate,
    BlindTransfer,
    CallCommand,
    CompleteTransfer,
    Conference,
    Consult,
    Done,
    Failed,
    FetchParked,
    Hangup,
    Hold,
    Originate,
    Park,
    Reconnect,
    Record,
    RecordingStep,
    Result,
    Retrieve,
    SendKeys,
)
from cti.telephony.link import News
from cti.telephony.make import make_link
from tests.testbed.asterisk import Asterisk
from tests.testbed.phone import PhoneCall
from tests.testbed.story import SUPPORT, Stage, connect

LIMIT_S = 10.0
_ids = itertools.count(1)


@dataclass(slots=True)
class Desk:
    """An agent's hand on a link: commands about the one call there is, and what the model makes of it."""

    link: AmiLink
    told: list[CallChanged] = field(default_factory=list)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, news: News) -> None:
        if isinstance(news, CallChanged):
            self.told.append(news)
        self._grown.set()

    async def until(self, reached: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                while not reached():
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            raise AssertionError(f"not {what}: {[(call.state, self.story()) for call in self.link.calls]}") from None

    async def becomes(self, state: CallState) -> Call:
        await self.until(lambda: self.link.calls and self.link.calls[0].state is state, str(state))
        return self.call

    @property
    def call(self) -> Call:
        (call,) = self.link.calls
        return call

    def leg(self, number: str = "2001") -> Leg:
        return [leg for leg in self.call.legs if leg.party.number == number and leg.is_live][-1]

    def speaks(self, number: str) -> bool:
        return any(leg.party.number == number and leg.state is LegState.CONNECTED for leg in self.call.legs)

    async def does(self, kind: type[CallCommand], *, leg: LegId | None = None, **more: object) -> Result:
        target = leg or self.leg().party.leg
        return await self.link.send(kind(id=f"c{next(_ids)}", call=self.call.id, leg=target, **more))

    def story(self) -> list[str]:
        """The kinds of events so far."""
        return [type(change.cause).__name__ for change in self.told]


@pytest.fixture
async def desk(asterisk: Asterisk, stage: Stage) -> AsyncIterator[Desk]:
    assert stage.pbx is asterisk  # its phones are there before the link is
    options = asterisk.options
    pbx = settings.Pbx(
        name="main",
        port=asterisk.ports.ami,
        dial_format="national",
        events_secret=SecretStr(options.events_secret),
        commands_secret=SecretStr(options.commands_secret),
    )
    desk = Desk(make_link(pbx, settings.Site(), settings.Toll()))
    running = asyncio.create_task(desk.link.run(desk.hear))
    await desk.until(lambda: desk.link.status.state == "connected", "connected")
    async with asyncio.timeout(LIMIT_S):
        while isinstance(await desk.link.send(nothing()), Failed):  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # until the command plane is connected too, which nothing announces
    yield desk
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def nothing() -> Hangup:
    """A leg that is gone is as good as hung up: Done, once somebody can be asked."""
    return Hangup(id=f"c{next(_ids)}", call=CallId("none"), leg=LegId("none"))


async def talking(stage: Stage, desk: Desk, dnis: str = SUPPORT) -> tuple[PhoneCall, PhoneCall]:
    caller, ann = await connect(stage, dnis)
    await desk.becomes(CallState.TALKING)
    return caller, ann


def done(result: Result) -> bool:
    assert isinstance(result, Done), result
    return True


def failed(result: Result) -> str:
    assert isinstance(result, Failed), result
    return result.reason


async def consulting(stage: Stage, desk: Desk) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    """Ann has the customer on hold and speaks with Bob."""
    caller, ann = await talking(stage, desk)
    assert done(await desk.does(Consult, to="2002"))
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await desk.until(lambda: desk.speaks("2002"), "consulting")
    return caller, ann, bob


# ---- without asking


async def test_a_blind_transfer_is_done_when_the_customer_is_handed_over(stage: Stage, desk: Desk) -> None:
    caller, ann = await talking(stage, desk)
    assert done(await desk.does(BlindTransfer, to="2002"))
    bob = await stage.agents["2002"].rings()
    await ann.until_over()
    bob.answer()
    call = await desk.becomes(CallState.TALKING)
    assert [(transfer.kind, transfer.to) for transfer in call.transfers] == [("blind", "2002")]
    assert not caller.is_over


@pytest.mark.parametrize("kind", [BlindTransfer, Consult])
async def test_a_transfer_to_a_number_that_is_none_leaves_the_call_alone(
    stage: Stage, desk: Desk, kind: type[CallCommand]
) -> None:
    caller, ann = await talking(stage, desk)
    assert failed(await desk.does(kind, to="9999")) == "no such extension"
    assert (caller.is_over, ann.is_over, desk.call.state) == (False, False, CallState.TALKING)
    assert not (await caller.voice.listen(0.3)).has_sound


async def test_a_leg_that_is_gone_fails_in_the_pbx_s_words(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    for kind in (BlindTransfer, Consult):
        assert failed(await desk.does(kind, leg=LegId("1.1"), to="2002")) == "Channel specified does not exist"
    for kind in (Hold, Retrieve, Park):
        assert failed(await desk.does(kind, leg=LegId("1.1"))) == "nobody is on the line"


# ---- after a consultation


async def test_a_consultation_is_done_when_the_colleague_s_phone_rings_and_completed_when_handed_over(
    stage: Stage, desk: Desk
) -> None:
    caller, ann = await talking(stage, desk)
    assert done(await desk.does(Consult, to="2002"))
    bob = await stage.agents["2002"].rings()
    assert desk.call.state is CallState.HELD
    assert (await caller.voice.listen(0.4)).has_sound
    bob.answer()
    await desk.until(lambda: desk.speaks("2002"), "consulting")
    assert done(await desk.does(CompleteTransfer))
    await ann.until_over()
    call = await desk.becomes(CallState.TALKING)
    assert [(transfer.kind, transfer.to) for transfer in call.transfers] == [("attended", "2002")]


async def test_a_colleague_who_is_busy_leaves_agent_and_customer_talking(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    stage.agents["2002"].refuse_with = 486
    assert failed(await desk.does(Consult, to="2002")) == "User busy"
    await desk.becomes(CallState.TALKING)


async def test_a_queue_is_consulted_once_it_takes_the_call(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    assert done(await desk.does(Consult, to="3005"))
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await desk.until(lambda: desk.speaks("2002"), "consulting")
    assert done(await desk.does(CompleteTransfer))
    await desk.becomes(CallState.TALKING)


async def test_back_to_the_customer(stage: Stage, desk: Desk) -> None:
    caller, ann, bob = await consulting(stage, desk)
    assert done(await desk.does(Reconnect))
    await bob.until_over()
    call = await desk.becomes(CallState.TALKING)
    assert (call.transfers, ann.is_over, caller.is_over) == ((), False, False)


async def test_back_to_the_customer_while_the_colleague_s_phone_rings(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    assert done(await desk.does(Consult, to="2002"))
    ringing = await stage.agents["2002"].rings()
    assert done(await desk.does(Reconnect))
    await ringing.until_over()
    await desk.becomes(CallState.TALKING)


async def test_to_and_fro_between_customer_and_colleague(stage: Stage, desk: Desk) -> None:
    caller, _, bob = await consulting(stage, desk)
    assert done(await desk.does(Alternate))
    await desk.becomes(CallState.TALKING)
    assert (await bob.voice.listen(0.4)).has_sound
    assert done(await desk.does(Alternate))
    await desk.becomes(CallState.HELD)
    assert (await caller.voice.listen(0.4)).has_sound
    assert done(await desk.does(Alternate))
    await desk.becomes(CallState.TALKING)
    assert done(await desk.does(Reconnect))
    await bob.until_over()
    assert desk.call.state is CallState.TALKING


async def test_all_three_and_then_the_agent_leaves(stage: Stage, desk: Desk) -> None:
    caller, ann, bob = await consulting(stage, desk)
    assert done(await desk.does(Conference))
    await desk.until(lambda: "Conferenced" in desk.story(), "three")
    ann.hang_up()
    await desk.until(lambda: [leg.party.number for leg in desk.call.live_legs()][1:] == ["2002"], "two")
    assert (caller.is_over, bob.is_over, desk.call.state) == (False, False, CallState.TALKING)


async def test_handed_over_while_the_colleague_s_phone_rings(stage: Stage, desk: Desk) -> None:
    _, ann = await talking(stage, desk)
    assert done(await desk.does(Consult, to="2002"))
    bob = await stage.agents["2002"].rings()
    assert done(await desk.does(CompleteTransfer))
    await ann.until_over()
    bob.answer()
    call = await desk.becomes(CallState.TALKING)
    assert [(transfer.kind, transfer.to) for transfer in call.transfers] == [("blonde", "2002")]


async def test_a_customer_who_hangs_up_meanwhile_cannot_be_handed_over(stage: Stage, desk: Desk) -> None:
    caller, ann, bob = await consulting(stage, desk)
    leg, call = desk.leg().party.leg, desk.call.id
    caller.hang_up()
    await desk.until(lambda: "Cleared" in desk.story(), "cleared")
    late = CompleteTransfer(id="late", call=call, leg=leg)
    assert failed(await desk.link.send(late)) == "nobody is on the line"
    for phone in (ann, bob):
        phone.hang_up()


async def test_a_consultation_on_the_phone_s_second_line_is_the_phone_s(stage: Stage, desk: Desk) -> None:
    """Asterisk's features know nothing of it; the phone's own button hands over."""
    caller, ann = await talking(stage, desk)
    ann.put_on_hold()
    await desk.becomes(CallState.HELD)
    second = stage.agents["2001"].dial("2002")
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await desk.until(lambda: desk.speaks("2002"), "consulting")
    first = next(leg for leg in desk.call.legs if leg.party.number == "2001").party.leg
    assert failed(await desk.does(CompleteTransfer, leg=first)) == "not_able"
    for phone in (second, caller):
        phone.hang_up()


# ---- hold


async def test_the_customer_hears_music_until_the_agent_is_back(stage: Stage, desk: Desk) -> None:
    caller, ann = await talking(stage, desk)
    assert not (await caller.voice.listen(0.3)).has_sound
    for _ in range(2):
        assert done(await desk.does(Hold))
        await desk.becomes(CallState.HELD)
        assert (await caller.voice.listen(0.4)).has_sound
        assert done(await desk.does(Retrieve))
        await desk.becomes(CallState.TALKING)
        assert not (await caller.voice.listen(0.3)).has_sound
    caller.hang_up()
    await ann.until_over()
    assert desk.story().count("Held") == desk.story().count("Retrieved") == 2


@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_who_hangs_up_during_a_hold_ends_the_call_at_once(stage: Stage, desk: Desk, who: str) -> None:
    caller, ann = await talking(stage, desk)
    assert done(await desk.does(Hold))
    leaver, other = (caller, ann) if who == "customer" else (ann, caller)
    leaver.hang_up()
    await other.until_over(1.0)
    await desk.until(lambda: not desk.link.calls, "cleared")
    assert desk.told[-1].after.ended_by == who
    assert desk.told[-1].after.hold_s > 0


async def test_a_held_customer_can_be_consulted_about_and_is_back_after_it(stage: Stage, desk: Desk) -> None:
    caller, _ = await talking(stage, desk)
    assert done(await desk.does(Hold))
    assert done(await desk.does(Consult, to="2002"))
    bob = await stage.agents["2002"].rings()
    bob.answer()
    assert (await caller.voice.listen(0.6)).has_sound
    assert done(await desk.does(Reconnect))
    await desk.becomes(CallState.TALKING)
    assert not (await caller.voice.listen(0.3)).has_sound
    assert done(await desk.does(Hold))
    await desk.becomes(CallState.HELD)


async def test_a_held_customer_can_be_handed_over(stage: Stage, desk: Desk) -> None:
    _, ann = await talking(stage, desk)
    assert done(await desk.does(Hold))
    assert done(await desk.does(BlindTransfer, to="2002"))
    bob = await stage.agents["2002"].rings()
    await ann.until_over()
    bob.answer()
    await desk.becomes(CallState.TALKING)


async def test_a_held_customer_can_be_parked(stage: Stage, desk: Desk) -> None:
    _, ann = await talking(stage, desk)
    assert done(await desk.does(Hold))
    assert done(await desk.does(Park))
    await ann.until_over()
    assert (await desk.becomes(CallState.PARKED)).parked_in


async def test_hold_behind_a_local_channel_that_stays(stage: Stage, desk: Desk) -> None:
    caller, _ = await talking(stage, desk, "0800100420")
    assert done(await desk.does(Hold))
    await desk.becomes(CallState.HELD)
    assert (await caller.voice.listen(0.4)).has_sound
    assert done(await desk.does(Retrieve))
    await desk.becomes(CallState.TALKING)


# ---- keys


async def test_keys_reach_the_customer_one_after_the_other(stage: Stage, desk: Desk) -> None:
    caller, ann = await talking(stage, desk)
    listening = asyncio.create_task(caller.voice.listen(3.0))
    own = asyncio.create_task(ann.voice.listen(3.0))
    assert done(await desk.does(SendKeys, keys="1559*0#"))
    assert (await listening).keys == "1559*0#"
    assert (await own).keys == ""


# ---- parking


async def test_a_parked_customer_waits_in_a_space_and_is_fetched_from_there(stage: Stage, desk: Desk) -> None:
    caller, ann = await talking(stage, desk)
    assert done(await desk.does(Park))
    await ann.until_over()
    space = (await desk.becomes(CallState.PARKED)).parked_in
    assert space.startswith("7")
    fetching = asyncio.create_task(desk.link.send(FetchParked(id="fetch", device="PJSIP/2003", space=space)))
    cho = await stage.agents["2003"].rings()
    assert (desk.call.state, desk.call.parked_in) == (CallState.PARKED, space)
    cho.answer()
    assert done(await fetching)
    call = await desk.becomes(CallState.TALKING)
    assert (call.parked_in, call.live_legs()[-1].party.number, caller.is_over) == ("", "2003", False)


async def test_nobody_s_phone_rings_for_an_empty_space(stage: Stage, desk: Desk) -> None:
    fetch = FetchParked(id="fetch", device="PJSIP/2003", space="705")
    assert failed(await desk.link.send(fetch)) == "nobody is parked there"
    assert not stage.agents["2003"].is_ringing
    assert desk.told == []


async def test_who_does_not_pick_up_to_fetch_leaves_the_customer_parked_and_no_call_behind(
    stage: Stage, desk: Desk
) -> None:
    await talking(stage, desk)
    assert done(await desk.does(Park))
    space = (await desk.becomes(CallState.PARKED)).parked_in
    stage.agents["2003"].refuse_with = 486
    fetch = FetchParked(id="fetch", device="PJSIP/2003", space=space)
    assert failed(await desk.link.send(fetch)) == "User busy"
    assert (desk.call.state, desk.call.parked_in) == (CallState.PARKED, space)


# ---- recording


async def test_a_recording_is_begun_paused_resumed_and_stopped(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    for step, becomes in (
        (RecordingStep.START, Recording.ON),
        (RecordingStep.PAUSE, Recording.PAUSED),
        (RecordingStep.RESUME, Recording.ON),
        (RecordingStep.STOP, Recording.OFF),
        (RecordingStep.START, Recording.ON),
    ):
        assert done(await desk.does(Record, step=step))
        assert desk.call.recording is becomes
    assert desk.story()[-5:] == ["RecordingChanged"] * 5
    files = list((stage.pbx.home / "spool" / "monitor").glob("cti-*.wav"))
    assert len(files) == len({file.name for file in files}) >= 1


async def test_what_is_not_recorded_cannot_be_paused(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    assert failed(await desk.does(Record, step=RecordingStep.PAUSE)) == "nobody is on the line"


async def test_a_recording_goes_on_with_whom_the_customer_is_handed_to(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    assert done(await desk.does(Record, step=RecordingStep.START))
    assert done(await desk.does(BlindTransfer, to="2002"))
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await desk.becomes(CallState.TALKING)
    assert desk.call.recording is Recording.ON
    assert done(await desk.does(Record, leg=desk.leg("2002").party.leg, step=RecordingStep.STOP))
    assert desk.call.recording is Recording.OFF


# ---- click-to-dial


async def test_the_call_is_known_before_the_agent_s_phone_rings(stage: Stage, desk: Desk) -> None:
    dialling = asyncio.create_task(
        desk.link.send(Originate(id="dial", device="PJSIP/2001", to="0223334444", caller_id="0223334444"))
    )
    ann = await stage.agents["2001"].rings()
    await desk.until(lambda: "Delivered" in desk.story(), "rung")
    first = desk.told[0]
    assert (desk.story()[:2], first.after.dnis, first.after.direction, first.after.ani) == (
        ["Offered", "Delivered"],
        "0223334444",
        "outbound",
        "2001",
    )
    ann.answer()
    assert done(await dialling)


async def test_a_call_to_the_outside_is_controlled_alike(stage: Stage, desk: Desk) -> None:
    """There the agent's leg called, and the customer's was called."""
    dialling = asyncio.create_task(desk.link.send(Originate(id="dial", device="PJSIP/2001", to="0223334444")))
    ann = await stage.agents["2001"].rings()
    ann.answer()
    customer = await stage.carrier.rings()
    assert done(await dialling)
    customer.answer()
    await desk.becomes(CallState.TALKING)
    assert done(await desk.does(Hold))
    await desk.becomes(CallState.HELD)
    assert (await customer.voice.listen(0.4)).has_sound
    assert done(await desk.does(Retrieve))
    await desk.becomes(CallState.TALKING)
    assert done(await desk.does(Record, step=RecordingStep.START))
    listening = asyncio.create_task(customer.voice.listen(1.5))
    assert done(await desk.does(SendKeys, keys="42"))
    assert (await listening).keys == "42"
    assert done(await desk.does(Consult, to="2002"))
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await desk.until(lambda: desk.speaks("2002"), "consulting")
    assert done(await desk.does(CompleteTransfer))
    await ann.until_over()
    call = await desk.becomes(CallState.TALKING)
    assert (call.direction, call.recording, customer.is_over) == ("outbound", Recording.ON, False)


async def test_an_emergency_number_is_dialled_as_it_is(stage: Stage, desk: Desk) -> None:
    dialling = asyncio.create_task(desk.link.send(Originate(id="dial", device="PJSIP/2001", to="119")))
    (await stage.agents["2001"].rings()).answer()
    assert done(await dialling)
    called = await stage.carrier.rings()
    assert called.invite_packet is not None
    assert " sip:119@" in called.invite_packet.start


async def test_a_command_of_the_same_id_is_done_once(stage: Stage, desk: Desk) -> None:
    await talking(stage, desk)
    park = Park(id="once", call=desk.call.id, leg=desk.leg().party.leg)
    first, again = await asyncio.gather(desk.link.send(park), desk.link.send(park))
    assert done(first)
    assert first == again == await desk.link.send(park)
    assert desk.story().count("Diverted") == 1
