"""What the hub knows of calls: those that live, who is calling, how they came, and those that ended lately."""

from collections import OrderedDict
from typing import Final

from cti.calls.call import Call, CallId, CallState
from cti.screenpop.messages import CustomerCard, JourneyView

_ENDED_KEPT: Final = 5000
_JOURNEYS_KEPT: Final = 10_000
"""Enough for the live and the ended; a journey whose call is never heard of goes in its turn."""


class Book:
    def __init__(self, *, ended_kept: int = _ENDED_KEPT, journeys_kept: int = _JOURNEYS_KEPT) -> None:
        self._ended_kept = ended_kept
        self._journeys_kept = journeys_kept
        self._live: dict[CallId, Call] = {}
        self._parked: dict[CallId, Call] = {}
        self._ended: OrderedDict[CallId, Call] = OrderedDict()
        self._cards: dict[CallId, CustomerCard] = {}
        self._journeys: OrderedDict[CallId, JourneyView] = OrderedDict()

    @property
    def live(self) -> tuple[Call, ...]:
        """The oldest first."""
        return tuple(self._live.values())

    @property
    def live_count(self) -> int:
        return len(self._live)

    @property
    def parked(self) -> tuple[Call, ...]:
        """Those in a parking space, who was parked first comes first."""
        return tuple(self._parked.values())

    def live_call(self, call: CallId) -> Call | None:
        return self._live.get(call)

    def call(self, call: CallId) -> Call | None:
        """Live, or one of the last thousands that ended."""
        return self._live.get(call) or self._ended.get(call)

    def card(self, call: CallId) -> CustomerCard | None:
        return self._cards.get(call)

    def journey(self, call: CallId) -> JourneyView | None:
        return self._journeys.get(call)

    def put(self, call: Call) -> None:
        self._live[call.id] = call
        if call.state is CallState.PARKED:
            self._parked[call.id] = call
        else:
            self._parked.pop(call.id, None)

    def put_card(self, card: CustomerCard) -> None:
        self._cards[CallId(card.call)] = card

    def put_journey(self, call: CallId, journey: JourneyView) -> None:
        """Also of a call not heard of yet: the IVR may be quicker than the PBX's events."""
        self._journeys[call] = journey
        if len(self._journeys) > self._journeys_kept:
            self._journeys.popitem(last=False)

    def close(self, call: Call) -> None:
        """It is over. Who called is forgotten at once; the call and how it came are known a while longer."""
        self._live.pop(call.id, None)
        self._parked.pop(call.id, None)
        self._cards.pop(call.id, None)
        self._ended[call.id] = call
        if len(self._ended) > self._ended_kept:
            oldest, _ = self._ended.popitem(last=False)
            self._journeys.pop(oldest, None)
