"""When two ways of writing a number mean the same one, as far as can be seen without knowing the country."""

import pytest

from cti.store.digits import ending, same_number


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+49301234567", "+49301234567"),
        ("+49301234567", "030 1234567"),
        ("+49301234567", "0049301234567"),
        ("0301234567", "030 123-45-67"),
        ("+85223456789", "23456789"),
        ("1001", "1001"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert same_number(one, other)
    assert same_number(other, one)
    assert ending(one) == ending(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+49301234567", "+49891234567"),
        ("+49301234567", "0891234567"),
        ("+498930123456", "+49930123456"),
        ("+49301234567", "+301234567"),
        ("+498991301234567", "1234567"),
        ("1001", "31001"),
        ("", ""),
        ("anonymous", ""),
        ("x", "y"),
    ],
)
def test_another(one: str, other: str) -> None:
    assert not same_number(one, other)
    assert not same_number(other, one)
