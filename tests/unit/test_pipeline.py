"""From a PBX's news to the pop, the record and the card: what is asked when, and who is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cti import pipeline as module
from cti.calls.call import CallId, Direction
from cti.calls.events import CallInformation
from cti.calls.journey import (
    Identified,
    IvrEntered,
    IvrLeft,
    IvrOutcome,
    Journey,
    JourneyEvent,
    LeftBy,
    Rated,
    StepLeft,
    fold,
)
from cti.calls.transitions import CallChanged
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Contact, ContactId, ContactNumber, Match
from cti.crm.lookup import Lookup, LookupRules
from cti.envelope import Envelope
from cti.errors import CrmUnavailable, StoreUnavailable
from cti.numbers import Number
from cti.pipeline import Pipeline
from cti.screenpop import views
from cti.screenpop.dialled import Dialled
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.store.journal import Journal
from cti.store.memory import MemoryInteractionLog
from cti.store.spool import Spool
from cti.telephony.link import LinkChanged
from tests.conftest import Canaries, LogLines
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import AGENTS, JON, MARA, PBX, Story, at

ANNA = Contact(
    id=ContactId("k1"),
    code="70012",
    name="Anna Berg",
    numbers=(ContactNumber(typed="030 5551234", e164="+49305551234"),),
)
CARLA = Contact(id=ContactId("k3"), code="70013", name="Carla Ruiz")
BERND = Contact(id=ContactId("k2"), name="Bernd Berg", numbers=ANNA.numbers)
NUMBER = "+49305551234"


@dataclass(slots=True)
class Crm:
    """A customer system that can be slow or away."""

    contacts: tuple[Contact, ...] = (ANNA,)
    asked: list[str] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    name: str = "crm"

    def __post_init__(self) -> None:
        self.is_open.set()

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        self.asked.append(number.e164)
        await self.is_open.wait()
        if self.error:
            raise self.error
        return await MemoryConnector(self.contacts, country="DE").find_by_number(number)

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        self.asked.append(code)
        return await MemoryConnector(self.contacts, country="DE").find_by_code(code)

    async def find_by_order(self, order: str) -> tuple[Match, ...]:
        raise NotImplementedError

    async def pin_hash(self, contact: ContactId) -> str | None:
        raise NotImplementedError

    async def get(self, contact: ContactId) -> Contact | None:
        self.asked.append(contact)
        await self.is_open.wait()
        return await MemoryConnector(self.contacts, country="DE").get(contact)

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class Menu:
    """The way of a story's caller through the IVR, told as the IVR tells it."""

    def __init__(self, story: Story, session: str = "s1", begins_s: float = 0) -> None:
        self._story, self._session, self._now, self._nr = story, session, begins_s, 0

    def entered(self, *, is_after: bool = False) -> JourneyEvent:
        return self._tell(IvrEntered, flow="bank", is_after=is_after)

    def step(self, name: str = "menu", **more: Any) -> JourneyEvent:
        return self._tell(StepLeft, step=name, kind="menu", entered_at=at(self._now), how=LeftBy.DONE, **more)

    def says(self, who: Contact) -> JourneyEvent:
        return self._tell(Identified, contact=who.id, name=who.name, code=who.code, value=who.code)

    def rates(self) -> JourneyEvent:
        return self._tell(Rated, question="survey", score=5, scale=5)

    def left(self, outcome: IvrOutcome = IvrOutcome.TO_AGENT) -> JourneyEvent:
        return self._tell(IvrLeft, outcome=outcome, step="menu")

    def _tell(self, kind: type[JourneyEvent], /, **more: Any) -> JourneyEvent:
        self._now, self._nr = self._now + 1, self._nr + 1
        return kind(call=self._story.id, pbx=PBX, at=at(self._now), session=self._session, nr=self._nr, **more)


class Log(MemoryInteractionLog):
    error: Exception | None = None

    async def history(self, **asked: Any) -> Any:
        if self.error:
            raise self.error
        return await super().history(**asked)


