"""A ticket that one process issued is redeemed by another, once; without Redis, by the same."""

from collections.abc import AsyncIterator

import pytest

from cti.agents.agent import AgentId
from cti.fanout.redis_door import RedisDoor
from cti.fanout.redis_tickets import RedisTickets
from tests.redis_server import RedisServer
from tests.unit.screenpop.stories import at

pytestmark = pytest.mark.redis
MARA = AgentId("mara")


@pytest.fixture
async def two(own_redis: RedisServer) -> AsyncIterator[tuple[RedisTickets, RedisTickets]]:
    doors = [RedisDoor(own_redis.url), RedisDoor(own_redis.url)]
    yield RedisTickets(doors[0]), RedisTickets(doors[1])
    for door in doors:
        await door.close()


async def test_a_ticket_is_good_once_at_whichever_process(two: tuple[RedisTickets, RedisTickets]) -> None:
    here, there = two
    token = await here.issue(MARA, "s", at(9999), at(0))
    ticket = await there.redeem(token, at(29))
    assert ticket
    assert (ticket.agent, ticket.session, ticket.session_ends_at) == ("mara", "s", at(9999))
    assert (await there.redeem(token, at(29)), await here.redeem(token, at(29))) == (None, None)


async def test_a_ticket_runs_out_and_dies_with_its_session(two: tuple[RedisTickets, RedisTickets]) -> None:
    here, there = two
    late, ended = [await here.issue(MARA, session, at(9999), at(0)) for session in ("s", "t")]
    assert await there.redeem(late, at(30)) is None
    await there.revoke("t")
    assert await here.redeem(ended, at(1)) is None


async def test_the_token_itself_is_not_in_redis(two: tuple[RedisTickets, RedisTickets], own_redis: RedisServer) -> None:
    token = await two[0].issue(MARA, "s", at(9999), at(0))
    assert b"cti:ticket:" in own_redis.says(b"KEYS *")
    assert token.encode() not in own_redis.says(b"KEYS *")


async def test_without_redis_a_ticket_is_good_where_it_was_issued(
    two: tuple[RedisTickets, RedisTickets], own_redis: RedisServer
) -> None:
    here, there = two
    own_redis.kill()
    token = await here.issue(MARA, "s", at(9999), at(0))
    assert await there.redeem(token, at(1)) is None
    assert await here.redeem(token, at(1)) is not None
    revoked = await here.issue(MARA, "s", at(9999), at(0))
    await here.revoke("s")
    assert await here.redeem(revoked, at(1)) is None
