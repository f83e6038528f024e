"""Tickets are good once, for a short while, and not after log-out."""

from cti.agents.agent import AgentId
from cti.screenpop.limits import Bucket
from cti.screenpop.tickets import Tickets
from tests.unit.screenpop.stories import at

MARA = AgentId("mara")


def issue(tickets: Tickets, seconds: float = 0, session: str = "s") -> str:
    return tickets.issue(MARA, session, at(9999), at(seconds))


def test_a_ticket_is_good_once() -> None:
    tickets = Tickets()
    token = issue(tickets)
    ticket = tickets.redeem(token, at(29))
    assert ticket is not None
    assert (ticket.agent, ticket.session) == ("mara", "s")
    assert tickets.redeem(token, at(29)) is None


def test_a_ticket_is_good_for_30_s() -> None:
    tickets = Tickets()
    token = issue(tickets)
    assert tickets.redeem(token, at(30)) is None


def test_a_ticket_is_no_good_after_log_out() -> None:
    tickets = Tickets()
    mine, other = issue(tickets), issue(tickets, session="t")
    tickets.revoke("s")
    assert tickets.redeem(mine, at(1)) is None
    assert tickets.redeem(other, at(1)) is not None


def test_a_ticket_has_256_bits_and_is_never_the_same() -> None:
    tickets = Tickets()
    assert len({issue(tickets) for _ in range(5)}) == 5
    assert len(issue(tickets)) == 43


def test_nobody_can_hoard_tickets() -> None:
    tickets = Tickets()
    tokens = [issue(tickets) for _ in range(100)]
    assert len(tickets) == 8
    assert tickets.redeem(tokens[-1], at(1)) is not None
    assert tickets.redeem(tokens[0], at(1)) is None


def test_tickets_nobody_used_are_forgotten() -> None:
    tickets = Tickets()
    for number in range(100):
        issue(tickets, number, session=str(number))
    assert len(tickets) == 30
    issue(tickets, 1000)
    assert (len(tickets), len(tickets._of_session)) == (1, 1)


def test_a_bucket_allows_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(per_s=2, burst=3, now=0)
    assert [bucket.allows(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.allows(0.5) for _ in range(2)] == [True, False]
    assert [bucket.allows(100) for _ in range(4)] == [True, True, True, False]