@dataclass(slots=True)
class House:
    crm: Crm
    log: Log
    hub: Hub
    journal: Journal
    pipeline: Pipeline

    def hears(self, *news: CallChanged | JourneyEvent) -> None:
        for one in news:
            self.pipeline.news(one)

    def desktop(self, agent: Any = MARA) -> PaperDesktop:
        return PaperDesktop(self.hub, agent.id).connect()

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not reached():  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.002)

    async def facts(self, story: Story) -> list[str]:
        await self.journal.flush()
        return [fact.type for fact in await self.log.facts(story.id)]

    def card(self, story: Story) -> Any:
        return self.hub.card_of(story.call)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    crm, log = Crm(), Log(lambda: {agent.device: agent.id for agent in AGENTS})
    hub = Hub(HubSettings(site=Site("DE", {})), clock=lambda: at(100))
    hub.roster(AGENTS)
    journal = Journal(log, Spool(tmp_path / "facts.spool", max_bytes=1_000_000))
    writing = asyncio.create_task(journal.run())
    lookup = Lookup(crm, LookupRules(country="DE", budget_s=0.05))
    pipeline = Pipeline(hub=hub, journal=journal, lookup=lookup, interactions=log, country="DE", clock=lambda: at(100))
    yield House(crm, log, hub, journal, pipeline)
    await pipeline.close()
    await lookup.close()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


async def test_who_it_is_is_asked_before_a_phone_rings(house: House) -> None:
    story = Story()
    house.hears(story.offered(NUMBER), story.queued())
    await house.until(lambda: house.card(story).state == "found")
    desktop = house.desktop()
    house.hears(story.rings(MARA))
    pop = next(message for message in desktop.read() if message["type"] == "pop")
    assert pop["pop"]["card"]["contacts"][0]["name"] == "Anna Berg"
    assert house.crm.asked == [NUMBER]


async def test_the_pop_does_not_wait_for_the_customer_system(house: House) -> None:
    house.crm.is_open.clear()
    story, desktop = Story(), house.desktop()
    house.hears(story.offered(NUMBER), story.rings(MARA))
    assert "pop" in desktop.types()
    await house.until(lambda: house.card(story).state == "slow")
    house.crm.is_open.set()
    await house.until(lambda: house.card(story).state == "found")
    assert [message["card"]["state"] for message in desktop.read() if message["type"] == "card"][-1] == "found"


async def test_what_an_agent_chose_meanwhile_is_not_overwritten(house: House) -> None:
    house.crm.is_open.clear()
    story = Story()
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).state == "slow")
    house.hub.card(views.chosen(house.card(story), views.contact_view(BERND)))
    house.crm.is_open.set()
    await house.until(lambda: not house.pipeline._asking)
    assert house.card(story).chosen == "k2"


async def test_several_are_offered_and_none_is_chosen(house: House) -> None:
    house.crm.contacts = (ANNA, BERND)
    story = Story()
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).state == "several")
    assert house.card(story).chosen is None
    assert "cti.interaction.customer.v1" not in await house.facts(story)


async def test_the_only_match_is_on_record(house: House) -> None:
    story = Story()
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).state == "found")
    assert await house.facts(story) == ["cti.call.offered.v1", "cti.interaction.customer.v1"]


async def test_a_customer_system_that_is_away_is_an_answer(house: House) -> None:
    house.crm.error = CrmUnavailable("down")
    story = Story()
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).state == "unavailable")


async def test_a_record_that_is_away_leaves_the_card_without_history(house: House) -> None:
    house.log.error = StoreUnavailable("down")
    story = Story()
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).state == "found")
    assert house.card(story).history == ()


async def test_a_withheld_number_asks_nobody(house: House) -> None:
    story = Story()
    house.hears(story.offered(""), story.queued())
    await asyncio.sleep(0)
    assert (house.crm.asked, house.card(story).state) == ([], "withheld")


async def test_a_key_from_the_menu_asks_again(house: House) -> None:
    story = Story()
    house.hears(story.offered(""))
    told = CallInformation(
        call=story.id, at=at(2), direction=Direction.INBOUND, dnis="4930999", keys=(("customer_code", "70012"),)
    )
    house.hears(story.tell(told))
    await house.until(lambda: house.card(story).state == "found")
    assert house.crm.asked == ["70012"]


async def test_colleagues_are_not_looked_up(house: House) -> None:
    story = Story(direction=Direction.INTERNAL)
    house.hears(story.placed_by(MARA, "1002"), story.rings(JON))
    await asyncio.sleep(0)
    assert house.crm.asked == []


