"""What agents ask of a PBX: allowed or not, whose phone, which PBX, and the answer back to the desktop."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from cti.agents.agent import AgentId, AgentRole
from cti.calls.call import CallId, PbxName, Recording
from cti.calls.events import Diverted, Held, RecordingChanged
from cti.errors import Conflict, NotFound, NotNow, NumberRefused, PbxUnavailable, RequestError
from cti.screenpop.actions import ActionName
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.switchboard import Switchboard, TollGuard
from cti.switchboard.recordings import AGAIN_S
from cti.telephony.commands import (
    Alternate,
    Answer,
    BlindTransfer,
    CallCommand,
    CompleteTransfer,
    Conference,
    Consult,
    Failed,
    FetchParked,
    Hangup,
    Hold,
    Originate,
    Park,
    Reconnect,
    Record,
    RecordingStep,
    Retrieve,
    SendKeys,
)
from cti.toll import TollRules, Why
from tests.unit.screenpop.fakes import Clock, PaperDesktop
from tests.unit.screenpop.stories import AGENTS, JON, MARA, Story, at
from tests.unit.switchboard.paper import PaperLink

SUE = replace(JON, id=AgentId("sue"), name="Sue Park", role=AgentRole.SUPERVISOR, extension="", device="")
RULES = TollRules(country="DE", emergency_numbers=frozenset({"110", "112"}), calls_per_hour=3)
NUMBER = "030 5551234"
A = ActionName


class Desk:
    """A switchboard over PBXs north and main, and Mara's desktop."""

    def __init__(self, **more: Any) -> None:
        self.clock = Clock()
        self.hub = Hub(HubSettings(site=Site("DE", {})), clock=self.clock)
        self.hub.roster((*AGENTS, SUE))
        self.north, self.main = PaperLink(PbxName("north")), PaperLink(PbxName("main"))
        self.links = {link.name: link for link in (self.north, self.main)}
        self.hub.listeners.abilities = lambda call, agent: self.links[call.pbx].abilities(agent.device)
        self.guard = TollGuard(RULES)
        self.board = Switchboard(self.links, self.hub, self.guard, clock=self.clock, **more)
        self.desktop = PaperDesktop(self.hub, MARA.id).connect()

    async def told(self) -> list[tuple[str, str, str]]:
        await asyncio.gather(*self.board._running)
        return [
            (one["command"], one["status"], one["reason"]) for one in self.desktop.read() if one["type"] == "command"
        ]

    def talking(self, name: str = "1") -> Story:
        story = Story(name)
        for change in (story.offered(), story.rings(MARA), story.answers(MARA)):
            self.hub.call_changed(change)
        return story

    def recording(self, story: Story, recording: Recording) -> None:
        self.hub.call_changed(story.tell(RecordingChanged(call=story.id, at=at(60), recording=recording)))

    def parks(self, space: str = "701") -> Story:
        story = self.talking()
        self.hub.call_changed(story.tell(Diverted(call=story.id, at=at(50), cause="parked", to=space)))
        return story


@pytest.fixture
async def desk() -> Desk:
    return Desk()


# ---- calling


async def test_click_to_dial_rings_one_s_own_phone(desk: Desk) -> None:
    await desk.board.originate(MARA, "030 / 555 12-34", "dial-1")
    assert await desk.told() == [("dial-1", "done", "")]
    assert desk.north.sent == [Originate(id="dial-1", device="PJSIP/1001", to="+49305551234")]


async def test_a_failure_is_told_in_the_pbx_s_words(desk: Desk) -> None:
    desk.north.answer = Failed(command="dial-1", reason="User busy")
    await desk.board.originate(MARA, NUMBER, "dial-1")
    assert await desk.told() == [("dial-1", "failed", "User busy")]


async def test_the_same_id_again_is_the_same_command(desk: Desk) -> None:
    for _ in range(3):
        await desk.board.originate(MARA, NUMBER, "dial-1")
    assert len(await desk.told()) == 1
    assert len(desk.north.sent) == 1


