"""When events happened: by the PBX's stamps, never backwards, and without the steps of its wall clock (trust test 39)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.pbx_clock import PbxClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def stamped(at: float | datetime | str) -> AmiMessage:
    text = f"{at.timestamp():.6f}" if isinstance(at, datetime) else str(at)
    return AmiMessage.of([("Event", "Newstate"), ("Timestamp", text)])


def read(
    clock: PbxClock,
    at: float | datetime | str,
    *,
    monotonic_s: float | None = None,
    received_at: datetime | None = None,
) -> datetime:
    return clock.time_of(stamped(at), received_at=received_at, monotonic_s=monotonic_s)


def test_a_stamp_is_the_time() -> None:
    assert read(PbxClock(), NOON) == NOON


def test_an_hour_forward_is_taken_back() -> None:
    clock = PbxClock()
    read(clock, NOON, monotonic_s=0.0)
    assert read(clock, NOON + timedelta(hours=1, seconds=10), monotonic_s=10.0) == NOON + timedelta(seconds=10)
    assert read(clock, NOON + timedelta(hours=1, seconds=20), monotonic_s=20.0) == NOON + timedelta(seconds=20)


def test_an_hour_back_is_taken_back() -> None:
    clock = PbxClock()
    read(clock, NOON, monotonic_s=0.0)
    assert read(clock, NOON - timedelta(hours=1) + timedelta(seconds=10), monotonic_s=10.0) == NOON + timedelta(
        seconds=10
    )


def test_forward_and_back_again_leaves_nothing() -> None:
    clock = PbxClock()
    read(clock, NOON, monotonic_s=0.0)
    read(clock, NOON + timedelta(hours=1, seconds=10), monotonic_s=10.0)
    assert read(clock, NOON + timedelta(seconds=20), monotonic_s=20.0) == NOON + timedelta(seconds=20)


def test_a_quiet_hour_is_no_step() -> None:
    clock = PbxClock()
    read(clock, NOON, monotonic_s=0.0)
    assert read(clock, NOON + timedelta(hours=1), monotonic_s=3600.0) == NOON + timedelta(hours=1)


def test_what_is_late_is_no_step() -> None:
    """We stood still, or the link did: six seconds of news come at once, each with the time it happened."""
    clock = PbxClock()
    read(clock, NOON, monotonic_s=0.0)
    late = [NOON + timedelta(seconds=after) for after in (0.1, 2.0, 4.0, 5.9)]
    assert [read(clock, at, monotonic_s=6.0) for at in late] == late
    assert read(clock, NOON + timedelta(seconds=7), monotonic_s=7.0) == NOON + timedelta(seconds=7)


def test_an_hour_back_and_forward_again_amid_late_news_is_taken_back() -> None:
    clock, hour = PbxClock(), timedelta(hours=1)
    read(clock, NOON, monotonic_s=0.0)
    read(clock, NOON + timedelta(seconds=1), monotonic_s=8.0)
    assert read(clock, NOON - hour + timedelta(seconds=10), monotonic_s=10.0) == NOON + timedelta(seconds=10)
    assert read(clock, NOON + timedelta(seconds=20), monotonic_s=20.0) == NOON + timedelta(seconds=20)


def test_a_clock_that_slowly_parts_from_ours_is_followed() -> None:
    """A day of it, and then a step: the step alone is taken back."""
    for drift in (0.0005, -0.0005):
        clock, day_s = PbxClock(), 86_400
        for passed_s in range(0, day_s + 1, 10):
            at = NOON + timedelta(seconds=passed_s * (1 + drift))
            assert read(clock, at, monotonic_s=float(passed_s)) == at
        assert read(clock, at + timedelta(hours=1), monotonic_s=float(day_s)) - at < timedelta(seconds=0.1)


def test_in_a_replay_a_clock_that_goes_back_goes_on_from_where_it_was() -> None:
    clock = PbxClock()
    read(clock, NOON)
    assert read(clock, NOON - timedelta(hours=1)) == NOON
    assert read(clock, NOON - timedelta(hours=1) + timedelta(seconds=5)) == NOON + timedelta(seconds=5)


def test_without_stamps_the_time_is_when_it_was_read() -> None:
    assert PbxClock().time_of(AmiMessage.of([("Event", "Newstate")]), received_at=NOON, monotonic_s=1.0) == NOON


def test_a_trace_without_stamps_has_the_seconds_in_which_channels_were_made() -> None:
    message = AmiMessage.of([("Event", "Newchannel"), ("Uniqueid", "pbx1-1795262400.12")])
    assert PbxClock().time_of(message, received_at=None, monotonic_s=None) == datetime.fromtimestamp(1795262400, UTC)


@given(st.lists(st.tuples(st.one_of(st.floats(), st.text(max_size=20)), st.floats(0, 1e9)), max_size=30))
def test_whatever_the_stamps_are_time_never_runs_back(stamps: list[tuple[float | str, float]]) -> None:
    clock = PbxClock()
    times = [
        read(clock, stamp, monotonic_s=monotonic_s) for stamp, monotonic_s in sorted(stamps, key=lambda pair: pair[1])
    ]
    assert times == sorted(times)
