"""From a PBX's news to the pop, the record and the card: what is asked when, and who is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cti.calls.call import Direction
from cti.calls.events import CallInformation
from cti.calls.transitions import CallChanged
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Contact, ContactId, ContactNumber, Match
from cti.crm.lookup import Lookup, LookupRules
from cti.errors import CrmUnavailable, StoreUnavailable
from cti.numbers import Number
from cti.pipeline import Pipeline
from cti.screenpop import views
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.store.journal import Journal
from cti.store.memory import MemoryInteractionLog
from cti.store.spool import Spool
from cti.telephony.link import LinkChanged
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import AGENTS, JON, MARA, PBX, Story, at

ANNA = Contact(
    id=ContactId("k1"),
    code="70012",
    name="Anna Berg",
    numbers=(ContactNumber(typed="030 5551234", e164="+49305551234"),),
)
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

    async def get(self, contact: ContactId) -> Contact | None:
        raise NotImplementedError

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


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

    def hears(self, *changes: CallChanged) -> None:
        for change in changes:
            self.pipeline.news(change)

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
    house.hub.receipt(MARA.id, pop, "shown")
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
