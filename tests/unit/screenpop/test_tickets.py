"""Tickets are good once, for a short while, and not after log-out."""

from cti.agents.agent import AgentId
from cti.screenpop.limits import Bucket
from cti.screenpop.tickets import MemoryTickets
from tests.unit.screenpop.stories import at

MARA = AgentId("mara")


async def issue(tickets: MemoryTickets, seconds: float = 0, session: str = "s") -> str:
    return await tickets.issue(MARA, session, at(9999), at(seconds))


async def test_a_ticket_is_good_once() -> None:
    tickets = MemoryTickets()
    token = await issue(tickets)
    ticket = await tickets.redeem(token, at(29))
    assert ticket is not None
    assert (ticket.agent, ticket.session) == ("mara", "s")
    assert await tickets.redeem(token, at(29)) is None


async def test_a_ticket_is_good_for_30_s() -> None:
    tickets = MemoryTickets()
    token = await issue(tickets)
    assert await tickets.redeem(token, at(30)) is None


async def test_a_ticket_is_no_good_after_log_out() -> None:
    tickets = MemoryTickets()
    mine, other = await issue(tickets), await issue(tickets, session="t")
    await tickets.revoke("s")
    assert await tickets.redeem(mine, at(1)) is None
    assert await tickets.redeem(other, at(1)) is not None


async def test_a_ticket_has_256_bits_and_is_never_the_same() -> None:
    tickets = MemoryTickets()
    assert len({await issue(tickets) for _ in range(5)}) == 5
    assert len(await issue(tickets)) == 43


async def test_nobody_can_hoard_tickets() -> None:
    tickets = MemoryTickets()
    tokens = [await issue(tickets) for _ in range(100)]
    assert len(tickets) == 8
    assert await tickets.redeem(tokens[-1], at(1)) is not None
    assert await tickets.redeem(tokens[0], at(1)) is None


async def test_tickets_nobody_used_are_forgotten() -> None:
    tickets = MemoryTickets()
    for number in range(100):
        await issue(tickets, number, session=str(number))
    assert len(tickets) == 30
    await issue(tickets, 1000)
    assert (len(tickets), len(tickets._of_session)) == (1, 1)


def test_a_bucket_allows_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(per_s=2, burst=3, now=0)
    assert [bucket.allows(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.allows(0.5) for _ in range(2)] == [True, False]
    assert [bucket.allows(100) for _ in range(4)] == [True, True, True, False]
