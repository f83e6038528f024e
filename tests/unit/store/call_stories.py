"""Calls told as facts, for tests of the record."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cti.calls.call import CallId, Direction, LegId, Party, PbxName, Role, TransferKind
from cti.calls.events import (
    CallEvent,
    Cleared,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Offered,
    Queued,
    Transferred,
)
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, of_change

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DEVICES = {"PJSIP/1001": "mara", "PJSIP/1002": "tom"}
CALLER = "+49301234567"


def facts_of(events: Iterable[CallEvent]) -> list[Envelope]:
    tracker = CallTracker()
    return [of_change(change) for event in events if isinstance(change := tracker.apply(event), CallChanged)]


class Story:
    """One call of PBX ``main`` or another. Times are seconds after ``begins``."""

    def __init__(self, name: str = "1.1", *, pbx: str = "main", begins: datetime = NINE) -> None:
        self.pbx, self.call, self.begins = PbxName(pbx), CallId(f"{pbx}-{name}"), begins

    def at(self, seconds: float) -> datetime:
        return self.begins + timedelta(seconds=seconds)

    def party(self, who: str, role: Role = Role.AGENT, *, number: str = "") -> Party:
        return Party(leg=LegId(f"{self.call}.{who}"), role=role, number=number or who, device=f"PJSIP/{who}")

    def offered(
        self, ani: str = CALLER, *, ani_name: str = "", dnis: str = "+4930900", keys: tuple[tuple[str, str], ...] = ()
    ) -> Offered:
        party = self.party("caller", Role.CUSTOMER, number=ani)
        return Offered(
            call=self.call, at=self.at(0), pbx=self.pbx, direction=Direction.INBOUND, ani=ani, ani_name=ani_name, dnis=dnis,
            keys=keys, party=party,
        )  # fmt: skip

    def dialled(self, who: str, number: str) -> Offered:
        return Offered(
            call=self.call,
            at=self.at(0),
            pbx=self.pbx,
            direction=Direction.OUTBOUND,
            ani=who,
            dnis=number,
            party=self.party(who),
        )

    def queued(self, queue: str = "billing", seconds: float = 1) -> Queued:
        return Queued(call=self.call, at=self.at(seconds), queue=queue)

    def rings(self, who: str, seconds: float, *, consult: bool = False) -> Delivered:
        return Delivered(call=self.call, at=self.at(seconds), party=self.party(who), consult=consult)

    def unanswered(self, who: str, seconds: float) -> Diverted:
        return Diverted(call=self.call, at=self.at(seconds), party=self.party(who), cause="no_answer")

    def answers(self, who: str, seconds: float, *, consult: bool = False) -> Established:
        return Established(call=self.call, at=self.at(seconds), party=self.party(who), consult=consult)

    def handed_over(self, by: str, to: str, seconds: float) -> Transferred:
        return Transferred(
            call=self.call,
            at=self.at(seconds),
            kind=TransferKind.ATTENDED,
            by=self.party(by),
            to_number=to,
            to=self.party(to),
        )

    def leaves(self, who: str, seconds: float) -> ConnectionCleared:
        return ConnectionCleared(call=self.call, at=self.at(seconds), party=self.party(who), cause="normal")

    def cleared(self, seconds: float, *, ended_by: str = "customer", cause: str = "normal") -> Cleared:
        return Cleared(call=self.call, at=self.at(seconds), cause=cause, ended_by=ended_by)

    def said(self, kind: str, fact: str = "said", /, *, seconds: float = 60, **data: object) -> Envelope:
        return Envelope(
            id=f"{self.call}#{fact}", source=f"/pbx/{self.pbx}", type=kind, subject=self.call, time=self.at(seconds), sequence=0,
            data=dict(data),
        )  # fmt: skip


def answered_call(
    name: str = "1.1",
    *,
    who: str = "1001",
    pbx: str = "main",
    begins: datetime = NINE,
    ani: str = CALLER,
    ani_name: str = "",
    queue: str = "billing",
) -> list[Envelope]:
    """Waits 10 s in a queue, 4 s of them while the phone rings, talks 30 s."""
    call = Story(name, pbx=pbx, begins=begins)
    return facts_of(
        [call.offered(ani, ani_name=ani_name), call.queued(queue, 1), call.rings(who, 7), call.answers(who, 11), call.leaves(who, 41), call.cleared(41)]
    )  # fmt: skip


def abandoned_call(
    name: str = "1.1", *, pbx: str = "main", begins: datetime = NINE, ani: str = CALLER
) -> list[Envelope]:
    call = Story(name, pbx=pbx, begins=begins)
    return facts_of([call.offered(ani), call.queued(), call.cleared(20)])
