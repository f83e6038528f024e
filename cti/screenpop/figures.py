"""How far each pop came, and how fast: decided, sent, received, shown."""

import math
from bisect import bisect_left
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cti.agents.agent import AgentId
from cti.calls.call import CallId, PbxName
from cti.envelope import Envelope
from cti.errors import Forbidden

Step = Literal["decided", "sent", "received", "shown"]
STEPS: Final[tuple[Step, ...]] = ("decided", "sent", "received", "shown")
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RECENT: Final = 1000
_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A pop has come this far, ``ms`` after it was decided."""

    pop: str
    call: CallId
    pbx: PbxName
    agent: AgentId
    step: Step
    ms: float
    at: datetime


def fact(noted: Noted) -> Envelope:
    """The receipt as the record keeps it (``cti/store/interactions.py``). Told twice it is the same fact."""
    return Envelope(
        id=f"{noted.pop}#{noted.step}",
        source=f"/pbx/{noted.pbx}",
        type="cti.pop.receipt.v1",
        subject=noted.call,
        time=noted.at,
        sequence=0,
        data={"pop": noted.pop, "agent": noted.agent, "step": noted.step, "ms": noted.ms},
    )


@dataclass(slots=True)
class Histogram:
    """Since the start in buckets, and the last thousand by themselves."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0
    recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def observe(self, ms: float) -> None:
        self.counts[bisect_left(BUCKETS_S, ms / 1000)] += 1
        self.sum_s += ms / 1000
        self.recent_ms.append(ms)

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile_ms(self, share: float) -> float | None:
        """Of the last thousand; the nearest rank. None when there are none."""
        ordered = sorted(self.recent_ms)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(slots=True)
class _Known:
    agent: AgentId
    call: CallId
    pbx: PbxName
    decided_at: datetime
    steps: set[Step]


class Receipts:
    """Keeps the last ten thousand pops in mind; each step of each counts once, the first time it is said."""

    def __init__(self) -> None:
        self.steps: dict[Step, Histogram] = {step: Histogram() for step in STEPS}
        self._pops: OrderedDict[str, _Known] = OrderedDict()

    def decided(self, pop: str, call: CallId, pbx: PbxName, agent: AgentId, now: datetime) -> Noted:
        return self._note(pop, self.known(pop, call, pbx, agent, now), "decided", now)

    def known(self, pop: str, call: CallId, pbx: PbxName, agent: AgentId, decided_at: datetime) -> _Known:
        """One that another process decided. The same again, as a desktop comes back, is the same."""
        known = self._pops.setdefault(pop, _Known(agent, call, pbx, decided_at, set()))
        if len(self._pops) > _KNOWN:
            self._pops.popitem(last=False)
        return known

    def noted(self, pop: str, agent: AgentId, step: Step, now: datetime) -> Noted | None:
        """None for a step told before, and for a pop long gone. Raises ``Forbidden`` for another agent's pop."""
        known = self._pops.get(pop)
        if known is None:
            return None
        if known.agent != agent:
            raise Forbidden("not your pop")
        return None if step in known.steps else self._note(pop, known, step, now)

    def _note(self, pop: str, known: _Known, step: Step, now: datetime) -> Noted:
        ms = max(0.0, (now - known.decided_at).total_seconds() * 1000)
        known.steps.add(step)
        self.steps[step].observe(ms)
        return Noted(pop=pop, call=known.call, pbx=known.pbx, agent=known.agent, step=step, ms=ms, at=now)
