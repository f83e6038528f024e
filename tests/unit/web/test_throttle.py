"""Guessing is slow; logging in is not."""

import contextlib
import heapq
import itertools
import random

import pytest

from cti.errors import TooMany
from cti.web.throttle import IN_ALL, PER_ACCOUNT, PER_ADDRESS, Throttle

SITE = "10.0.0.1"
HOUR_S = 3600
LOOK_S = 0.25
"""As long as a password is looked at on a busy machine."""


def waits(throttle: Throttle, now_s: float, account: str = "mara", address: str = SITE) -> float:
    try:
        throttle.begins(account, address, now_s)
    except TooMany as no:
        return no.retry_after_s
    throttle.ends(account, address)
    return 0


def guess(throttle: Throttle, times: int, account: str = "mara", address: str = SITE, now_s: float = 0) -> None:
    for _ in range(times):
        throttle.wrong(account, address, now_s)


def begin(throttle: Throttle, tries: list[tuple[str, str]], now_s: float) -> list[tuple[str, str]]:
    """At the same moment, before what became of any is known; those that were let."""
    let = []
    for account, address in tries:
        with contextlib.suppress(TooMany):
            throttle.begins(account, address, now_s)
            let.append((account, address))
    return let


def guesses_within(throttle: Throttle, seconds: int, *, people: int, addresses: int = 1, together: int = 1) -> int:
    """By one who tries each second, so many at the same moment, wherever it is let."""
    done, numbers = 0, itertools.count()
    for now_s in range(seconds):
        tries = [(str(one % people), f"6.6.6.{one % addresses}") for one in itertools.islice(numbers, together)]
        let = begin(throttle, tries, now_s)
        for account, address in let:
            throttle.ends(account, address)
            throttle.wrong(account, address, now_s)
        done += len(let)
    return done


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


def test_the_wait_is_there_a_moment_later_too() -> None:
    throttle = Throttle()
    guess(throttle, 7)
    assert waits(throttle, 0.5) == 4
    assert waits(throttle, 4) == 0


def test_other_accounts_are_not_in_the_way() -> None:
    throttle = Throttle()
    guess(throttle, 20)
    assert waits(throttle, 0, account="jon") == 0


def test_tries_at_one_account_at_the_same_moment_count_too() -> None:
    throttle = Throttle()
    for _ in range(PER_ACCOUNT.free):
        throttle.begins("mara", SITE, 0)
    assert (waits(throttle, 0), waits(throttle, 0, account="jon")) == (1, 0)
    throttle.ends("mara", SITE)
    assert waits(throttle, 0) == 0


def test_a_try_that_nobody_could_look_at_is_no_mistake() -> None:
    throttle = Throttle()
    for _ in range(100):
        throttle.begins("mara", SITE, 0)
        throttle.ends("mara", SITE)
    assert waits(throttle, 0) == 0


def test_one_address_with_many_names_is_slowed() -> None:
    throttle = Throttle()
    for number in range(40):
        guess(throttle, 1, account=str(number))
    assert waits(throttle, 0, account="fresh") == PER_ADDRESS.longest_s
    assert waits(throttle, 0, account="fresh", address="10.0.0.2") == 0


def test_47_one_persons_password_is_guessed_at_three_hundred_times_a_day() -> None:
    assert guesses_within(Throttle(), 24 * HOUR_S, people=1, addresses=50) < 310


@pytest.mark.parametrize("together", [1, 40])
def test_47_many_peoples_from_one_address_at_a_hundred_and_fifty_in_the_first_hour(together: int) -> None:
    assert 100 < guesses_within(Throttle(), HOUR_S, people=600, together=together) < 160


def test_47_tries_at_many_people_from_one_address_at_the_same_moment_are_no_more_than_one_after_another() -> None:
    throttle = Throttle()
    bursts = [guesses_of_a_burst(throttle, at_s) for at_s in (0, 60.5, 121, 181.5)]
    assert bursts == [PER_ADDRESS.free, 2, 2, 2]  # one is forgotten every 30 s


def guesses_of_a_burst(throttle: Throttle, at_s: float) -> int:
    let = begin(throttle, [(f"{at_s}-{number}", SITE) for number in range(200)], at_s)
    for account, address in let:
        throttle.ends(account, address)
        throttle.wrong(account, address, at_s)
    return len(let)


