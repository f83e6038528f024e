"""How the demo's callers get through the menu: the shipped flow itself, run by made-up callers who key by script.

What they key is drawn; what comes of it is the flow's doing. A journey is rehearsed in no time and then told as time passes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path, PurePosixPath
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from cti.calls.call import CallId, LegId, PbxName
from cti.calls.frozen import changed
from cti.calls.journey import CallbackRequested, JourneyEvent, KnownBy, StepLeft
from cti.crm.contact import Answer, Contact, ContactId, Found, Match, MatchedBy, Money, Order, Unknown
from cti.demo.people import Caller
from cti.ivr.flow import Flow
from cti.ivr.flow_file import load
from cti.ivr.requests import Fetch, PinResult, QueueLoad, Unreachable
from cti.ivr.runner import Ivr, World
from cti.ivr.speech import TextOnly
from cti.store.customers import Customer
from cti.telephony.replay.voice import Act, QuickClock, ScriptedVoice, hang_up, speak, spoken_s
from cti.telephony.replay.voice import Caller as Keying
from cti.telephony.voice import Asked, Sound

PIN: Final = "274190"
WRONG: Final = "274191"
ZONE: Final = ZoneInfo("Asia/Taipei")
MORNING: Final = datetime.combine(datetime(2026, 1, 5, tzinfo=ZONE), time(10), ZONE)
"""When somebody is there, by the flow's own hours: a demo has no night."""
NIGHT: Final = MORNING.replace(hour=23)
IMPATIENT_S: Final = 0.4
"""How long a caller of the demo listens to a prompt: those who watch wait for the ring."""