async def test_the_id_of_somebody_else_s_command_cannot_be_used(desk: Desk) -> None:
    await desk.board.originate(MARA, NUMBER, "dial-1")
    with pytest.raises(Conflict):
        await desk.board.originate(JON, NUMBER, "dial-1")


async def test_what_the_link_refuses_is_told_to_the_asker_and_not_sent(desk: Desk) -> None:
    desk.north.refusal = "device: none"
    with pytest.raises(RequestError, match="none"):
        await desk.board.originate(MARA, NUMBER, "dial-1")
    assert desk.north.sent == []


async def test_who_has_no_phone_cannot_call(desk: Desk) -> None:
    with pytest.raises(Conflict):
        await desk.board.originate(replace(MARA, device=""), NUMBER, "dial-1")


async def test_the_pbx_that_has_the_phone_in_a_call_is_asked(desk: Desk) -> None:
    desk.main.calls = (desk.talking().call,)
    await desk.board.originate(MARA, NUMBER, "dial-1")
    await desk.told()
    assert (len(desk.north.sent), len(desk.main.sent)) == (0, 1)


async def test_a_pbx_that_is_up_is_asked_before_one_that_is_not(desk: Desk) -> None:
    desk.north.state = "lost"
    await desk.board.originate(MARA, NUMBER, "dial-1")
    await desk.told()
    assert len(desk.main.sent) == 1


async def test_with_no_pbx_up_nothing_is_accepted(desk: Desk) -> None:
    desk.north.state = desk.main.state = "lost"
    with pytest.raises(PbxUnavailable):
        await desk.board.originate(MARA, NUMBER, "dial-1")
    with pytest.raises(PbxUnavailable):
        await Switchboard({}, desk.hub, desk.guard).originate(MARA, NUMBER, "dial-1")


# ---- the toll guard


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("", "not_a_number"),
        ("2002&PJSIP/trunk/0900", "not_a_number"),
        ("0900;x=1", "not_a_number"),
        ("+19005551234", "country_not_allowed"),
        ("0900 1234567", "premium"),
    ],
)
async def test_56_toll_guard_a_number_that_may_not_be_called_never_reaches_the_pbx(
    desk: Desk, to: str, code: str
) -> None:
    story = desk.talking()
    asks = [
        desk.board.originate(MARA, to, "dial-1"),
        desk.board.carry_out(MARA, story.id, A.TRANSFER, "move-1", to=to),
        desk.board.carry_out(MARA, story.id, A.CONSULT, "ask-1", to=to),
    ]
    for ask in asks:
        with pytest.raises(NumberRefused) as refused:
            await ask
        assert refused.value.code == code
    assert desk.north.sent == desk.main.sent == []


async def test_56_the_first_refusal_is_logged_counted_and_told_to_supervisors(desk: Desk) -> None:
    boss = PaperDesktop(desk.hub, SUE.id).connect()
    with capture_logs() as lines, pytest.raises(NumberRefused):
        await desk.board.originate(MARA, "0900 1234567", "dial-1")
    (line,) = (one for one in lines if one["event"] == "number_refused")
    assert (line["agent"], line["why"], line["number"]) == ("mara", "premium", "••••••••567")
    assert desk.guard.refused == {Why.PREMIUM: 1}
    told = [(one["kind"], one["agent_name"], one["text"]) for one in boss.read() if one["type"] == "notice"]
    assert told == [("refused_number", "Mara Lind", "premium")]