def test_many_addresses_with_many_names_are_slowed_to_one_a_second() -> None:
    throttle = Throttle()
    for number in range(400):
        guess(throttle, 1, account=str(number), address=str(number))
    assert waits(throttle, 0, account="fresh", address="fresh") == 1
    assert waits(throttle, 1, account="fresh", address="fresh") == 0


def test_47_many_addresses_with_many_names_get_one_a_second_at_the_same_moment_too() -> None:
    within_a_minute = guesses_within(Throttle(), 60, people=10_000, addresses=10_000, together=400)
    assert within_a_minute == IN_ALL.free + 59


def test_getting_in_takes_back_ones_own_mistakes_and_nobody_elses() -> None:
    throttle = Throttle()
    guess(throttle, 20)
    for number in range(19):
        guess(throttle, 1, account=str(number))
    assert waits(throttle, 0, account="fresh") > 0
    throttle.right("mara", SITE, 0)
    assert (waits(throttle, 0), waits(throttle, 0, account="fresh")) == (0, 0)
    guess(throttle, 11, account="jon")
    assert waits(throttle, 0, account="fresh") > 0
    throttle.right("mara", SITE, 0)
    assert waits(throttle, 0, account="fresh") > 0


def site_in_the_morning(*, people: int, within_s: float, mistakes: int) -> tuple[int, int]:
    """How many of those who know their password are in, and how many were told to wait. 7 % mistype it first, so many times."""
    rolls, throttle = random.Random(1), Throttle()
    coming = [
        (rolls.uniform(0, within_s), str(one), mistakes * (rolls.random() < 0.07), False) for one in range(people)
    ]
    heapq.heapify(coming)
    inside = refused = 0
    while coming:
        now_s, account, wrong, is_looked_at = heapq.heappop(coming)
        if not is_looked_at:
            is_let = begin(throttle, [(account, SITE)], now_s)
            refused += not is_let
            heapq.heappush(coming, (now_s + (LOOK_S if is_let else 1), account, wrong, bool(is_let)))
            continue
        throttle.ends(account, SITE)
        if wrong:
            throttle.wrong(account, SITE, now_s)
            heapq.heappush(coming, (now_s + 5, account, wrong - 1, False))
        else:
            throttle.right(account, SITE, now_s)
            inside += 1
    return inside, refused


@pytest.mark.parametrize(("within_s", "mistakes"), [(1200, 1), (1200, 3), (120, 1)])
def test_600_who_come_from_one_address_and_mistype_now_and_then_never_wait(within_s: float, mistakes: int) -> None:
    assert site_in_the_morning(people=600, within_s=within_s, mistakes=mistakes) == (600, 0)


def test_after_somebodys_guessing_the_others_of_that_address_wait_a_minute_and_no_longer() -> None:
    throttle = Throttle()
    for number in range(60):
        guess(throttle, 1, account=f"guessed{number}", now_s=number)
    assert waits(throttle, 60, account="mara") == PER_ADDRESS.longest_s - 1
    for now_s in range(119, 4 * HOUR_S, 5):
        assert waits(throttle, now_s, account=str(now_s)) == 0
        throttle.right(str(now_s), SITE, now_s)


def test_what_nobody_takes_back_is_forgotten_one_by_one() -> None:
    throttle = Throttle()
    for number in range(PER_ADDRESS.free):
        guess(throttle, 1, account=str(number))
    assert waits(throttle, 1, account="fresh") == 0
    guess(throttle, 1, account="another", now_s=PER_ADDRESS.forget_s)
    assert waits(throttle, PER_ADDRESS.forget_s, account="fresh") == 1
    assert waits(throttle, PER_ADDRESS.forget_s * 2, account="fresh") == 0


def test_it_remembers_only_so_many() -> None:
    throttle = Throttle()
    for number in range(30_000):
        guess(throttle, 1, account=str(number), address=str(number))
    assert len(throttle._wrong) == 20_000


def test_the_words_say_nothing_about_the_account() -> None:
    throttle = Throttle()
    guess(throttle, 9)
    with pytest.raises(TooMany, match="too many attempts"):
        throttle.begins("mara", SITE, 0)
