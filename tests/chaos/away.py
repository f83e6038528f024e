"""When we were not there, and what a row of our record says of it."""

from dataclasses import dataclass
from typing import Final

from cti.store.interactions import Interaction
from tests.chaos.truth import TrueCall

BACK_S: Final = 1.0
"""We may have been back for so long when we first say so."""
UNSEEN: Final = frozenset({"resync", "pbx_restart"})
"""Causes of calls whose end nobody of ours saw."""


@dataclass(frozen=True, slots=True)
class Away:
    """While we were not there, epoch seconds."""

    since: float
    until: float

    def has(self, at: float) -> bool:
        return self.since <= at <= self.until

    def meets(self, call: TrueCall) -> bool:
        return self.since <= (call.ended_at or self.until) and call.began_at <= self.until

    def has_end_of(self, call: TrueCall) -> bool:
        """Was the call over before we may have been back?"""
        return call.ended_at is not None and self.since <= call.ended_at <= self.until - BACK_S


def is_said(row: Interaction) -> bool:
    """Does it say that we did not see all of it?"""
    return row.is_backfilled or row.cause in UNSEEN
