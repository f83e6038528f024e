from datetime import date, datetime, time
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from cti.calls.journey import LeftBy
from cti.crm.contact import Contact
from cti.ivr import spoken
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, Values, line, say
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId

What = Literal["order", "balance", "case"]
_PLACES: Final[dict[What, frozenset[str]]] = {
    "order": frozenset({"order", "title", "status", "date", "amount"}),
    "balance": frozenset({"balance"}),
    "case": frozenset({"case", "title", "status", "date"}),
}


class Tell(Step):
    """Read something out of the customer's record: the latest order, the balance, the latest open case.

    ::

        [steps.order]
        kind = "tell"
        what = "order"
        prompt = "Your order {order} of {date}: {status}."
        next = "goodbye"
        unverified = "pin"
    """

    kind: Literal["tell"]
    what: What
    """``order``: the latest; ``balance``; ``case``: the latest open one."""
    prompt: Annotated[Prompt, Field(default_factory=lambda given: Prompt(f"std_{given['what']}"))]
    """Without it, words that fit. It may hold ``{order} {title} {status} {date} {amount}``, ``{balance}``, or ``{case} {title}
    {status} {date}``."""
    none: Annotated[Prompt, Field(default_factory=lambda given: Prompt(f"std_no_{given['what']}"))]
    """Where there is no order, balance or case."""
    needs_pin: bool = True
    """Tell it to verified callers only. What a stranger may hear who merely knows a customer code is for the site to say."""
    next: StepId
    unverified: StepId
    """For callers who have not been verified, or not said who they are."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        who = caller.customer
        if who is None or (self.needs_pin and not caller.is_verified):
            return Next(to=self.unverified, how=LeftBy.REFUSED)
        values = _values(self.what, who, caller.zone)
        if values is None:
            yield from say(line(self.none))
            return Next(to=self.next, how=LeftBy.NOT_FOUND)
        yield from say(line(self.prompt, **values))
        return Next(to=self.next, learned=Learned(is_served=True))

    def fills(self) -> frozenset[str]:
        return _PLACES[self.what]


def _values(what: What, who: Contact, zone: str) -> Values | None:
    match what:
        case "order":
            return _order(who)
        case "balance":
            return None if who.balance is None else {"balance": spoken.Money(who.balance.amount, who.balance.currency)}
        case "case":
            return _case(who, zone)


def _order(who: Contact) -> Values | None:
    latest = who.orders[0] if who.orders else None
    if latest is None:
        return None
    told: dict[str, spoken.Value] = {
        "order": spoken.Digits(latest.id),
        "title": spoken.Plain(latest.title),
        "status": spoken.Plain(latest.status),
        "amount": spoken.Plain(latest.amount),
    }
    return told | ({"date": spoken.Day(latest.ordered_on)} if latest.ordered_on else {})


def _case(who: Contact, zone: str) -> Values | None:
    latest = who.cases[0] if who.cases else None
    if latest is None:
        return None
    told: dict[str, spoken.Value] = {
        "case": spoken.Digits(latest.id),
        "title": spoken.Plain(latest.title),
        "status": spoken.Plain(latest.status),
    }
    return told | ({"date": spoken.Day(_day(latest.opened_at, zone))} if latest.opened_at else {})


def _day(moment: datetime, zone: str) -> date:
    """Where the site is. Of a customer system that keeps only the day it is midnight in UTC, and that day everywhere."""
    return moment.date() if moment.time() == time() else moment.astimezone(ZoneInfo(zone)).date()
