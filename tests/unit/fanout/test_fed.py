"""What happens at the PBX's reader is seen at every process with desktops, and costs the others nothing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.calls.call import Recording
from cti.calls.events import Diverted, RecordingChanged
from cti.calls.journey import IvrEntered, fold
from cti.calls.transitions import CallChanged
from cti.fanout.bus import Gap
from cti.fanout.entry import Entry, Kind
from cti.screenpop.figures import Noted
from cti.screenpop.messages import CustomerCard, NoticeDelta, PresenceView, QueueView
from cti.telephony.phone import Ability
from tests.unit.fanout.site import Push, Site
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import JON, MARA, PBX, T0, Story, at

READY = PresenceView(agent="mara", state="READY", since=T0)


@pytest.fixture
def site() -> Site:
    return Site()


def told(site: Site, *changes: CallChanged) -> None:
    for change in changes:
        site.reader.call_changed(change)
    site.deliver()


@dataclass
class Both:
    """Mara's desktop at a process with desktops, and one at the reader itself, which sees what a single process shows."""

    fed: PaperDesktop
    single: PaperDesktop

    def read(self) -> list[dict[str, Any]]:
        """What both saw, and it is the same."""
        fed, single = self.fed.read(), self.single.read()
        assert fed == single
        return fed


async def both(site: Site, agent: AgentId = MARA.id) -> Both:
    push = await site.push("a")
    return Both(push.desktop(agent).connect(), PaperDesktop(site.reader, agent).connect())


# ---- the same as in one process


async def test_a_desktop_sees_what_it_would_see_in_one_process(site: Site) -> None:
    mara, story = await both(site), Story()
    site.reader.listeners.abilities = lambda _call, _agent: frozenset({Ability.HOLD, Ability.TRANSFER})
    site.reader.queue(QueueView(name="support", waiting=1))
    site.reader.presence(READY)
    told(site, story.offered(), story.queued(), story.rings(MARA))
    site.reader.card(CustomerCard(call=story.id, state="unknown", reason="nobody"))
    site.deliver()
    assert [one["type"] for one in mara.read()] == ["queue", "presence", "pop", "call", "card"]
    told(site, story.answers(MARA), story.leaves(MARA), story.ends())
    site.reader.command(MARA.id, "c1", "failed", "busy")
    site.deliver()
    assert [one["type"] for one in mara.read()] == ["pop_withdrawn", "call", "command"]


async def test_the_way_through_the_ivr_a_pause_and_a_parked_call_are_told_too(site: Site) -> None:
    mara, story = await both(site), Story()
    entered = IvrEntered(call=story.id, pbx=PBX, at=at(0), session="s", nr=1, flow="bank", label="Bank")
    journey = fold(None, entered)
    assert journey
    site.reader.journey(story.id, journey)
    told(site, story.offered(), story.rings(MARA), story.answers(MARA))
    assert "Bank" in str(mara.read())
    site.reader.listeners.recording_resumes_at = lambda _: at(99)
    told(site, story.tell(RecordingChanged(call=story.id, at=at(5), recording=Recording.PAUSED)))
    assert [one["call"]["recording_resumes_at"] for one in mara.fed.read()] == ["2026-03-02T09:01:39Z"]
    told(site, story.tell(Diverted(call=story.id, at=at(6), cause="parked", to="71")))
    parked = [one for one in mara.fed.read() if one["type"] == "parked"]
    assert [one["space"] for one in parked[-1]["parked"]] == ["71"]


async def test_supervisors_hear_notices(site: Site) -> None:
    boss = Agent(id=AgentId("boss"), name="Boss", role=AgentRole.SUPERVISOR, extension="", device="")
    push = await site.push("a")
    for hub in (site.reader, push.hub):
        hub.roster((MARA, JON, boss))
    desktop = push.desktop(boss.id).connect()
    site.reader.notice(NoticeDelta(seq=0, kind="missed_call", at=T0, agent="mara", agent_name="Mara"))
    site.deliver()
    assert desktop.types() == ["notice"]


