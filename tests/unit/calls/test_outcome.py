"""How a call ended, as the customer would say."""

from datetime import UTC, datetime

import pytest

from cti.calls.call import Call, CallId, Direction, Leg, LegId, LegState, Outcome, Party, PbxName, Role
from cti.calls.frozen import changed
from cti.calls.outcome import outcome_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENDED = Call(
    id=CallId("main-1.1"), pbx=PbxName("main"), direction=Direction.INBOUND, ani="0912345678", since=NOON, offered_at=NOON, ended_at=NOON, cause="normal"
)  # fmt: skip
CALLER = Leg(party=Party(leg=LegId("1.1"), role=Role.CUSTOMER), state=LegState.GONE)


def rang(cause: str) -> Leg:
    return Leg(party=Party(leg=LegId("1.2"), role=Role.AGENT), state=LegState.GONE, rang_at=NOON, cause=cause)


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        ({"answered_at": NOON}, Outcome.ANSWERED),
        ({"answered_at": NOON, "cause": "resync"}, Outcome.ANSWERED),
        ({"cause": "resync"}, Outcome.UNKNOWN),
        ({"cause": "pbx_restart"}, Outcome.UNKNOWN),
        ({"queued_at": NOON, "ended_by": "customer"}, Outcome.ABANDONED),
        ({"queued_at": NOON, "left_queue": "timeout"}, Outcome.QUEUE_TIMEOUT),
        ({"queued_at": NOON, "left_queue": "key"}, Outcome.QUEUE_EXIT),
        ({"queued_at": NOON, "left_queue": "empty"}, Outcome.QUEUE_EXIT),
        ({"legs": (CALLER, rang("no_answer"))}, Outcome.NO_ANSWER),
        ({"legs": (CALLER, rang("busy"))}, Outcome.BUSY),
        ({"legs": (CALLER, rang("cancelled")), "ended_by": "customer"}, Outcome.ABANDONED),
        ({"ended_by": "customer"}, Outcome.UNATTENDED),
        ({"cause": "congestion"}, Outcome.FAILED),
        ({"direction": Direction.OUTBOUND, "legs": (CALLER, rang("busy"))}, Outcome.BUSY),
        ({"direction": Direction.OUTBOUND, "legs": (CALLER, rang("no_answer"))}, Outcome.NO_ANSWER),
        ({"direction": Direction.OUTBOUND, "ended_by": "agent"}, Outcome.CANCELLED),
        ({"direction": Direction.OUTBOUND, "legs": (rang("no_answer"),)}, Outcome.CANCELLED),
        ({"direction": Direction.OUTBOUND, "cause": "unallocated"}, Outcome.FAILED),
        ({"direction": Direction.INTERNAL, "legs": (CALLER, rang("declined"))}, Outcome.BUSY),
    ],
)
def test_outcome(known: dict[str, object], outcome: Outcome) -> None:
    assert outcome_of(changed(ENDED, **known)) is outcome  # type: ignore[arg-type]


def test_a_call_that_went_on_in_another_is_merged() -> None:
    assert outcome_of(changed(ENDED, answered_at=NOON), into=CallId("main-0.1")) is Outcome.MERGED
