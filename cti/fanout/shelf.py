"""Calls as they came over the bus, unread: opened when somebody asks for one, or when it concerns a desktop here. No I/O.

A process keeps a few hundred bytes for each step of a call that is nobody's here, and folds the steps (as ``store/restored.py``
does) only when it needs to know the call.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cti import envelope
from cti.calls.call import Call, CallId
from cti.calls.events import Offered
from cti.calls.transitions import CallChanged, advance, begin
from cti.fanout.bodies import read_body
from cti.screenpop.book import Book
from cti.screenpop.messages import CustomerCard, JourneyView

NEVER: Final = datetime.min.replace(tzinfo=UTC)
UNREAD_STEPS: Final = 50
"""More than most calls have; what is left of longer ones is the call itself."""
ENDED_UNREAD: Final = 2000
"""Calls that ended and concerned nobody here: people may add to them before the record has them."""


@dataclass(slots=True)
class _Folder:
    call: Call | None = None
    """As far as it was read."""
    unread: list[bytes] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    card: bytes = b""
    """Not read yet."""
    journey: bytes = b""
    at: datetime = NEVER
    """When the last of it was heard."""

    def read(self) -> CallChanged | None:
        """The call as it is now. The last step, where it could be taken."""
        change: CallChanged | None = None
        for line in self.unread:
            change = _step(self.call, line)
            self.call = change.after if change else self.call
        self.unread.clear()
        return change


def _step(call: Call | None, line: bytes) -> CallChanged | None:
    """None for a step already taken, and for one that does not fit, as after a gap."""
    fact = envelope.decode(line)
    event = envelope.event_of(fact)
    if isinstance(event, Offered):
        return begin(event) if call is None else None
    if event is None or call is None or fact.sequence != call.sequence + 1:
        return None
    change = advance(call, event)
    return change if isinstance(change, CallChanged) else None


class Shelf(Book):
    def __init__(self, *, ended_unread: int = ENDED_UNREAD) -> None:
        super().__init__()
        self._ended_unread = ended_unread
        self._folders: dict[CallId, _Folder] = {}
        self._at: defaultdict[str, dict[CallId, None]] = defaultdict(dict)
        """Phone -> live calls that it is or was in."""
        self._over: OrderedDict[CallId, _Folder] = OrderedDict()

    # ---- put on it

    def add_step(self, call: CallId, about: Iterable[str], body: bytes, at: datetime) -> None:
        folder = self._into(call, about, at)
        folder.unread.append(body)
        if len(folder.unread) > UNREAD_STEPS:
            folder.read()

    def add_whole(self, call: CallId, about: Iterable[str], whole: Call, at: datetime) -> Call | None:
        """In the place of all that is known of it. What was known, with all steps up to here."""
        folder = self._into(call, about, at)
        folder.read()
        before, folder.call = folder.call, whole
        return before

    def add_card(self, call: CallId, body: bytes) -> None:
        if call in self._folders:
            self._folders[call].card = body

    def add_journey(self, call: CallId, body: bytes) -> None:
        """Also of a call not heard of yet."""
        if call in self._folders:
            self._folders[call].journey = body
        else:
            self.put_journey(call, read_body(body, JourneyView))

    def close_unread(self, call: CallId) -> None:
        """It is over, and concerned nobody here."""
        folder = self._take(call)
        self._cards.pop(call, None)
        if folder:
            self._over[call] = folder
            if len(self._over) > self._ended_unread:
                self._over.popitem(last=False)

    def read_step(self, call: CallId) -> CallChanged | None:
        """The last step, which was added just now."""
        folder = self._folders.get(call)
        return folder.read() if folder else None

    # ---- asked of it

    @property
    def ids(self) -> tuple[CallId, ...]:
        return tuple(self._folders)

    def at(self, device: str) -> tuple[CallId, ...]:
        """Live calls that may concern this phone."""
        return tuple(self._at.get(device, ()))

    def devices_of(self, call: CallId) -> Iterable[str]:
        folder = self._folders.get(call)
        return folder.devices if folder else ()

    def heard_at(self, call: CallId) -> datetime:
        folder = self._folders.get(call)
        return folder.at if folder else NEVER

    # ---- as a book

    @property
    def live(self) -> tuple[Call, ...]:
        found = (self.live_call(call) for call in self.ids)
        return tuple(sorted((call for call in found if call), key=lambda call: call.offered_at))

    @property
    def live_count(self) -> int:
        """None is opened for it."""
        return len(self._folders)

    def live_call(self, call: CallId) -> Call | None:
        folder = self._folders.get(call)
        if folder is None:
            return None
        folder.read()
        return folder.call if folder.call and folder.call.is_live else None

    def call(self, call: CallId) -> Call | None:
        over = self._over.pop(call, None)
        if over:
            over.read()
            if over.call:
                super().close(over.call)
        return self.live_call(call) or super().call(call)

    def card(self, call: CallId) -> CustomerCard | None:
        folder = self._folders.get(call)
        if folder and folder.card:
            unread, folder.card = folder.card, b""
            super().put_card(read_body(unread, CustomerCard))
        return super().card(call)

    def journey(self, call: CallId) -> JourneyView | None:
        folder = self._folders.get(call)
        if folder and folder.journey:
            unread, folder.journey = folder.journey, b""
            super().put_journey(call, read_body(unread, JourneyView))
        return super().journey(call)

    def put(self, call: Call) -> None:
        self._into(call.id, (leg.party.device for leg in call.legs if leg.party.device)).call = call

    def put_card(self, card: CustomerCard) -> None:
        folder = self._folders.get(CallId(card.call))
        if folder:
            folder.card = b""
        super().put_card(card)

    def put_journey(self, call: CallId, journey: JourneyView) -> None:
        folder = self._folders.get(call)
        if folder:
            folder.journey = b""
        super().put_journey(call, journey)

    def close(self, call: Call) -> None:
        self._take(call.id)
        super().close(call)

    # ---- within

    def _into(self, call: CallId, about: Iterable[str], at: datetime = NEVER) -> _Folder:
        folder = self._folders.get(call)
        if folder is None:
            folder = self._folders[call] = _Folder()
        for device in about:
            if device not in folder.devices:
                folder.devices.add(device)
                self._at[device][call] = None
        folder.at = max(folder.at, at)
        return folder

    def _take(self, call: CallId) -> _Folder | None:
        folder = self._folders.pop(call, None)
        for device in folder.devices if folder else ():
            calls = self._at[device]
            calls.pop(call, None)
            if not calls:
                del self._at[device]
        return folder