async def test_the_same_pop_has_one_id_and_is_decided_once(site: Site) -> None:
    push = await site.push("a")
    decided: list[Noted] = []
    sent: list[Noted] = []
    site.reader.listeners.on_receipt = decided.append
    push.hub.listeners.on_receipt = sent.append
    mara, story = push.desktop().connect(), Story()
    told(site, story.offered(), story.rings(MARA))
    mara.read()
    assert [one.step for one in decided] == ["decided"]
    assert [one.step for one in sent] == ["sent"]
    assert decided[0].pop == sent[0].pop


@pytest.mark.parametrize("off_s", [-3600, 3600])
async def test_where_the_clocks_disagree_a_phone_that_rings_pops_all_the_same(site: Site, off_s: float) -> None:
    push = await site.push("a")
    mara, story = push.desktop().connect(), Story()
    site.reader._clock = lambda: site.clock.now + timedelta(seconds=off_s)
    told(site, story.offered(), story.rings(MARA))
    (popped,) = [one["pop"] for one in mara.read() if one["type"] == "pop"]
    assert popped["expires_at"] == "2026-03-02T09:01:00Z"


# ---- what it costs


async def test_a_call_that_is_nobodys_here_is_not_opened(site: Site) -> None:
    push, story = await site.push("a"), Story()
    push.desktop(JON.id).connect()
    told(site, story.offered(), story.queued(), story.rings(MARA), story.answers(MARA))
    folder = push.hub._shelf._folders[story.id]
    assert push.hub.live_count == 1
    assert (folder.call, len(folder.unread)) == (None, 4)
    assert push.hub.call(story.id) == story.call, "until somebody asks"
    told(site, story.ends())
    assert push.hub.calls == ()
    assert push.hub.call(story.id) == story.call, "it is known a while longer"


async def test_rest_knows_all_live_calls(site: Site) -> None:
    push, stories = await site.push("a"), [Story(str(nr)) for nr in range(3)]
    for story in stories:
        told(site, story.offered(), story.queued())
    assert push.hub.calls == tuple(story.call for story in stories) == site.reader.calls


async def test_a_desktop_that_arrives_in_mid_ring_sees_the_pop_of_the_reader(site: Site) -> None:
    push, story = await site.push("a"), Story()
    single = PaperDesktop(site.reader, MARA.id)
    site.reader.presence(READY)
    told(site, story.offered(), story.rings(MARA))
    site.reader.card(CustomerCard(call=story.id, state="unknown", reason="nobody"))
    site.deliver()
    fed = push.desktop().connect()
    assert fed.seen == single.connect().seen
    assert len(fed.seen[0]["pops"]) == 1


async def test_whose_desktop_is_gone_for_long_costs_nothing_any_more(site: Site) -> None:
    push, story = await site.push("a"), Story()
    push.desktop().connect().leave()
    await site.goes(620)
    told(site, story.offered(), story.rings(MARA))
    assert push.hub._shelf._folders[story.id].call is None


# ---- gaps, epochs, silence


async def test_after_a_gap_the_picture_is_right_again(site: Site) -> None:
    push = await site.push("a")
    mara, over, ringing = push.desktop().connect(), Story("1"), Story("2")
    told(site, over.offered(), over.rings(MARA), over.answers(MARA))
    mara.read()
    site.reader.call_changed(over.ends())
    site.reader.call_changed(ringing.offered())
    site.lose()
    push.feeder.feed(Gap("lost"))
    site.reader.call_changed(ringing.rings(MARA))
    await site.settle()
    assert [call.id for call in push.hub.calls] == [ringing.id]
    shown = mara.read()
    ended = next(one["call"] for one in shown if one["type"] == "call" and one["call"]["call"] == over.id)
    assert ended["state"] == "ended"
    assert any(one["type"] == "pop" and one["pop"]["call"]["call"] == ringing.id for one in shown)
    assert push.feeder.is_whole


