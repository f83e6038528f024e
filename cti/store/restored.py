"""Facts of calls that were not cleared -> the calls as they were. What a restarted service takes up."""

from collections.abc import Iterable

from cti.calls.call import Call, CallId
from cti.calls.events import Offered
from cti.calls.transitions import CallChanged, advance, begin
from cti.envelope import Envelope, event_of


def restored_calls(facts: Iterable[Envelope]) -> tuple[Call, ...]:
    """The live ones. ``facts`` come call by call in their order; what does not fit is passed over."""
    calls: dict[CallId, Call] = {}
    for fact in facts:
        event = event_of(fact)
        if event is None:
            continue
        known = calls.get(event.call)
        if isinstance(event, Offered):
            calls.setdefault(event.call, begin(event).after)
        elif known is not None and fact.sequence > known.sequence:
            change = advance(known, event)
            if isinstance(change, CallChanged):
                calls[event.call] = change.after
    return tuple(call for call in calls.values() if call.is_live)
