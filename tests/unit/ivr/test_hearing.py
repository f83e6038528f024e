"""Keys one by one, and the answer they make."""

import pytest

from cti.ivr.hearing import Ear
from cti.ivr.requests import Ask, Heard
from cti.telephony.voice import Asked, LegId, PbxName, Sound
from tests.unit.ivr.playing import Line, at_once

WORDS = [Sound("welcome", "Welcome.")]


def line(keys: str = "", ahead: str = "") -> Line:
    return Line(Asked(pbx=PbxName("main"), leg=LegId("1.1"), ani=""), keys=keys, ahead=ahead)


def asked(most: int = 4, end: str = "#", alone: str = "") -> Ask:
    return Ask(lines=(), most=most, first_s=6, between_s=3, end=end, alone=frozenset(alone))


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        ("1234", Heard("1234", "full")),
        ("12345", Heard("1234", "full")),
        ("12#", Heard("12", "end")),
        ("12", Heard("12", "silence")),
        ("", Heard("", "silence")),
        ("#", Heard("", "end")),
        ("1*2#", Heard("1*2", "end")),
    ],
)
def test_what_makes_an_answer_complete(keys: str, heard: Heard) -> None:
    assert at_once(Ear(line(keys)).hear([], asked())) == heard


def test_a_key_can_be_a_whole_answer_when_it_comes_first_and_only_then() -> None:
    assert at_once(Ear(line("*99")).hear([], asked(alone="*"))) == Heard("*", "full")
    assert at_once(Ear(line("9*9#")).hear([], asked(alone="*"))) == Heard("9*9", "end")


def test_without_an_end_key_hash_is_a_key() -> None:
    assert at_once(Ear(line("#")).hear([], asked(most=1, end=""))) == Heard("#", "full")


def test_the_key_that_stops_the_words_is_the_first_of_the_answer() -> None:
    assert at_once(Ear(line("34#", ahead="12")).hear(WORDS, asked())) == Heard("1234", "full")


def test_a_key_during_words_counts_for_the_next_question_whose_words_are_not_said() -> None:
    phone = line("2#", ahead="1")
    ear = Ear(phone)
    at_once(ear.say(WORDS))
    assert at_once(ear.hear([Sound("more", "More.")], asked())) == Heard("12", "end")
    assert phone.said == ["Welcome."]


def test_the_first_key_may_take_longer_than_the_next() -> None:
    phone = line("1")
    began = phone.now
    at_once(Ear(phone).hear([], asked()))
    assert (phone.now - began).total_seconds() == pytest.approx(0.5 + 3)


def test_nothing_to_say_is_not_played() -> None:
    phone = line()
    at_once(Ear(phone).say([]))
    assert phone.said == []


def test_the_hash_behind_a_code_that_was_complete_without_it_counts_for_nothing() -> None:
    phone = line("1234")
    ear = Ear(phone)
    assert at_once(ear.hear(WORDS, asked())) == Heard("1234", "full")
    phone.ahead = "#2"
    assert at_once(ear.hear(WORDS, asked(most=1, end=""))) == Heard("2", "full")


def test_a_hash_counts_again_one_question_later() -> None:
    phone = line("1234")
    ear = Ear(phone)
    at_once(ear.hear(WORDS, asked()))
    at_once(ear.say(WORDS))
    phone.ahead = "#"
    assert at_once(ear.hear(WORDS, asked(most=1, end=""))) == Heard("#", "full")


def test_what_was_keyed_stands_in_no_repr() -> None:
    """A step does not log; but what fails may be logged with all its values."""
    assert "7391" not in repr(at_once(Ear(line("7391")).hear([], asked())))


def test_what_was_keyed_ahead_can_be_forgotten() -> None:
    ear = Ear(line(ahead="7"))
    at_once(ear.say(WORDS))
    ear.forget()
    assert at_once(ear.hear([], asked(most=1))) == Heard("", "silence")
