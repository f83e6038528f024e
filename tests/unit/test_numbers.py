"""Telephone numbers: understood in their country, rendered from digits, masked in logs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti import numbers

FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}


@pytest.mark.parametrize(
    ("typed", "country", "e164"),
    [
        ("0912345678", "TW", "+886912345678"),
        ("+886 912 345 678", "TW", "+886912345678"),
        ("00886912345678", "DE", "+886912345678"),
        ("(02) 2345-6789", "TW", "+886223456789"),
        ("030 / 555 12 34", "DE", "+49305551234"),
        ("0912345678".translate(FULL_WIDTH), "TW", "+886912345678"),
        ("+44 7700 900123", "TW", "+447700900123"),
    ],
)
def test_a_number_is_understood_as_people_write_it(typed: str, country: str, e164: str) -> None:
    found = numbers.parse(typed, country=country)
    assert found is not None
    assert found.e164 == e164


@pytest.mark.parametrize(
    "typed", ["02-2345-6789 ext. 12", "02-2345-6789 x12", "02-2345-6789#12", "+886223456789;ext=12"]
)
def test_an_extension_behind_it_is_kept_apart(typed: str) -> None:
    found = numbers.parse(typed, country="TW")
    assert found is not None
    assert (found.e164, found.extension) == ("+886223456789", "12")


@pytest.mark.parametrize("typed", ["", "s", "anonymous", "2001", "abc", "1" * 65, "+", "<script>"])
def test_what_is_no_telephone_number_is_none(typed: str) -> None:
    assert numbers.parse(typed, country="TW") is None


@pytest.mark.parametrize("text", ["", "anonymous", "Anonymous", " unknown ", "<unknown>", "s", "private"])
def test_withheld(text: str) -> None:
    assert numbers.is_withheld(text)


def test_a_number_is_not_withheld() -> None:
    assert not numbers.is_withheld("0912345678")


@given(st.text(max_size=100))
def test_whatever_is_typed_only_digits_and_one_leading_plus_are_dialled(text: str) -> None:
    digits = numbers.dialled_digits(text)
    assert digits.removeprefix("+").isascii()
    assert set(digits.removeprefix("+")) <= set("0123456789")


@given(st.text(max_size=100), st.sampled_from(["TW", "DE", "US", "GB", "JP"]))
def test_whatever_is_typed_parses_or_does_not_and_says_the_same_again(text: str, country: str) -> None:
    found = numbers.parse(text, country=country)
    if found is not None:
        again = numbers.parse(found.e164, country=country)
        assert again is not None
        assert again.e164 == found.e164


@given(st.text("0123456789+ -", max_size=20))
def test_a_masked_number_shows_three_digits_at_most(typed: str) -> None:
    shown = numbers.masked(typed)
    assert sum(char.isdigit() for char in shown) <= 3
    assert len(shown) >= len(numbers.dialled_digits(typed)) - typed.count("+")


def test_masked() -> None:
    assert numbers.masked("0912345678") == "•••••••678"
    assert numbers.masked("2001") == "••••"
