"""Whom agents are about to call, so that the card is up before anybody's phone rings. Pure; time is handed in.

Of a call that begins the PBX tells the phone and not yet the number: the next call of the phone that was asked for is the one.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Call, CallId, Direction
from cti.crm.contact import ContactId
from cti.envelope import Envelope

PATIENCE: Final = timedelta(seconds=10)
"""The PBX begins a call within a second of being asked; what begins later was dialled by hand."""
_KEPT: Final = 2000


Placed = Callable[[CallId, datetime], Envelope]
"""The fact that this call was placed for something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    number: str
    """As the PBX was told it."""
    contact: ContactId | None = None
    """Whom the agent clicked on."""
    placed: Placed | None = None
    """What goes on record once there is a call."""


@dataclass(slots=True)
class DialledNumbers:
    _soon: dict[str, tuple[Dialled, datetime]] = field(default_factory=dict)
    """By phone."""
    _of_call: OrderedDict[CallId, Dialled] = field(default_factory=OrderedDict)

    def expect(self, device: str, dialled: Dialled, now: datetime) -> None:
        self._soon[device] = (dialled, now)

    def forget(self, device: str) -> None:
        """It did not come to a call."""
        self._soon.pop(device, None)

    def begins(self, call: Call, now: datetime) -> Dialled | None:
        """A call's first step. Whom it was placed for, if that was asked of us."""
        device = call.legs[0].party.device if call.legs else ""
        if call.direction is Direction.INBOUND or device not in self._soon:
            return None
        dialled, since = self._soon.pop(device)
        if now - since > PATIENCE:
            return None
        self._of_call[call.id] = dialled
        if len(self._of_call) > _KEPT:
            self._of_call.popitem(last=False)
        return dialled

    def of(self, call: CallId) -> Dialled | None:
        return self._of_call.get(call)