async def test_an_ended_call_is_asked_about_no_more(house: House) -> None:
    house.crm.is_open.clear()
    story = Story()
    house.hears(story.offered(NUMBER), story.queued(), story.ends())
    await house.until(lambda: not house.pipeline._asking)
    assert await house.facts(story) == ["cti.call.offered.v1", "cti.call.queued.v1", "cti.call.cleared.v1"]


async def test_every_step_is_on_record_once(house: House) -> None:
    story = Story()
    changes = [
        story.offered(NUMBER),
        story.queued(),
        story.rings(MARA),
        story.answers(MARA),
        story.leaves(MARA),
        story.ends(),
    ]
    house.hears(*changes)
    steps = [kind for kind in await house.facts(story) if kind.startswith("cti.call.")]
    assert steps == [
        f"cti.call.{name}.v1"
        for name in ("offered", "queued", "delivered", "established", "connection_cleared", "cleared")
    ]


async def test_a_pop_s_way_is_on_record(house: House) -> None:
    story, desktop = Story(), house.desktop()
    house.hears(story.offered(NUMBER), story.rings(MARA))
    pop = next(message["pop"]["pop"] for message in desktop.read() if message["type"] == "pop")
    house.hub.desktops.receipt(MARA.id, pop, "shown")
    await house.journal.flush()
    steps = [fact.data["step"] for fact in await house.log.facts(story.id) if fact.type == "cti.pop.receipt.v1"]
    assert steps == ["decided", "sent", "shown"]


async def test_queues_are_counted_as_calls_come_and_go(house: House) -> None:
    one, two = Story("1"), Story("2")
    house.hears(one.offered(NUMBER), one.queued("support"), two.offered(NUMBER), two.queued("support"))
    assert [(queue.name, queue.waiting) for queue in house.hub.queues] == [("support", 2)]
    house.hears(one.rings(MARA), one.answers(MARA))
    assert [(queue.name, queue.waiting) for queue in house.hub.queues] == [("support", 1)]
    house.hears(two.ends())
    assert [(queue.waiting, queue.oldest_since) for queue in house.hub.queues] == [(0, None)]


async def test_a_lost_pbx_is_told_to_every_desktop(house: House) -> None:
    desktop = house.desktop()
    house.pipeline.news(
        LinkChanged(pbx=PBX, state="lost", at=datetime(2026, 11, 21, tzinfo=UTC), reason="silent for 15 s")
    )
    (told,) = desktop.read()
    assert (told["type"], told["pbx"]["state"]) == ("pbx", "lost")


async def test_calls_of_before_are_on_screen_again_and_asked_about(house: House) -> None:
    story = Story()
    story.offered(NUMBER)
    story.queued()
    story.rings(MARA)
    house.pipeline.restore([story.call])
    assert [pop["call"]["call"] for pop in house.desktop().seen[0]["pops"]] == [story.id]
    assert house.hub.queues[0].waiting == 1
    await house.until(lambda: house.card(story).state == "found")
    assert [kind for kind in await house.facts(story) if kind.startswith("cti.call.")] == []


async def test_a_desktop_s_trouble_never_costs_the_record(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_change: CallChanged) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(house.hub, "call_changed", breaks)
    story = Story()
    house.hears(story.offered(NUMBER), story.ends())
    steps = [kind for kind in await house.facts(story) if kind.startswith("cti.call.")]
    assert steps == ["cti.call.offered.v1", "cti.call.cleared.v1"]


# ---- the way through the IVR


async def test_what_the_menu_hears_before_the_pbx_tells_of_the_call_is_in_the_pop(house: House) -> None:
    story, desktop = Story(), house.desktop()
    menu = Menu(story)
    house.hears(menu.entered(), menu.step(choice="Billing"), menu.left())
    house.hears(story.offered(NUMBER), story.queued(), story.rings(MARA))
    (pop,) = [message["pop"] for message in desktop.read() if message["type"] == "pop"]
    assert [step["choice"] for step in pop["call"]["journey"]["steps"]] == ["Billing"]
    assert pop["call"]["journey"]["outcome"] == "to_agent"


async def test_a_step_in_the_menu_follows_the_call_that_rings_already(house: House) -> None:
    story, desktop = Story(), house.desktop()
    menu = Menu(story)
    house.hears(story.offered(NUMBER), menu.entered(), story.rings(MARA))
    desktop.read()
    house.hears(menu.step("code"))
    (call,) = [message["call"] for message in desktop.read() if message["type"] == "call"]
    assert [step["step"] for step in call["journey"]["steps"]] == ["code"]