Events = tuple[JourneyEvent, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """What a caller keys, question by question. ``{code}`` and ``{pin}`` are the caller's own."""

    keys: tuple[str | Act, ...]
    weight: int
    waiting: int = 0
    """How many wait in the queue meanwhile."""
    at_night: bool = False
    mark: str = ""
    """Keyed when asked how it was, after the conversation."""


TO_A_PERSON: Final = (
    Script(("1", "{code}#", "1", "3"), 4, mark="5"),
    Script(("1", "{code}#", "1", "1", "{pin}#", "0"), 3, mark="4"),
    Script(("2", "{code}#", "1", "2", "{pin}#", "0"), 3, mark="5"),
    Script(("1", "{code}#", "1", "1", f"{WRONG}#", f"{WRONG}#", "{pin}#", "0"), 1, mark="3"),
    Script(("2", "9999#", "{code}#", "1", "7", "0"), 1, mark="4"),
    Script(("1", "{code}#", "1", "2", f"{WRONG}#", f"{WRONG}#", f"{WRONG}#"), 1, mark="2"),
)
"""Known customers who end in the queue."""
STRANGERS: Final = (Script(("1", "*"), 3, mark="4"), Script(("2", "*"), 2), Script(("", "*"), 1, mark="3"))
"""Who have no code to key."""
ON_THEIR_OWN: Final = (
    Script(("1", "{code}#", "1", "1", "{pin}#", hang_up(on="menu")), 6),
    Script(("2", "{code}#", "1", "2", "{pin}#", hang_up()), 5),
    Script(("1", "{code}#", "1", "1", "{pin}#", "1", "2", hang_up()), 2),
    Script(("1", hang_up(on="customer code", after_s=3.0)), 1),
    Script(("1", "{code}#", "1", hang_up(on="status of your order", after_s=4.0)), 2),
    Script(("2", "{code}#", "1", "1", f"{WRONG}#", hang_up()), 1),
    Script(("1", "{code}#", "1", "3", "1"), 1, waiting=8),
    Script(("2", "{code}#", "1", "3", speak(9.0, then="#")), 1, at_night=True),
)
"""No agent's phone rings for these."""


def scripts_for(caller: Caller, scripts: Sequence[Script]) -> list[Script]:
    """Those who have no code cannot key one; those who wait for nobody are not asked whether they want to be called back."""
    some = scripts if caller.code else STRANGERS
    return [script for script in some if not (script.waiting and caller.waits_for_nobody)]


def drawn(scripts: Sequence[Script], dice: Random) -> Script:
    return dice.choices(scripts, [script.weight for script in scripts])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A journey as it would be if it began at ``began_at``."""

    events: Events
    began_at: datetime
    mark: str = ""

    @property
    def spent_s(self) -> float:
        return (self.events[-1].at - self.began_at).total_seconds() if self.events else 0.0

    def at(self, when: datetime, *, call: CallId, pbx: PbxName, speed: float = 1.0) -> Events:
        """The same, beginning then, as part of that call; ``speed`` 2: in half the time."""

        def moved(at: datetime) -> datetime:
            return when.astimezone(UTC) + (at - self.began_at) / speed

        return tuple(_moved(event, moved, call, pbx) for event in self.events)


class Rehearsals:
    """``contacts``: by customer code. Everybody in them has the same PIN."""

    def __init__(self, flow: Flow, contacts: Mapping[str, Contact], *, listens_s: float | None = None) -> None:
        self._flow = flow
        self._contacts = contacts
        self._length_s: Callable[[Sound], float] = (
            spoken_s if listens_s is None else lambda sound: min(listens_s, spoken_s(sound))
        )

    async def rehearse(self, script: Script, caller: Caller) -> Rehearsed:
        return await self._played(script, caller, script.keys, is_after=False)

    async def rehearse_after(self, script: Script, caller: Caller) -> Rehearsed:
        """The question how it was."""
        return await self._played(script, caller, (script.mark,), is_after=True)

    async def _played(self, script: Script, caller: Caller, keys: Sequence[str | Act], *, is_after: bool) -> Rehearsed:
        began_at = (NIGHT if script.at_night else MORNING).astimezone(UTC)
        clock, events = QuickClock(began_at), list[JourneyEvent]()
        world = self._world(script)
        ivr = Ivr(lambda _: self._flow, TextOnly(), world, events.append, clock=clock.now)
        asked = Asked(
            pbx=PbxName("demo"), leg=LegId("1"), ani=caller.number, default_queue="support", is_after=is_after,
            nonce="after" if is_after else "ivr",
        )  # fmt: skip
        voice = ScriptedVoice(asked, Keying(_keyed(keys, caller)), clock=clock, length_s=self._length_s)
        await ivr.serve(voice)
        return Rehearsed(events=tuple(events), began_at=began_at, mark=script.mark)

    def _world(self, script: Script) -> World:
        async def find(_by: KnownBy, value: str) -> Answer:
            contact = self._contacts.get(value)
            if contact is None:
                return Unknown("nobody has this code")
            return Found((Match(contact, MatchedBy.CODE, value),), "demo", MORNING)

        async def check(_contact: str, keyed: str, _caller: str) -> PinResult:
            return PinResult.OK if keyed == PIN else PinResult.WRONG

        async def fetch(_request: Fetch) -> Unreachable:
            return Unreachable("the demo asks nobody")

        return World(
            find_customer=find, check_pin=check, fetch=fetch, queue_load=lambda _: QueueLoad(script.waiting),
            call_of=lambda _: CallId("rehearsed"), zone=ZONE.key, recordings=PurePosixPath("/"),
        )  # fmt: skip


def flow_of_the_demo(folder: Path) -> Flow:
    return load(folder / "bank.toml")


def _keyed(keys: Sequence[str | Act], caller: Caller) -> list[str | Act]:
    return [key.format(code=caller.code, pin=PIN) if isinstance(key, str) else key for key in keys]


def _moved(event: JourneyEvent, moved: Callable[[datetime], datetime], call: CallId, pbx: PbxName) -> JourneyEvent:
    there = changed(event, call=call, pbx=pbx, at=moved(event.at))
    match there:
        case StepLeft() | CallbackRequested():
            return changed(there, entered_at=moved(there.entered_at))
        case _:
            return there


def has_something_to_tell(contact: Contact | None) -> bool:
    return contact is not None and bool(contact.orders) and contact.balance is not None


def contact_of(customer: Customer) -> Contact:
    """As the customer system would tell it, as far as the menu needs it."""
    return Contact(
        id=ContactId(customer.id), code=customer.code, name=customer.name, company=customer.company,
        language=customer.language, tier=customer.tier,
        balance=None if customer.balance is None else Money(customer.balance, customer.currency),
        orders=tuple(
            Order(id=one.id, title=one.title, status=one.status, ordered_on=one.ordered_on) for one in customer.orders
        ),
    )  # fmt: skip
