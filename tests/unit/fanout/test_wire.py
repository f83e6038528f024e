"""Batches: numbered, bounded, and read by those who know fewer kinds."""

import msgspec
import pytest

from cti.fanout.bus import Answer, Ask
from cti.fanout.entry import Entry, Kind
from cti.fanout.wire import (
    Order,
    Outgoing,
    Seen,
    decode_answer,
    decode_ask,
    decode_batch,
    encode_answer,
    encode_ask,
)

ENTRY = Entry(kind=Kind.CALL, key="c", about=("PJSIP/1",), sender="a", epoch=3, at=1.5, body=b'{"x":[1]}')


def filled(count: int, **limits: int) -> Outgoing:
    outgoing = Outgoing("w", **limits)
    for nr in range(count):
        outgoing.put(Entry(kind=Kind.CALL, key=str(nr), body=b"12345678"))
    return outgoing


def keys(outgoing: Outgoing) -> list[str]:
    found = [entry.key for entry in decode_batch(outgoing.batch()).entries]
    outgoing.sent()
    return found


def test_an_entry_comes_out_as_it_went_in() -> None:
    outgoing = Outgoing("w")
    outgoing.put(ENTRY)
    assert list(decode_batch(outgoing.batch()).entries) == [ENTRY]


def test_what_was_not_sent_is_sent_again_as_it_was() -> None:
    outgoing = filled(1)
    first = outgoing.batch()
    outgoing.put(ENTRY)
    assert outgoing.batch() == first
    outgoing.sent()
    assert decode_batch(outgoing.batch()).nr == 2
    outgoing.sent()
    assert (outgoing.batch(), outgoing.is_waiting) == (b"", False)


def test_a_batch_is_bounded() -> None:
    outgoing = filled(100)
    assert [len(keys(outgoing)), len(keys(outgoing))] == [64, 36]
    large = Outgoing("w")
    for _ in range(3):
        large.put(Entry(kind=Kind.CARD, body=b'"' + b"x" * 65_000 + b'"'))
    assert len(keys(large)) == 2


def test_a_whole_batch_waits_for_no_company() -> None:
    large = Outgoing("w")
    large.put(Entry(kind=Kind.CARD, body=b"1" * 65_536))
    found = [outgoing.fills_a_batch for outgoing in (filled(63), filled(64), large)]
    assert found == [False, True, True]


@pytest.mark.parametrize("limits", [{"most": 3}, {"most_bytes": 24}])
def test_where_there_is_no_room_the_oldest_goes_and_readers_notice(limits: dict[str, int]) -> None:
    order, outgoing = Order(), filled(3, **limits)
    assert order.seen(decode_batch(outgoing.batch())) is Seen.NEXT
    outgoing.sent()
    for nr in range(5):
        assert outgoing.put(Entry(kind=Kind.CALL, key=f"n{nr}", body=b"12345678")) is (nr < 3)
    assert order.seen(decode_batch(outgoing.batch())) is Seen.AFTER_A_GAP
    assert keys(outgoing) == ["n2", "n3", "n4"]


def test_each_writer_is_counted_by_itself() -> None:
    order, one, other = Order(), filled(100), Outgoing("v")
    other.put(ENTRY)
    first = decode_batch(one.batch())
    assert [order.seen(first), order.seen(decode_batch(other.batch())), order.seen(first)] == [
        Seen.NEXT,
        Seen.NEXT,
        Seen.AGAIN,
    ]


def test_a_kind_of_a_later_version_is_passed_over() -> None:
    line = b'["w",1,[["holiday","",[],"a",1,0.0,null],["alive","",[],"a",1,0.0,null]]]'
    assert [entry.kind for entry in decode_batch(line).entries] == [Kind.ALIVE]


def test_what_is_no_batch_is_refused() -> None:
    for line in (b"", b"null", b'["w"]', b'{"writer":"w"}'):
        with pytest.raises(msgspec.DecodeError):
            decode_batch(line)


def test_asks_and_answers_come_out_as_they_went_in() -> None:
    ask = Ask(id="1", kind="dial", body=b'{"to":"2"}', sender="a", until=2.5)
    answer = Answer(ask="1", is_done=False, body=b'{"error":"NotNow"}')
    assert decode_ask(encode_ask(ask)) == ask
    assert decode_answer(encode_answer(answer)) == answer
