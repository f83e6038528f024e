from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from cti.calls.journey import LeftBy
from cti.egress.urls import names_in
from cti.ivr.requests import Doing, Fetch, Fetched, fetch
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId, ValueName
from cti.settings.keys import KeyPath

SendName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
OF_THE_CALL: Final = frozenset(
    {"caller_number", "dialled_number", "language", "customer", "customer_code", "is_verified"}
)
"""Known of every caller, beside what the flow collected."""


def _template(url: str) -> str:
    names_in(url)
    return url


class AskService(Step):
    """Ask an outside HTTP service, and keep parts of its answer, a JSON object, under names of our own.

    ::

        [steps.ask_delivery]
        kind = "http"
        url = "https://shop.example.org/deliveries/{customer_code}?lang={language}"
        take = { delivery = "next.day", driver = "next.driver.name" }
        budget_s = 2.0
        next = "tell_delivery"
        otherwise = "people"
    """

    kind: Literal["http"]
    url: Annotated[str, Field(max_length=500), AfterValidator(_template)]
    """May hold ``{order}`` and other values in path and query: each is encoded, none can change the host."""
    method: Literal["GET", "POST"] = "GET"
    """A POST sends ``send``."""
    send: Mapping[SendName, str] = {}
    """The JSON body of a POST: its names, and the values' names. Beside collected ones these are known: ``caller_number``,
    ``dialled_number``, ``language``, ``customer``, ``customer_code``, ``is_verified``."""
    take: Mapping[ValueName, str] = {}
    """Our name -> where it stands in the answer: ``"order.status"``."""
    budget_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    """The caller hears nothing for so long."""
    next: StepId
    otherwise: StepId
    """Where the service does not answer as it should, or lacks something of ``take``."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        known = _known(caller)
        body = {name: known.get(value, "") for name, value in self.send.items()}
        answer = yield from fetch(
            Fetch(url=self.url, method=self.method, values=known, body=body, budget_s=self.budget_s)
        )
        if not isinstance(answer, Fetched) or not set(self.take.values()) <= answer.values.keys():
            return Next(to=self.otherwise, how=LeftBy.UNAVAILABLE)
        return Next(
            to=self.next, learned=Learned(values={ours: answer.values[theirs] for ours, theirs in self.take.items()})
        )

    def names(self) -> Iterator[str]:
        return iter(self.take)

    def uses(self) -> Iterator[tuple[KeyPath, str]]:
        return ((("send", name), value) for name, value in self.send.items() if value not in OF_THE_CALL)

    def shows(self) -> Iterator[tuple[KeyPath, str]]:
        return ((("url",), name) for name in sorted(names_in(self.url) - OF_THE_CALL))


def _known(caller: Caller) -> dict[str, str]:
    """What may be sent: what was collected, and who is calling. No PIN is ever among it."""
    return {
        **caller.values,
        "caller_number": caller.asked.ani,
        "dialled_number": caller.asked.dnis,
        "language": caller.language,
        "customer": caller.customer.id if caller.customer else "",
        "customer_code": caller.customer.code if caller.customer else "",
        "is_verified": "true" if caller.is_verified else "false",
    }
