"""Numbers have no gaps, late news replaces old news, and nothing grows without end."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cti.screenpop.messages import QueueDelta, QueueView
from cti.screenpop.outbox import Limits, Stream
from tests.unit.screenpop.stories import at


def news(name: str, waiting: int = 0) -> QueueDelta:
    return QueueDelta(seq=0, queue=QueueView(name=name, waiting=waiting))


def put(stream: Stream, name: str, waiting: int = 0) -> bool:
    return stream.put(("queue", name), news(name, waiting))


def take(stream: Stream, seconds: float = 0) -> tuple[int, str, int] | None:
    taken = stream.take(at(seconds))
    message = json.loads(taken[0]) if taken else None
    return (message["seq"], message["queue"]["name"], message["queue"]["waiting"]) if message else None


def test_messages_are_numbered_when_they_are_taken() -> None:
    stream = Stream("s", Limits())
    put(stream, "a")
    put(stream, "b")
    assert [take(stream), take(stream), take(stream)] == [(1, "a", 0), (2, "b", 0), None]


def test_a_later_message_about_the_same_thing_replaces_the_earlier_and_leaves_no_gap() -> None:
    stream = Stream("s", Limits())
    put(stream, "a", 1)
    put(stream, "b", 1)
    put(stream, "a", 2)
    assert [take(stream), take(stream), take(stream)] == [(1, "b", 1), (2, "a", 2), None]


def test_too_many_things_unread_is_too_far_behind() -> None:
    stream = Stream("s", Limits(waiting=2))
    assert [put(stream, name) for name in ("a", "b", "a", "c")] == [True, True, True, False]


def test_what_was_sent_after_a_number_can_be_sent_again() -> None:
    stream = Stream("s", Limits())
    for name in "abc":
        put(stream, name)
        take(stream)
    missed = stream.after(1)
    assert missed is not None
    assert [json.loads(frame)["seq"] for frame in missed] == [2, 3]
    assert stream.after(3) == []


def test_a_number_never_sent_cannot_be_resumed_from() -> None:
    assert Stream("s", Limits()).after(7) is None


def test_what_is_no_longer_kept_cannot_be_resumed_from() -> None:
    stream = Stream("s", Limits(kept=2))
    for name in "abcd":
        put(stream, name)
        take(stream)
    assert stream.after(1) is None
    assert stream.after(2) is not None


def test_sent_messages_are_kept_by_size_and_age_too() -> None:
    small, young = Stream("s", Limits(kept_bytes=150)), Stream("s", Limits(kept_s=10))
    for number, name in enumerate("abcd"):
        put(small, name)
        take(small)
        put(young, name)
        take(young, number * 8)
    assert small.after(2) is None
    assert young.after(1) is None
    assert young.after(2) is not None


@given(st.lists(st.one_of(st.tuples(st.just("put"), st.sampled_from("abcde")), st.just(("take", ""))), max_size=60))
def test_whatever_the_order_the_reader_sees_no_gap_and_ends_with_the_latest(steps: list[tuple[str, str]]) -> None:
    stream, latest, seen = Stream("s", Limits()), {}, []
    for number, (step, name) in enumerate(steps):
        if step == "put":
            put(stream, name, number)
            latest[name] = number
        elif taken := take(stream):
            seen.append(taken)
    while taken := take(stream):
        seen.append(taken)
    assert [seq for seq, _, _ in seen] == list(range(1, len(seen) + 1))
    assert latest == {name: waiting for _, name, waiting in seen}
