"""An agent's intervals: one after the other, without a gap, however the facts came."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker
from cti.store.shifts import Interval, day_of, in_a_row, lies_in

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
S = AgentState


def begun(nr: int, minutes: float, state: AgentState, **more: object) -> Interval:
    at = NINE + timedelta(minutes=minutes)
    return Interval(agent=AgentId("mara"), began_at=at, nr=nr, state=state, made_by=Maker.AGENT, **more)  # type: ignore[arg-type]


TOLD = st.lists(st.tuples(st.integers(0, 480), st.sampled_from(S)), min_size=1, max_size=30).map(
    lambda told: [begun(nr, minutes, state) for nr, (minutes, state) in enumerate(told)]
)


@given(TOLD, st.randoms())
def test_no_interval_is_negative_and_none_overlaps(told: list[Interval], chance: object) -> None:
    row = in_a_row(told)
    assert [one.ended_at for one in row[:-1]] == [one.began_at for one in row[1:]]
    assert row[-1].ended_at is None
    assert all(one.ended_at >= one.began_at for one in row[:-1] if one.ended_at)
    chance.shuffle(told)  # type: ignore[attr-defined]
    assert in_a_row([*told, *row]) == row


@given(TOLD, st.integers(0, 500), st.integers(0, 500))
def test_the_sum_of_intervals_is_the_time_logged_in(told: list[Interval], first: int, second: int) -> None:
    since, until = (NINE + timedelta(minutes=min(first, second)), NINE + timedelta(minutes=max(first, second)))
    row = in_a_row(told)
    day = day_of([one for one in row if lies_in(one, since, until)], since, until)
    minutes = [since + timedelta(minutes=n) for n in range(int((until - since).total_seconds() // 60))]
    logged_in = sum(_state_at(row, at) is not S.LOGOUT for at in minutes)
    assert day.logged_in_s == logged_in * 60
    assert all(seconds >= 0 for seconds in day.seconds.values())


def _state_at(row: list[Interval], at: datetime) -> AgentState:
    """The last that began by then: zero-length ones have gone again."""
    return next((one.state for one in reversed(row) if one.began_at <= at), S.LOGOUT)


def test_a_day_adds_up() -> None:
    row = in_a_row(
        [
            begun(0, 0, S.READY),
            begun(1, 10, S.RESERVED, call="a"),
            begun(2, 11, S.TALKING, call="a"),
            begun(3, 15, S.HOLD, call="a"),
            begun(4, 16, S.TALKING, call="a"),
            begun(5, 20, S.WORK_READY, call="a"),
            begun(6, 22, S.RESERVED, call="b"),
            begun(7, 23, S.NOT_READY, missed=1),
            begun(8, 30, S.LOGOUT),
        ]
    )
    day = day_of(row, NINE, NINE + timedelta(hours=1))
    assert (day.logged_in_s, day.talk_s, day.hold_s, day.wrap_up_s) == (1800, 480, 60, 120)
    assert (day.handled, day.missed, day.average_handle_s) == (1, 1, 660)
    assert S.LOGOUT not in day.seconds


def test_a_day_without_calls_has_no_average() -> None:
    assert day_of([begun(0, 0, S.READY)], NINE, NINE + timedelta(hours=1)).average_handle_s is None