async def test_56_calls_transfers_and_consultations_are_counted_together_for_an_hour(desk: Desk) -> None:
    story = desk.talking()
    await desk.board.originate(MARA, NUMBER, "dial-1")
    await desk.board.carry_out(MARA, story.id, A.TRANSFER, "move-1", to=NUMBER)
    await desk.board.carry_out(MARA, story.id, A.CONSULT, "ask-1", to=NUMBER)
    with pytest.raises(NumberRefused) as refused:
        await desk.board.originate(MARA, NUMBER, "dial-2")
    assert refused.value.code == "too_many"
    await desk.board.originate(JON, NUMBER, "dial-3")
    await desk.board.originate(MARA, "112", "dial-4")
    await desk.board.carry_out(MARA, story.id, A.TRANSFER, "move-2", to="1002")
    desk.clock.goes(3600)
    await desk.board.originate(MARA, NUMBER, "dial-5")
    assert len(desk.north.sent) + len(desk.main.sent) == 0
    await desk.told()
    assert len(desk.north.sent) + len(desk.main.sent) == 7


async def test_h29_emergency_numbers_are_never_counted(desk: Desk) -> None:
    for number in range(9):
        await desk.board.originate(MARA, "112", f"dial-{number}")
    await desk.board.originate(MARA, NUMBER, "dial-9")
    await desk.told()
    assert len(desk.north.sent) == 10


async def test_looking_at_a_number_counts_nothing_and_alerts_nobody(desk: Desk) -> None:
    with capture_logs() as lines:
        for _ in range(9):
            desk.board.number(MARA, NUMBER)
            desk.board.number(MARA, "0900 1234567")
    await desk.board.originate(MARA, NUMBER, "dial-1")
    assert not [one for one in lines if one["event"] == "number_refused"]


# ---- controlling a call


def of(story: Story, name: str) -> dict[str, Any]:
    return {"id": name, "call": story.id, "leg": story.phone(MARA).leg}


async def test_hanging_up_ends_one_s_own_leg(desk: Desk) -> None:
    story = desk.talking()
    await desk.board.carry_out(MARA, story.id, A.HANGUP, "end-1")
    assert await desk.told() == [("end-1", "done", "")]
    assert desk.main.sent == [Hangup(**of(story, "end-1"))]


@pytest.mark.parametrize(
    ("action", "said", "kind", "more"),
    [
        (A.HOLD, {}, Hold, {}),
        (A.KEYS, {"keys": "12#"}, SendKeys, {"keys": "12#"}),
        (A.TRANSFER, {"to": " 1002"}, BlindTransfer, {"to": "1002"}),
        (A.CONSULT, {"to": NUMBER}, Consult, {"to": "+49305551234"}),
        (A.PARK, {}, Park, {}),
        (A.RECORD, {}, Record, {"step": RecordingStep.START}),
    ],
)
async def test_each_action_is_one_command_with_one_s_own_leg(
    desk: Desk, action: ActionName, said: dict[str, str], kind: type[CallCommand], more: dict[str, Any]
) -> None:
    story = desk.talking()
    await desk.board.carry_out(MARA, story.id, action, "act-1", **said)
    await desk.told()
    assert desk.main.sent == [kind(**of(story, "act-1"), **more)]


@pytest.mark.parametrize(
    ("action", "kind"),
    [(A.COMPLETE, CompleteTransfer), (A.CONFERENCE, Conference), (A.RECONNECT, Reconnect), (A.ALTERNATE, Alternate)],
)
async def test_a_consultation_is_ended_in_one_of_four_ways(
    desk: Desk, action: ActionName, kind: type[CallCommand]
) -> None:
    story = desk.talking()
    held = Held(call=story.id, at=at(50), party=story.phone(MARA))
    for change in (story.tell(held), story.rings(JON, consult=True), story.answers(JON, consult=True)):
        desk.hub.call_changed(change)
    await desk.board.carry_out(MARA, story.id, action, "act-1")
    await desk.told()
    assert desk.main.sent == [kind(**of(story, "act-1"))]


