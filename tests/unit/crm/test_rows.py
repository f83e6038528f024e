"""What a column says: a balance is read out to the customer, so it is exact or it is none."""

from decimal import Decimal

import pytest

from cti.crm.connectors.rows import money_of, text_of
from cti.crm.contact import Money


@pytest.mark.parametrize(
    ("amount", "exact"),
    [
        ("1140.50", "1140.50"),
        (Decimal("0.00000000"), "0"),
        (Decimal("1E+3"), "1000"),
        (1140.1, "1140.1"),
        (-12, "-12"),
        (" +7. ", "7"),
    ],
)
def test_an_amount_is_read_whatever_the_column_is(amount: object, exact: str) -> None:
    assert money_of(text_of(amount), "EUR") == Money(Decimal(exact), "EUR")


@pytest.mark.parametrize(
    "amount", ["", "1,140.50", "1.140,50", "EUR 5", "NaN", "1e9", "9" * 16, "\u0661\u0662", "5 6", None]
)
def test_of_an_amount_in_doubt_nothing_is_said(amount: object) -> None:
    assert money_of(text_of(amount), "EUR") is None


@pytest.mark.parametrize("currency", ["", "\u20ac", "EURO", "E1R"])
def test_an_amount_of_no_known_currency_is_none(currency: str) -> None:
    assert money_of("5", currency) is None


def test_a_currency_is_written_in_capitals() -> None:
    assert money_of("5", "eur") == Money(Decimal(5), "EUR")