async def test_a_lost_step_that_nobody_noticed_is_noticed_by_the_next(site: Site) -> None:
    push, story = await site.push("a"), Story()
    push.desktop().connect()
    told(site, story.offered(), story.rings(MARA))
    site.reader.call_changed(story.answers(MARA))
    site.lose()
    told(site, story.leaves(MARA))
    await site.settle()
    assert push.hub.call(story.id) == story.call


async def test_a_picture_that_another_asked_for_tells_desktops_nothing(site: Site) -> None:
    push, story = await site.push("a"), Story()
    mara = push.desktop().connect()
    site.reader.presence(READY)
    site.reader.queue(QueueView(name="support", waiting=1))
    told(site, story.offered(), story.rings(MARA))
    site.reader.card(CustomerCard(call=story.id, state="unknown", reason="nobody"))
    site.deliver()
    mara.read()
    await site.push("b")
    assert mara.read() == []
    push.feeder.feed(Gap("lost"))
    await site.settle()
    assert mara.read() == [], "nor one of our own, where nothing was missed"


async def test_an_older_epoch_tells_nothing(site: Site) -> None:
    push, story = await site.push("a"), Story()
    mara, frozen = push.desktop().connect(), site.reader
    site.new_reader(epoch=2)
    await site.settle()
    frozen.call_changed(story.offered())
    frozen.call_changed(story.rings(MARA))
    site.deliver()
    assert mara.types() == []
    assert push.feeder.stale > 0
    assert push.hub.calls == ()


async def test_an_older_epoch_that_goes_on_alone_is_the_lease_s_again(site: Site) -> None:
    """The database was restored from a backup, which knew of fewer takeovers."""
    push, story = await site.push("a"), Story()
    site.new_reader(epoch=7)
    await site.settle()
    site.new_reader(epoch=3).restore([story.offered().after])
    await site.goes(9)
    assert (push.hub.calls, push.feeder.epoch) == ((), 7)
    await site.goes(3)
    assert ([call.id for call in push.hub.calls], push.feeder.epoch) == ([story.id], 3)
    assert push.feeder.is_whole


async def test_an_older_epoch_beside_the_newer_one_is_never_the_lease_s(site: Site) -> None:
    push, frozen = await site.push("a"), site.reader
    site.new_reader(epoch=2)
    for _ in range(30):
        frozen._publish(Kind.ALIVE)
        await site.goes(1)
    assert (push.feeder.epoch, push.feeder.stale) == (2, 30)


async def test_single_entries_of_an_older_epoch_are_not_the_lease_s_again(site: Site) -> None:
    """Of a reader that was replaced and thaws twice, while the new one is out of reach."""
    push, frozen = await site.push("a"), site.reader
    site.new_reader(epoch=2)
    await site.settle()
    for _ in range(3):
        frozen._publish(Kind.ALIVE)
        await site.goes(7, alive=False)
    assert (push.feeder.epoch, push.feeder.stale) == (2, 3)


async def test_a_new_reader_tells_all_at_its_start(site: Site) -> None:
    push, story = await site.push("a"), Story()
    mara, before = push.desktop().connect(), Story("before")
    told(site, before.offered(), before.rings(MARA))
    mara.read()
    site.new_reader(epoch=2).restore([story.offered().after])
    await site.settle()
    assert [call.id for call in push.hub.calls] == [story.id]
    assert "pop_withdrawn" in mara.types()


async def test_silence_is_shown_as_a_lost_pbx_and_why(site: Site) -> None:
    push = await site.push("a")
    mara = push.desktop().connect()
    await site.goes(5, alive=False)
    assert mara.types() == []
    await site.goes(1, alive=False)
    assert [(one["pbx"]["state"], one["pbx"]["reason"]) for one in mara.read()] == [("lost", "reader_away")]
    await site.goes(1)
    assert [one["pbx"]["state"] for one in mara.read()] == ["connected"]


async def test_a_picture_that_does_not_come_is_asked_for_again(site: Site) -> None:
    push = await site.push("a")
    push.feeder.feed(Gap("lost"))
    site.lose()
    await site.goes(1.5)
    assert not push.feeder.is_whole
    await site.goes(1)
    assert push.feeder.is_whole


