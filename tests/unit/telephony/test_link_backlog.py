"""The link gives up a connection that it cannot keep up with, and only that."""

import asyncio

import pytest

from cti.telephony.asterisk import ami_link
from tests.unit.telephony.fake_ami import Chan, FakeAmi, event, linked

CALL = Chan(id="1.1")
AT_A_TIME, MOST, ALL = 120, 1000, 6000
"""So many events are written at a time; the link may have a thousand to handle, and is given six times as many."""


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_link, "MOST_WAITING", MOST)


async def test_a_stream_that_never_pauses_is_no_backlog_while_it_is_kept_up_with() -> None:
    async with FakeAmi() as pbx, linked(pbx) as watched:
        await watched.until_connected()
        heard_before, sent = watched.link.figures.events, 0
        while sent < ALL:
            if sent - (watched.link.figures.events - heard_before) < 3 * AT_A_TIME:
                await pbx.say(event("Hold", CALL) * AT_A_TIME)
                sent += AT_A_TIME
            await asyncio.sleep(0)
        await watched.until(lambda: watched.link.figures.events - heard_before >= ALL)
        assert watched.link.figures.connects == 1


async def test_more_than_it_has_room_for_is_given_up_and_read_anew() -> None:
    async with FakeAmi() as pbx, linked(pbx) as watched:
        await watched.until_connected()
        await pbx.say(event("Hold", CALL) * (MOST + 200))
        await watched.until_connected(2)