async def test_a_phone_that_rings_is_answered_and_one_on_hold_taken_back(desk: Desk) -> None:
    story = Story()
    for change in (story.offered(), story.rings(MARA)):
        desk.hub.call_changed(change)
    await desk.board.carry_out(MARA, story.id, A.ANSWER, "act-1")
    for change in (story.answers(MARA), story.tell(Held(call=story.id, at=at(50), party=story.phone(MARA)))):
        desk.hub.call_changed(change)
    await desk.board.carry_out(MARA, story.id, A.RETRIEVE, "act-2")
    await desk.told()
    assert desk.main.sent == [Answer(**of(story, "act-1")), Retrieve(**of(story, "act-2"))]


@pytest.mark.parametrize(
    ("agent", "action", "why_not"),
    [(MARA, A.COMPLETE, "not_consulting"), (MARA, A.RETRIEVE, "not_held"), (JON, A.HANGUP, "not_your_call")],
)
async def test_what_is_not_allowed_is_refused_with_the_button_s_reason(
    desk: Desk, agent: Any, action: ActionName, why_not: str
) -> None:
    story = desk.talking()
    with pytest.raises(NotNow) as refused:
        await desk.board.carry_out(agent, story.id, action, "act-1")
    assert (refused.value.code, desk.main.sent) == (why_not, [])


async def test_what_the_phone_cannot_do_is_refused(desk: Desk) -> None:
    desk.main.can = frozenset()
    story = desk.talking()
    with pytest.raises(NotNow, match="phone cannot"):
        await desk.board.carry_out(MARA, story.id, A.HOLD, "act-1")


async def test_a_call_that_is_over_or_was_never_there_cannot_be_controlled(desk: Desk) -> None:
    story = desk.talking()
    desk.hub.call_changed(story.ends())
    for call in (story.id, CallId("main-9")):
        with pytest.raises(NotFound):
            await desk.board.carry_out(MARA, call, A.HANGUP, "act-1")


@pytest.mark.parametrize("keys", ["", "12a", "1" * 33, "1,2"])
async def test_only_keys_of_a_telephone_are_sent(desk: Desk, keys: str) -> None:
    story = desk.talking()
    with pytest.raises(RequestError):
        await desk.board.carry_out(MARA, story.id, A.KEYS, "act-1", keys=keys)


async def test_a_repeated_command_is_harmless_also_when_it_is_not_allowed_any_more(desk: Desk) -> None:
    story = desk.talking()
    await desk.board.carry_out(MARA, story.id, A.HOLD, "act-1")
    assert await desk.told() == [("act-1", "done", "")]
    desk.hub.call_changed(story.tell(Held(call=story.id, at=at(50), party=story.phone(MARA))))
    await desk.board.carry_out(MARA, story.id, A.HOLD, "act-1")
    await desk.told()
    assert len(desk.main.sent) == 1


# ---- every command has one result (asks.md, 39)


async def test_ask_39_a_command_the_link_forgets_ends_in_time() -> None:
    desk = Desk(longest_s=0.01)
    desk.north.is_stuck = True
    await desk.board.originate(MARA, NUMBER, "dial-1")
    assert await desk.told() == [("dial-1", "failed", "timeout")]


async def test_ask_39_a_link_that_breaks_is_a_failure_that_is_told(desk: Desk) -> None:
    desk.north.breaks = True
    await desk.board.originate(MARA, NUMBER, "dial-1")
    assert await desk.told() == [("dial-1", "failed", "out of paper")]


async def test_ask_39_a_stop_tells_what_is_out_and_leaves_nothing_running(desk: Desk) -> None:
    desk.north.is_stuck = True
    await desk.board.originate(MARA, NUMBER, "dial-1")
    await asyncio.sleep(0)
    await desk.board.close()
    assert not desk.board._running
    assert await desk.told() == [("dial-1", "failed", "stopped")]


# ---- parked calls


async def test_a_parked_call_is_fetched_with_one_s_own_phone_from_the_pbx_it_is_on(desk: Desk) -> None:
    desk.parks()
    await desk.board.fetch(JON, "701", "fetch-1")
    await desk.told()
    assert desk.main.sent == [FetchParked(id="fetch-1", device="PJSIP/1002", space="701")]