async def test_news_that_cannot_be_read_costs_itself(site: Site) -> None:
    push, story = await site.push("a"), Story()
    mara = push.desktop().connect()
    push.feeder.feed(Entry(kind=Kind.PRESENCE, key="mara", epoch=1, body=b'{"agent":1}'))
    told(site, story.offered(), story.rings(MARA))
    assert "pop" in mara.types()


# ---- the way back


async def test_a_customer_chosen_at_one_process_is_shown_at_all(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    jon, story = there.desktop(JON.id).connect(), Story()
    told(site, story.offered(), story.rings(JON))
    jon.read()
    here.hub.card(CustomerCard(call=story.id, state="unknown", reason="not_this_person"))
    assert here.hub.card_of(story.call).reason == "not_this_person", "at once"
    site.deliver()
    assert site.reader.card_of(story.call).reason == "not_this_person"
    assert [one["card"]["reason"] for one in jon.read() if one["type"] == "card"] == ["not_this_person"]


# ---- whatever happens in between

STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["ring", "answer", "leave", "end", "deliver", "lose", "card", "new"])),
    max_size=40,
)


@hypothesis.given(STEPS)
@hypothesis.settings(max_examples=60)
async def test_whatever_was_lost_the_picture_ends_as_the_readers(steps: list[tuple[int, str]]) -> None:
    """Three calls of two agents, entries lost anywhere with the gap told: after the picture, all snapshots are the reader's."""
    site = Site()
    push: Push = await site.push("a")
    desktops = [push.desktop(agent.id, session=agent.id).connect() for agent in (MARA, JON)]
    stories = [Story(f"{nr}-0") for nr in range(3)]
    for nr, (which, deed) in enumerate(steps):
        if deed == "deliver":
            site.deliver()
        elif deed == "lose" and site.lose():
            push.feeder.feed(Gap("lost"))
        else:
            _do(site, stories, which, deed, f"{which}-{nr}")
        for desktop in desktops:
            desktop.read()
    push.feeder.feed(Gap("at the end"))
    await site.settle()
    assert {call.id: call for call in push.hub.calls} == {call.id: call for call in site.reader.calls}
    for agent, desktop in zip((MARA, JON), desktops, strict=True):
        desktop.read()
        numbers = [one["seq"] for one in desktop.seen]
        assert numbers == list(range(1, len(numbers) + 1))
        fed = push.desktop(agent.id, session=agent.id).connect(take_over=True).seen[0]
        single = PaperDesktop(site.reader, agent.id).connect().seen[0]
        assert _plain(fed) == _plain(single)


def _plain(snapshot: dict[str, Any]) -> dict[str, Any]:
    """In which order calls were heard of, and from when a ring is counted, is each process's own."""
    pops = [{name: value for name, value in pop.items() if name != "expires_at"} for pop in snapshot["pops"]]
    return snapshot | {
        "calls": sorted(snapshot["calls"], key=lambda one: one["call"]),
        "cards": sorted(snapshot["cards"], key=lambda one: one["call"]),
        "pops": sorted(pops, key=lambda one: one["pop"]),
    }


def _do(site: Site, stories: list[Story], which: int, deed: str, name: str) -> None:
    story = stories[which]
    agent = MARA if which % 2 == 0 else JON
    is_live = hasattr(story, "call") and story.call.is_live
    legs = {leg.party.leg: leg for leg in story.call.live_legs()} if is_live else {}
    leg = legs.get(story.phone(agent).leg)
    if deed == "new" and not is_live:
        stories[which] = Story(name)
        site.reader.call_changed(stories[which].offered())
    elif deed == "ring" and is_live and leg is None:
        site.reader.call_changed(story.rings(agent))
    elif deed == "answer" and leg and leg.connected_at is None:
        site.reader.call_changed(story.answers(agent))
    elif deed == "leave" and leg and leg.connected_at:
        site.reader.call_changed(story.leaves(agent))
    elif deed == "card" and is_live:
        site.reader.card(CustomerCard(call=story.id, state="unknown", reason=name))
    elif deed == "end" and is_live:
        site.reader.call_changed(story.ends())
