"""Who works in the demo's contact center, and who calls it: three agents, and a few customers with something to tell.

The recordings' phones are 2001, 2002 and 2003, whose owners Asterisk knew as Ann, Bob and Cho. All people are made up, and
so are the numbers of the named ones: nothing here calls them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from cti import numbers
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.store.customers import Customer, CustomerCase, CustomerNumber, CustomerOrder

COUNTRY: Final = "TW"

AGENTS: Final = (
    Agent(
        id=AgentId("ann"),
        name="Ann Walker",
        extension="2001",
        device="PJSIP/2001",
        queues=("support", "sales"),
        language="en",
    ),
    Agent(
        id=AgentId("bob"),
        name="Bob Fischer",
        extension="2002",
        device="PJSIP/2002",
        queues=("support", "sales"),
        language="en",
    ),
    Agent(
        id=AgentId("cho"),
        name="卓雅婷",
        extension="2003",
        device="PJSIP/2003",
        queues=("support", "sales"),
        language="zh-Hant",
    ),
)


SUPERVISOR: Final = Agent(
    id=AgentId("sue"), name="Sue Lindqvist", role=AgentRole.SUPERVISOR, queues=("support", "sales"), language="en"
)
"""Has no phone, and sees the reports."""
STAFF: Final = (*AGENTS, SUPERVISOR)


def password_of(agent: Agent) -> str:
    """Shown on the log-in page: the demo has no secrets."""
    return f"welcome-{agent.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling, as the PBX sees them, and who that is."""

    number: str
    name: str = ""
    """What the network sends; often nothing."""
    code: str = ""
    """What they key into the menu."""
    contact: str = ""
    """The customer's id where exactly one is meant; empty for strangers and shared numbers."""
    contact_name: str = ""
    waits_for_nobody: bool = False
    """By their tier, as the flow has it."""


AT_ONCE: Final = frozenset({"gold", "platinum"})
SHARED_NUMBER: Final = "0227718899"


def named_customers(now: datetime) -> tuple[Customer, ...]:
    """Those the first calls of the day are about, with cases of these days."""
    return (
        Customer(
            id="D0001", code="20118", name="Anna Berg", company="Bergmann & Söhne", language="en", segment="business", tier="gold",
            email="anna.berg@example.org", numbers=(_mobile("0912345678"), CustomerNumber(typed="(02) 2712 0118", label="office")),
            preferences=(("contact by", "phone"), ("best time", "mornings")), flags=frozenset({"complaint_open"}),
            cases=(
                CustomerCase(id="4821", title="Invoice charged twice", status="open", opened_at=now - timedelta(days=2)),
                CustomerCase(id="4790", title="Router returned, refund pending", status="waiting", opened_at=now - timedelta(days=9)),
            ),
            orders=(_order("88213", "Router X2", "returned", now - timedelta(days=20), amount="189.00 EUR"), _order("87410", "Annual plan", "paid", now - timedelta(days=130), amount="1,140.00 EUR")),
            balance=Decimal("189.00"), currency="EUR",
        ),
        Customer(
            id="D0002", code="20256", name="王小明", language="zh-Hant", segment="private", tier="platinum", email="ming.wang@example.org",
            numbers=(_mobile("0928000256"),), preferences=(("contact by", "LINE"), ("best time", "18:00 以後")),
            cases=(CustomerCase(id="4833", title="Fibre 500: date of installation", status="open", opened_at=now - timedelta(hours=20)),),
            orders=(_order("88301", "Fibre 500", "on its way", now - timedelta(days=4), amount="899.00 TWD"),),
            balance=Decimal(-899), currency="TWD",
        ),
        Customer(
            id="D0003", code="20377", name="陳淑芬", language="zh-Hant", segment="private", tier="silver",
            numbers=(CustomerNumber(typed="02-2771-8899", label="home"), _mobile("0931000377")),
        ),
        Customer(
            id="D0004", code="20378", name="陳志強", language="zh-Hant", segment="private", tier="standard",
            numbers=(CustomerNumber(typed="(02) 2771 8899", label="home"),), flags=frozenset({"do_not_call"}),
        ),
        Customer(
            id="D0005", code="20469", name="Lin Mei-ling", company="Harbour & Co", language="en", segment="business", tier="gold",
            email="mei-ling@example.org", numbers=(_mobile("0935000469"),), preferences=(("contact by", "e-mail"),),
            cases=(CustomerCase(id="4838", title="Cannot log in", status="open", opened_at=now - timedelta(hours=3)),),
        ),
        Customer(
            id="D0006", code="4711", name="Oliver Grant", company="Meadow Foods", language="en", segment="business", tier="platinum",
            email="o.grant@example.org", numbers=(CustomerNumber(typed="+44 20 7946 0711", label="office"),),
            preferences=(("language", "English"), ("contact by", "phone")), flags=frozenset({"recording_refused"}),
            orders=(_order("88277", "Headset, 40 pieces", "delivered", now - timedelta(days=6), amount="3,160.00 GBP"),),
            balance=Decimal("3160.00"), currency="GBP",
        ),
    )  # fmt: skip


COMPLAINT: Final = Caller(
    number="0912345678", name="Berg", code="20118", contact="D0001", contact_name="Anna Berg", waits_for_nobody=True
)
CHINESE: Final = Caller(
    number="0928000256", name="王小明", code="20256", contact="D0002", contact_name="王小明", waits_for_nobody=True
)
REPEAT: Final = Caller(
    number="0935000469", code="20469", contact="D0005", contact_name="Lin Mei-ling", waits_for_nobody=True
)
KEYED: Final = Caller(
    number="0979000311", code="4711", contact="D0006", contact_name="Oliver Grant", waits_for_nobody=True
)
"""Calls from a number nobody knows, and keys the customer code."""
SHARED: Final = Caller(number=SHARED_NUMBER)
NAMED: Final = (COMPLAINT, CHINESE, REPEAT, KEYED, SHARED)


def callers_of(customers: Iterable[Customer]) -> Iterator[Caller]:
    """Each customer's first number, as a Taiwanese PBX would send it; without those who share one."""
    for customer in customers:
        first = customer.numbers[0].e164 if customer.numbers else ""
        if first:
            yield Caller(
                number=as_sent(first), name=_sent_name(customer), code=customer.code, contact=customer.id,
                contact_name=customer.name, waits_for_nobody=customer.tier in AT_ONCE,
            )  # fmt: skip


def stranger(dice: Random) -> Caller:
    return Caller(number=f"0977{dice.randrange(10**6):06d}")


def as_sent(e164: str) -> str:
    """National within the country, with ``+`` from abroad."""
    known = numbers.parse(e164, country=COUNTRY)
    is_home = known is not None and known.region == COUNTRY
    return numbers.dialled_digits(known.national) if known and is_home else e164


def _sent_name(customer: Customer) -> str:
    """One network in three sends a name."""
    return customer.name if customer.id[-1:] in "147" else ""


def _mobile(typed: str) -> CustomerNumber:
    return CustomerNumber(typed=typed, label="mobile")


def _order(name: str, title: str, status: str, ordered_at: datetime, *, amount: str) -> CustomerOrder:
    return CustomerOrder(id=name, title=title, status=status, ordered_on=ordered_at.date(), amount=amount)