async def test_an_empty_space_has_nothing_to_fetch(desk: Desk) -> None:
    desk.parks()
    with pytest.raises(NotFound):
        await desk.board.fetch(JON, "702", "fetch-1")


# ---- recordings


async def test_a_paused_recording_goes_on_by_itself_and_who_paused_it_is_on_record(desk: Desk) -> None:
    story = desk.talking()
    desk.recording(story, Recording.ON)
    await desk.board.carry_out(MARA, story.id, A.RECORD_PAUSE, "act-1")
    await desk.told()
    with capture_logs() as lines:
        desk.recording(story, Recording.PAUSED)
        assert desk.hub.view_of(story.call, MARA).recording_resumes_at == desk.clock.now + timedelta(seconds=120)
        desk.board.recordings.expire(desk.clock.goes(119))
        assert len(desk.main.sent) == 1
        desk.board.recordings.expire(desk.clock.goes(1))
        await desk.told()
        assert isinstance(desk.main.sent[1], Record)
        assert (desk.main.sent[1].step, desk.main.sent[1].leg) == (RecordingStep.RESUME, story.phone(MARA).leg)
        desk.recording(story, Recording.ON)
    audit = [
        (one["event"], one.get("by"), one.get("paused_s"))
        for one in lines
        if one["event"].startswith("recording_pause")
    ]
    assert audit == [("recording_paused", "mara", None), ("recording_pause_over", "mara", 120.0)]
    assert desk.hub.view_of(story.call, MARA).recording_resumes_at is None


async def test_a_recording_that_does_not_go_on_is_asked_for_again(desk: Desk) -> None:
    story = desk.talking()
    desk.recording(story, Recording.PAUSED)
    for seconds in (120, AGAIN_S - 1, 1):
        desk.board.recordings.expire(desk.clock.goes(seconds))
    await desk.told()
    assert len(desk.main.sent) == 2


async def test_a_recording_resumed_in_time_or_of_a_call_that_ended_is_left_alone(desk: Desk) -> None:
    resumed, ended = desk.talking("1"), desk.talking("2")
    desk.recording(resumed, Recording.PAUSED)
    desk.recording(resumed, Recording.ON)
    desk.recording(ended, Recording.PAUSED)
    desk.hub.call_changed(ended.ends())
    desk.board.recordings.expire(desk.clock.goes(500))
    await desk.told()
    assert desk.main.sent == []


async def test_the_timer_lets_a_recording_go_on_without_being_asked() -> None:
    desk = Desk(most_pause_s=0.0)
    story = desk.talking()
    desk.recording(story, Recording.PAUSED)
    async with asyncio.timeout(5):
        await desk.main.heard.wait()
    await desk.board.close()


async def test_an_id_used_again_for_something_else_is_refused_and_not_taken_for_done() -> None:
    desk = Desk()
    await desk.board.originate(MARA, NUMBER, "the-same-id")
    with pytest.raises(Conflict):
        await desk.board.originate(MARA, "030 5559999", "the-same-id")
    await desk.board.originate(MARA, NUMBER, "the-same-id")
    assert await desk.told() == [("the-same-id", "done", "")]


@pytest.mark.parametrize("action", [A.TRANSFER, A.CONSULT])
async def test_nobody_is_handed_over_to_a_stranger_who_is_parked(desk: Desk, action: ActionName) -> None:
    desk.parks("701")
    story = desk.talking("2")
    with pytest.raises(RequestError):
        await desk.board.carry_out(MARA, story.id, action, "move-1", to="701")
    await desk.board.carry_out(MARA, story.id, action, "move-2", to="1002")
    await desk.told()
    assert [command.to for command in desk.main.sent if isinstance(command, BlindTransfer | Consult)] == ["1002"]
