"""The live calls of one PBX: events in, changes out."""

from collections.abc import Iterable

from cti.calls.call import Anomaly, Call, CallId
from cti.calls.events import CallEvent, Offered
from cti.calls.transitions import CallChanged, advance, begin


class CallTracker:
    """Owns the live calls. An event that does not fit is an Anomaly to count and log; the call stays as it was."""

    def __init__(self) -> None:
        self._live: dict[CallId, Call] = {}

    def restore(self, calls: Iterable[Call]) -> None:
        """Take up calls that were live when the service stopped; the PBX's first snapshot says which still are."""
        self._live.update((call.id, call) for call in calls if call.is_live)

    def apply(self, event: CallEvent) -> CallChanged | Anomaly:
        known = self._live.get(event.call)
        if isinstance(event, Offered):
            if known:
                return Anomaly(event.call, known.state, "Offered", "offered twice")
            change: CallChanged | Anomaly = begin(event)
        elif known is None:
            return Anomaly(event.call, "unknown", type(event).__name__)
        else:
            change = advance(known, event)
        if isinstance(change, CallChanged):
            self._keep(change.after)
        return change

    def get(self, call: CallId) -> Call | None:
        return self._live.get(call)

    @property
    def live(self) -> tuple[Call, ...]:
        return tuple(self._live.values())

    def _keep(self, call: Call) -> None:
        if call.is_live:
            self._live[call.id] = call
        else:
            self._live.pop(call.id, None)
