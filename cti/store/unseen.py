"""Calls whose end nobody here saw, and what the PBX's own records say of it.

A fact with ``"backfilled": true`` in its data was made of those records (``cti.reconcile``). Such facts count only where our
own do not tell all to the end: what was lived through is worth more than what was read up. So it does not matter in which order
the two come, nor whether a call was filled in that turns out to be known. Where they count, they tell all from the first gap on,
and take up what we saw behind it (``cti.reconcile.fill``): a colleague who came and went in the gap was there before.

A fact with ``"inferred": true`` was read off the PBX's lists on our return. A call with such a fact, and an end that we saw, is
marked all the same: as long as no records tell it, when it was answered, say, is known no better than that.
"""

from collections.abc import Sequence
from itertools import dropwhile
from typing import Any, Final

from cti.envelope import INFERRED, TYPE_OF, Envelope

BACKFILLED: Final = "backfilled"
FILLED_IN: Final = "#backfilled#"
"""In the id of every fact that was made of the PBX's records."""
UNSEEN: Final = frozenset({"resync", "pbx_restart"})
"""Why a call ended, as far as we can tell, when it was gone as we came back."""
_CLEARED: Final = "cti.call.cleared.v1"
_CALL_EVENTS: Final = frozenset(TYPE_OF.values())


def is_backfilled(fact: Envelope) -> bool:
    return fact.data.get(BACKFILLED) is True


def is_inferred(fact: Envelope) -> bool:
    return fact.data.get(INFERRED) is True


def what_counts(facts: Sequence[Envelope]) -> tuple[Sequence[Envelope], bool]:
    """The facts to go by, in order; and are there some among them that were not lived through, though we saw the end?"""
    read_up = [fact for fact in facts if is_backfilled(fact)]
    own = [fact for fact in facts if not is_backfilled(fact)] if read_up else facts
    is_partly = any(map(is_inferred, own))
    if _has_end(own) and not is_unseen(own) and not (is_partly and _has_end(read_up)):
        return own, is_partly
    if not _has_end(read_up):
        return facts, False  # none, or the filling in was cut short, and is done again
    return [*seen_through(own), *read_up], True


def is_unseen(facts: Sequence[Envelope]) -> bool:
    """Did the call end while nobody looked? ``facts`` are our own."""
    cleared = next((fact for fact in reversed(facts) if fact.type == _CLEARED), None)
    return cleared is not None and _cause(cleared.data) in UNSEEN


def before_unseen_end(facts: Sequence[Envelope]) -> list[Envelope]:
    """What was really seen: without the end that was only inferred, and what was inferred with it."""
    seen = list(facts)
    events = [n for n, fact in enumerate(seen) if fact.type in _CALL_EVENTS]
    ended = next((n for n in events if seen[n].type == _CLEARED), None)
    if ended is None:
        return seen
    at, gone = seen[ended].time, set[int]()
    for number in reversed(events):
        is_inferred = _cause(seen[number].data) in UNSEEN or (
            seen[number].time == at and seen[number].type == "cti.call.connection_cleared.v1"
        )
        if not is_inferred:
            break
        gone.add(number)
    return [fact for number, fact in enumerate(seen) if number not in gone]


def seen_through(facts: Sequence[Envelope]) -> list[Envelope]:
    """What was seen without a gap: until something was found on our return, be it that the call was gone."""
    gap = {id(fact) for fact in seen_after_gap(facts)}
    return [fact for fact in before_unseen_end(facts) if id(fact) not in gap]


def seen_after_gap(facts: Sequence[Envelope]) -> list[Envelope]:
    """The events of a call from where it was found on our return."""
    events = [fact for fact in before_unseen_end(facts) if fact.type in _CALL_EVENTS]
    return list(dropwhile(lambda fact: not is_inferred(fact), events))


def _has_end(facts: Sequence[Envelope]) -> bool:
    return any(fact.type == _CLEARED for fact in facts)


def _cause(data: dict[str, Any]) -> str:
    return str(data.get("cause", ""))
