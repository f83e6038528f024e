"""What is asked with a result: checked, with every mistake at once."""

import pytest

from cti.errors import RequestError
from cti.web.result_fields import checked
from cti.web.schemas import ResultChoice, ResultField

SOLD = ResultChoice(
    code="sold",
    label="Sold",
    fields=(
        ResultField(name="amount", label="Amount", kind="number", is_required=True),
        ResultField(name="visit", label="Day of the visit", kind="date"),
        ResultField(name="product", label="Product", kind="choice", choices=("Plus", "Basic")),
        ResultField(name="why", label="Why"),
    ),
)


def test_what_is_said_is_kept_and_what_is_empty_is_not() -> None:
    said = {"amount": " 129.50 ", "visit": "2026-12-24", "product": "Plus", "why": "  "}
    assert checked(SOLD, said) == {"amount": "129.50", "visit": "2026-12-24", "product": "Plus"}


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(RequestError) as refused:
        checked(SOLD, {"visit": "24.12.2026", "product": "Gold", "colour": "red"})
    assert str(refused.value) == (
        "Sold has no field colour; Amount is missing; Day of the visit is a date, such as 2026-12-24; "
        "Product is one of Plus, Basic"
    )


@pytest.mark.parametrize("amount", ["1,5", "12e3", "NaN", "١٢", "0x10", "1.", "--1", "9" * 30])
def test_what_is_no_number_is_refused(amount: str) -> None:
    with pytest.raises(RequestError, match=r"^Amount is a number, such as 129\.50$"):
        checked(SOLD, {"amount": amount})


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30", "20261224", "2026-W01-1", "٢٠٢٦-١٢-٢٤"])
def test_what_is_no_date_is_refused(day: str) -> None:
    with pytest.raises(RequestError, match=r"^Day of the visit is a date"):
        checked(SOLD, {"amount": "1", "visit": day})


def test_a_result_that_asks_for_nothing_takes_nothing() -> None:
    solved = ResultChoice(code="solved", label="Solved")
    assert checked(solved, {}) == {}
    with pytest.raises(RequestError, match="Solved has no field amount"):
        checked(solved, {"amount": "1"})
