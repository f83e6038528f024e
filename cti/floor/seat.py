"""One agent's place on the floor: the presence, the desktop, and how far the PBX has followed."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cti.agents.agent import Agent
from cti.agents.presence import Presence
from cti.agents.transitions import next_deadline
from cti.floor.membership import LOGGED_OUT, Stance, Wanted, stance, wanted
from cti.screenpop.messages import PresenceView


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an agent's desktop may be gone."""

    reload_s: float = 10.0
    """Before the agent is not ready."""
    restart_s: float = 30.0
    """The same after a restart of ours, when all desktops come back at once."""
    log_out_after_s: float = 3600.0


@dataclass(slots=True)
class Seat:
    agent: Agent
    presence: Presence
    is_known: bool = False
    """Has ever logged in; the PBX's queues are left alone until then."""
    is_on_roster: bool = True
    session: str = ""
    """Of the desktop there is, or that there was last."""
    has_desktop: bool = False
    gone_at: datetime | None = None
    """When the last desktop left; None also where nobody waits for one."""
    grace_s: float = 0.0
    is_gone_told: bool = False
    planned: datetime | None = None
    """The next deadline, as the floor's timer knows it."""
    former: tuple[Wanted, ...] = ()
    """Memberships that were of the agent's other phone or queues, and are to go."""
    trouble: str = ""
    is_settled: bool = False
    """The PBX has had it as wanted since the presence last changed."""
    mended_at: datetime | None = None
    mends: int = 0
    """In a row, each soon after the other."""
    shown: PresenceView | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One asks the PBX at a time."""
    again: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    _made_of: tuple[Agent, Stance, tuple[Wanted, ...]] | None = None
    _wants: tuple[Wanted, ...] = ()

    @property
    def wants(self) -> tuple[Wanted, ...]:
        """Made anew only when something has changed of what it is made of: it is asked for at every turn."""
        if not self.is_known:
            return ()
        made_of = (self.agent, stance(self.presence), self.former)
        if made_of != self._made_of:
            self._made_of, self._wants = made_of, (*wanted(self.agent, self.presence), *self.former)
        return self._wants

    def turns(self, presence: Presence) -> None:
        """The agent's presence is another now."""
        wants, self.presence = self.wants, presence
        self.is_settled = self.is_settled and self.wants == wants

    def missed_log_in(self, at: datetime | None) -> bool:
        """The page was opened while nobody kept states: since the agent logged out, as far as they ever were in."""
        return at is not None and (not self.is_known or at > self.presence.since)

    def comes(self, session: str) -> None:
        self.session, self.has_desktop = session, True
        self.gone_at, self.grace_s, self.is_gone_told = None, 0.0, False

    def becomes(self, agent: Agent, places: Collection[tuple[str, str]]) -> None:
        """What is known of the person has changed: another phone, other queues. ``places``: the phones and queues that are
        somebody's now, this agent's or another's, and theirs to say."""
        before, self.agent, self.is_on_roster = self.wants, agent, True
        self.former = tuple(
            replace(one, is_member=False, paused=True, reason=LOGGED_OUT, penalty=None)
            for one in before
            if (one.device, one.queue) not in places
        )

    def missing_at(self, patience: Patience) -> datetime | None:
        """When a desktop that is gone will be gone for too long."""
        if self.gone_at is None or self.is_gone_told or not self._is_expected:
            return None
        return self.gone_at + timedelta(seconds=self.grace_s or patience.reload_s)

    def log_out_at(self, patience: Patience) -> datetime | None:
        if self.gone_at is None or not self._is_expected:
            return None
        return self.gone_at + timedelta(seconds=patience.log_out_after_s)

    def deadline(self, patience: Patience) -> datetime | None:
        due = (next_deadline(self.presence), self.missing_at(patience), self.log_out_at(patience))
        return min((one for one in due if one), default=None)

    @property
    def _is_expected(self) -> bool:
        """Whoever is about to leave needs no desktop any more."""
        return self.presence.is_logged_in and not self.presence.leaves
