"""Check digits: published examples, and what each rule is there for: one wrong digit is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ivr.check_digits import CHECKS


@pytest.mark.parametrize(
    ("rule", "digits"),
    [
        ("luhn", "79927398713"),
        ("luhn", "4111111111111111"),
        ("mod11", "0306406152"),  # ISBN 0-306-40615-2
        ("mod11", "0471958697"),  # ISBN 0-471-95869-7
        ("mod97", "79444"),  # 794 with its check digits
        ("mod97", "1"),
    ],
)
def test_a_number_that_exists_is_right(rule: str, digits: str) -> None:
    assert CHECKS[rule](digits)


@pytest.mark.parametrize("rule", sorted(CHECKS))
@given(digits=st.text("0123456789", min_size=1, max_size=10), place=st.integers(0, 9), by=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(rule: str, digits: str, place: int, by: int) -> None:
    """mod11's weights repeat no value below eleven digits, so this holds for all three."""
    place %= len(digits)
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert not (CHECKS[rule](digits) and CHECKS[rule](wrong))


@pytest.mark.parametrize("rule", ["mod11", "mod97"])
@given(digits=st.text("0123456789", min_size=2, max_size=10), place=st.integers(0, 8))
def test_neighbours_changed_about_are_noticed(rule: str, digits: str, place: int) -> None:
    place %= len(digits) - 1
    wrong = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    assert wrong == digits or not (CHECKS[rule](digits) and CHECKS[rule](wrong))