async def test_whoever_said_who_they_are_before_the_call_is_known_is_looked_up_by_that(house: House) -> None:
    house.crm.contacts = (ANNA, CARLA)
    story = Story()
    menu = Menu(story)
    house.hears(menu.entered(), menu.says(CARLA), story.offered(""))
    await house.until(lambda: house.card(story).state == "found")
    assert (house.crm.asked, house.card(story).chosen) == (["k3"], "k3")


async def test_who_they_say_they_are_wins_over_whose_number_it_is_and_both_are_shown(house: House) -> None:
    house.crm.contacts = (ANNA, CARLA)
    story, desktop = Story(), house.desktop()
    house.hears(story.offered(NUMBER), story.rings(MARA))
    await house.until(lambda: house.card(story).chosen == "k1")
    menu = Menu(story)
    house.hears(menu.entered(), menu.says(CARLA))
    await house.until(lambda: house.card(story).chosen == "k3")
    assert [who.name for who in house.card(story).number_says] == ["Anna Berg"]
    assert [message["card"]["chosen"] for message in desktop.read() if message["type"] == "card"][-1] == "k3"


async def test_the_record_knows_them_by_what_they_said_too(house: House) -> None:
    house.crm.contacts = (ANNA, CARLA)
    story = Story()
    menu = Menu(story)
    house.hears(story.offered(NUMBER))
    await house.until(lambda: house.card(story).chosen == "k1")
    house.hears(menu.entered(), menu.says(CARLA))
    await house.until(lambda: house.card(story).chosen == "k3")
    house.hears(menu.left(), story.queued(), story.ends())
    await house.journal.flush()
    past = await house.log.get(story.id)
    assert past
    assert past.journey
    assert (past.contact, past.journey.contact) == ("k3", "k3")


async def test_what_the_menu_hears_of_a_withheld_number_is_enough(house: House) -> None:
    house.crm.contacts = (ANNA, CARLA)
    story = Story()
    menu = Menu(story)
    house.hears(story.offered(""), menu.entered())
    assert house.card(story).state == "withheld"
    house.hears(menu.says(CARLA))
    await house.until(lambda: house.card(story).chosen == "k3")


async def test_every_event_of_the_menu_is_on_record_once(house: House) -> None:
    story = Story()
    menu = Menu(story)
    events = [menu.entered(), menu.step(), menu.left()]
    house.hears(*events, *events)
    assert await house.facts(story) == ["cti.ivr.entered.v1", "cti.ivr.step_left.v1", "cti.ivr.left.v1"]


