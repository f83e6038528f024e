"""Callbacks as work: who sees to one, and what came of it. Pure.

What people do is a fact ``cti.callback.changed.v1`` among those of the call that the wish was made in (same source and
subject), ``data`` ``{"callback", "state", "by", "note", "call"}``; ``call`` is the one placed for it, where there is one. What
does not fit is passed over: of two who claim at once, the one whose fact was recorded first has it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from cti.envelope import Envelope
from cti.store.journeys import Callback, CallbackState

CHANGED: Final = "cti.callback.changed.v1"
S: Final = CallbackState
_ENDINGS: Final = frozenset({S.DONE, S.FAILED, S.CANCELLED})
NEXT: Final[Mapping[CallbackState, frozenset[CallbackState]]] = {
    S.OPEN: frozenset({S.CLAIMED, S.DONE, S.CANCELLED}),  # closed without a claim: the customer has called meanwhile
    S.CLAIMED: frozenset({S.OPEN, *_ENDINGS}),
    S.FAILED: frozenset({S.CLAIMED, S.DONE, S.CANCELLED}),
    S.DONE: frozenset(),
    S.CANCELLED: frozenset(),
}


def changed(callback: Callback, facts: Iterable[Envelope]) -> Callback:
    """``callback`` as it was wished for, with what was done about it since, in the order it was recorded."""
    for fact in facts:
        if fact.type == CHANGED and fact.data.get("callback") == callback.id:
            callback = _after(callback, fact)
    return callback


def _after(known: Callback, fact: Envelope) -> Callback:
    state, by = str(fact.data.get("state", "")), str(fact.data.get("by", ""))
    call, note = str(fact.data.get("call", "")), str(fact.data.get("note", ""))
    if state == known.state == S.CLAIMED and by == known.claimed_by and call:
        return replace(known, last_call=call)
    if state not in NEXT[known.state]:
        return known
    moved = replace(
        known, state=S(state), changed_by=by, changed_at=fact.time, note=note or known.note,
        last_call=call or known.last_call, tries=known.tries + (state == S.FAILED),
    )  # fmt: skip
    if state == S.OPEN:
        return replace(moved, claimed_by="", claimed_at=None)
    return replace(moved, claimed_by=by, claimed_at=fact.time) if state == S.CLAIMED else moved
