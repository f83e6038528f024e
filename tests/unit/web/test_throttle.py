"""Guessing is slow; logging in is not."""

import pytest

from cti.errors import TooMany
from cti.web.throttle import PER_ACCOUNT, Throttle


def waits(throttle: Throttle, now_s: float, account: str = "mara", address: str = "10.0.0.1") -> float:
    try:
        throttle.check(account, address, now_s)
    except TooMany as no:
        return no.retry_after_s
    return 0


def guess(throttle: Throttle, times: int, account: str = "mara", address: str = "10.0.0.1", now_s: float = 0) -> None:
    for _ in range(times):
        throttle.tried(account, address, now_s)


def test_a_few_mistakes_cost_nothing() -> None:
    throttle = Throttle()
    guess(throttle, 4)
    assert waits(throttle, 0) == 0


def test_each_further_one_doubles_the_wait_up_to_five_minutes() -> None:
    throttle, waited = Throttle(), []
    for number in range(20):
        guess(throttle, 1, address=str(number))
        waited.append(waits(throttle, 0, address="x"))
    assert waited[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert PER_ACCOUNT.longest_s == waited[-1]


def test_other_accounts_are_not_in_the_way() -> None:
    throttle = Throttle()
    guess(throttle, 20)
    assert waits(throttle, 0, account="jon") == 0


def test_one_address_with_many_names_is_slowed() -> None:
    throttle = Throttle()
    for number in range(40):
        guess(throttle, 1, account=str(number))
    assert waits(throttle, 0, account="fresh") > 0
    assert waits(throttle, 0, account="fresh", address="10.0.0.2") == 0


def test_many_addresses_with_many_names_are_slowed_to_one_a_second() -> None:
    throttle = Throttle()
    for number in range(400):
        guess(throttle, 1, account=str(number), address=str(number))
    assert waits(throttle, 0, account="fresh", address="fresh") == 1
    assert waits(throttle, 1, account="fresh", address="fresh") == 0


def test_getting_in_forgets_ones_own_mistakes_but_not_the_addresss() -> None:
    throttle = Throttle()
    guess(throttle, 40)
    throttle.succeeded("mara", "10.0.0.1")
    assert waits(throttle, 0) > 0
    assert waits(throttle, 0, address="10.0.0.2") == 0


def test_a_site_that_logs_in_in_the_morning_is_not_slowed() -> None:
    throttle = Throttle()
    for number in range(500):
        throttle.check(str(number), "10.0.0.1", 0)
        throttle.tried(str(number), "10.0.0.1", 0)
        throttle.succeeded(str(number), "10.0.0.1")
    assert waits(throttle, 0) == 0


def test_after_a_quarter_of_an_hour_all_is_forgotten() -> None:
    throttle = Throttle()
    guess(throttle, 50)
    assert waits(throttle, 901) == 0
    guess(throttle, 1, now_s=901)
    assert waits(throttle, 901) == 0


def test_it_remembers_only_so_many() -> None:
    throttle = Throttle()
    for number in range(30_000):
        guess(throttle, 1, account=str(number), address=str(number))
    assert len(throttle._known) == 20_000


def test_the_words_say_nothing_about_the_account() -> None:
    throttle = Throttle()
    guess(throttle, 9)
    with pytest.raises(TooMany, match="too many attempts"):
        throttle.check("mara", "10.0.0.1", 0)