async def test_a_mistake_in_what_is_shown_of_the_menu_costs_neither_record_nor_card(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(house.hub, "journey", breaks)
    house.crm.contacts = (ANNA, CARLA)
    story = Story()
    menu = Menu(story)
    house.hears(story.offered(""), menu.entered(), menu.says(CARLA), menu.left())
    await house.until(lambda: house.card(story).chosen == "k3")
    assert [kind for kind in await house.facts(story) if kind.startswith("cti.ivr.")] == [
        f"cti.ivr.{name}.v1" for name in ("entered", "identified", "left")
    ]


def _shown(house: House, story: Story) -> Any:
    return house.hub.view_of(story.call, MARA).journey


async def test_a_call_that_ends_takes_its_journey_along(house: House) -> None:
    story = Story()
    menu = Menu(story)
    house.hears(story.offered(NUMBER), menu.entered(), menu.left(), story.queued(), story.ends())
    assert house.pipeline._journeys == {}
    assert _shown(house, story).outcome == "to_agent"


async def test_what_is_asked_after_the_end_is_on_record_and_changes_nothing_shown(house: House) -> None:
    """Nor does it stay: the end that would take it along is past."""
    story = Story()
    menu, after = Menu(story), Menu(story, "s2", begins_s=20)
    house.hears(story.offered(NUMBER), menu.entered(), menu.step(), menu.left(), story.queued(), story.ends())
    before = _shown(house, story)
    house.hears(after.entered(is_after=True), after.rates(), after.left(IvrOutcome.SELF_SERVED))
    assert (_shown(house, story), house.pipeline._journeys) == (before, {})
    assert (await house.facts(story))[-3:] == ["cti.ivr.entered.v1", "cti.ivr.rated.v1", "cti.ivr.left.v1"]


async def test_journeys_whose_calls_nobody_hears_of_do_not_pile_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_JOURNEYS", 3)
    house.hears(*(Menu(Story(str(number))).entered() for number in range(9)))
    assert list(house.pipeline._journeys) == ["main-6", "main-7", "main-8"]


async def test_callers_who_were_in_the_menu_when_the_service_stopped_are_known_again(house: House) -> None:
    house.crm.contacts = (ANNA, CARLA)
    story = Story()
    menu = Menu(story)
    journey: Journey | None = None
    for event in (menu.entered(), menu.says(CARLA), menu.step(), menu.left()):
        journey = fold(journey, event)
    assert journey
    story.offered(NUMBER)
    story.rings(MARA)
    house.pipeline.restore([story.call], [journey])
    (pop,) = house.desktop().seen[0]["pops"]
    assert [step["step"] for step in pop["call"]["journey"]["steps"]] == ["menu"]
    await house.until(lambda: house.card(story).chosen == "k3")
    assert not [kind for kind in await house.facts(story) if kind.startswith("cti.ivr.")]


async def test_what_callers_key_is_in_no_log(house: House, log_lines: LogLines, canaries: Canaries) -> None:
    story = Story()
    menu = Menu(story)
    house.hears(story.offered(canaries.number), menu.entered(), menu.step("code", keyed="70012777"))
    house.hears(menu.left(), story.queued(), story.ends())
    (line,) = [line for line in log_lines() if line["event"] == "call_ended"]
    assert line["ivr"] == "to_agent"
    assert canaries.found_in(repr(log_lines())) == []
    assert "70012777" not in repr(log_lines())


# ---- whom an agent is about to call


def clicked(house: House, contact: str = "", **more: Any) -> Story:
    whom = Dialled(number=NUMBER, contact=ContactId(contact) if contact else None, **more)
    house.pipeline._dialled.expect(MARA.device, whom, at(100))
    return Story(direction=Direction.OUTBOUND)


@pytest.mark.parametrize("contact", ["k1", ""])
async def test_of_a_number_that_was_clicked_on_the_card_is_up_before_any_phone_rings(
    house: House, contact: str
) -> None:
    story = clicked(house, contact)
    house.hears(story.placed_by(MARA, to=""))
    await house.until(lambda: house.card(story).state == "found")
    assert house.card(story).chosen == "k1"
    assert house.card(story).contacts[0].matched_by != "ivr"
    assert story.call.legs[0].rang_at is None


async def test_whom_the_agent_clicked_on_it_is_also_where_several_have_the_number(house: House) -> None:
    house.crm.contacts = (ANNA, BERND)
    story = clicked(house, "k2")
    house.hears(story.placed_by(MARA, to=""))
    await house.until(lambda: house.card(story).state == "found")
    house.hears(story.tell(CallInformation(call=story.id, at=at(101), direction=Direction.OUTBOUND, dnis=NUMBER)))
    await house.until(lambda: not house.pipeline._asking)
    assert (house.card(story).state, house.card(story).chosen) == ("found", "k2")


async def test_a_call_placed_for_a_callback_is_on_record_with_it(house: House) -> None:
    def placed(call: CallId, when: datetime) -> Envelope:
        return Envelope(id="f1", source="/pbx/main", type="cti.callback.changed.v1", subject=call, time=when, sequence=0, data={})  # fmt: skip

    story = clicked(house, placed=placed)
    house.hears(story.placed_by(MARA))
    assert "cti.callback.changed.v1" in await house.facts(story)


async def test_a_call_dialled_by_hand_or_by_another_phone_is_nobody_s_click(house: House) -> None:
    late, others, inbound = clicked(house, "k1"), Story("2", Direction.OUTBOUND), Story("3")
    house.pipeline._dialled.expect(MARA.device, Dialled(number=NUMBER, contact=ContactId("k1")), at(80))
    house.hears(others.placed_by(JON, to=""), inbound.offered(""), late.placed_by(MARA, to=""))
    assert not house.pipeline._asking
    assert {house.card(story).chosen for story in (late, others, inbound)} == {None}
