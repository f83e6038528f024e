"""The demo's PBX: what callers do in the menu is told when it is its time, of the right call, and then forgotten."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from cti.calls.call import PbxName
from cti.calls.journey import Identified, IvrEntered, IvrLeft, JourneyEvent, Rated
from cti.calls.transitions import CallChanged
from cti.demo import pbx as module
from cti.demo.day import Coming
from cti.demo.journeys import STRANGERS, TO_A_PERSON
from cti.demo.pbx import DemoPbx
from cti.demo.people import COMPLAINT
from cti.telephony.link import News, Sink
from tests.unit.demo.company import STRANGER, company
from tests.unit.ivr.playing import T
from tests.unit.screenpop.stories import MARA, Story

WANTED: Final = TO_A_PERSON[0]


class Plays:
    """A player that says what it is given, and then waits for ever."""

    name = PbxName("demo")

    def __init__(self) -> None:
        self.said: asyncio.Queue[News] = asyncio.Queue()

    async def run(self, sink: Sink) -> None:
        while True:
            sink(await self.said.get())


@dataclass
class Comings:
    """A day on which these come, whoever asks."""

    who: list[Coming]
    asked: list[str] = field(default_factory=list)

    def comes(self, number: str) -> Coming | None:
        self.asked.append(number)
        return self.who.pop(0) if self.who else None


class House:
    """Time passes where the PBX sleeps, and takes none."""

    def __init__(self, *coming: Coming, speed: float = 1.0) -> None:
        self.player, self.day = Plays(), Comings(list(coming))
        self.slept_s = 0.0
        self.told: list[tuple[float, JourneyEvent]] = []
        self.calls: list[CallChanged] = []
        self.pbx = DemoPbx(self.player, self.day, company().rehearsals, speed=speed, sleep=self._sleep)  # type: ignore[arg-type]

    async def plays(self, changes: Sequence[CallChanged]) -> "House":
        running = asyncio.create_task(self.pbx.run(self._sink))
        for change in changes:
            self.player.said.put_nowait(change)
            await self._rest()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return self

    def of(self, kind: type[T]) -> list[T]:
        return [event for _, event in self.told if isinstance(event, kind)]

    async def _rest(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while self.pbx._telling:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0)

    async def _sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        await asyncio.sleep(0)

    def _sink(self, news: News) -> None:
        if isinstance(news, JourneyEvent):
            self.told.append((self.slept_s, news))
        elif isinstance(news, CallChanged):
            self.calls.append(news)


def answered(name: str = "1") -> tuple[Story, list[CallChanged]]:
    story = Story(name)
    return story, [story.offered(), story.queued(), story.rings(MARA), story.answers(MARA), story.ends()]


@pytest.mark.parametrize("speed", [1.0, 4.0])
async def test_what_the_caller_keys_is_told_of_the_call_when_it_is_its_time(speed: float) -> None:
    story, changes = answered()
    house = await House(Coming(COMPLAINT, WANTED), speed=speed).plays(changes[:1])
    offered_at = changes[0].after.offered_at
    assert [timedelta(seconds=at_s).total_seconds() for at_s, _ in house.told] == pytest.approx(
        [(event.at - offered_at).total_seconds() for _, event in house.told]
    )
    assert {(event.call, event.pbx) for _, event in house.told} == {(story.id, changes[0].after.pbx)}
    assert (len(house.of(IvrEntered)), len(house.of(IvrLeft))) == (1, 1)
    assert [event.contact for event in house.of(Identified)] == [COMPLAINT.contact]
    assert house.slept_s == pytest.approx(
        (await company().rehearsals.rehearse(WANTED, COMPLAINT)).spent_s / speed
    )  # fmt: skip


async def test_the_pbx_s_own_news_goes_on_as_it_is() -> None:
    _, changes = answered()
    assert (await House(Coming(COMPLAINT, WANTED)).plays(changes)).calls == changes


async def test_a_caller_the_day_does_not_know_goes_straight_to_the_queue() -> None:
    assert (await House().plays(answered()[1])).told == []


async def test_whoever_stays_on_the_line_says_how_it_was_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWERS", 1.0)
    story, changes = answered()
    house = await House(Coming(COMPLAINT, WANTED)).plays(changes)
    assert [(event.call, event.score) for event in house.of(Rated)] == [(story.id, int(WANTED.mark))]
    after = house.of(IvrEntered)[1]
    assert (after.is_after, after.at >= changes[-1].after.ended_at) == (True, True)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("coming", "is_answered", "share"),
    [
        (Coming(COMPLAINT, WANTED), True, 0.0), (Coming(COMPLAINT, WANTED), False, 1.0),
        (Coming(STRANGER, STRANGERS[1]), True, 1.0),
    ],
    ids=["most hang up", "nobody spoke to them", "the script has no mark"],
)  # fmt: skip
async def test_nobody_else_is_asked(
    coming: Coming, is_answered: bool, share: float, monkeypatch: pytest.MonkeyPatch  # noqa: FBT001
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "ANSWERS", share)
    changes = answered()[1]
    if not is_answered:
        story = Story()
        changes = [story.offered(), story.queued(), story.ends()]
    assert len((await House(coming).plays(changes)).of(IvrEntered)) == 1


async def test_a_call_that_is_over_is_forgotten() -> None:
    house = House(*(Coming(COMPLAINT, WANTED) for _ in range(5)))
    await house.plays([change for name in range(5) for change in answered(str(name))[1]])
    assert (house.pbx._who, house.pbx._telling) == ({}, set())


async def test_a_pbx_that_stops_tells_nothing_more() -> None:
    house = House(Coming(COMPLAINT, WANTED))
    house.pbx._sleep = _never
    running = asyncio.create_task(house.pbx.run(house._sink))
    house.player.said.put_nowait(answered()[1][0])
    while not house.pbx._telling:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await house._rest()
    assert house.told == []


async def _never(_seconds: float) -> Any:
    await asyncio.Event().wait()
