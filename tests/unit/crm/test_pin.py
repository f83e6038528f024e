"""A PIN is right or wrong, and may be tried so and so often: by account, by number, by all together."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.crm import pin
from cti.crm.pin import Limit, PinLimits, PinResult, PinRules, check, hash_pin
from cti.errors import RequestError

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ADA, BELL = "1", "3"
ADAS, BELLS = "+491715550101", "+442079460018"
OK, WRONG, LOCKED = PinResult.OK, PinResult.WRONG, PinResult.LOCKED


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


# ---- is it right?


async def test_a_right_pin_is_right_and_another_is_not() -> None:
    known = hash_pin("739164")
    assert await check("739164", known)
    assert not await check("739165", known)
    assert not await check("", known)


@pytest.mark.parametrize("known", [None, "", "739164", "$argon2id$nonsense", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_without_a_hash_no_pin_is_right(known: str | None) -> None:
    assert not await check("739164", known)


def test_a_customer_without_a_pin_costs_the_same_work() -> None:
    """What takes as long, nobody tells apart by waiting."""
    assert argon2.extract_parameters(pin._nobodys()) == argon2.extract_parameters(hash_pin("739164"))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "6 to 12 digits"),
        ("73916", "6 to 12 digits"),
        ("7391640000001", "6 to 12 digits"),
        ("73916a", "6 to 12 digits"),
        ("\uff17\uff13\uff19\uff11\uff16\uff14", "6 to 12 digits"),
        (" 739164", "6 to 12 digits"),
        ("111111", "anybody tries"),
        ("123456", "anybody tries"),
        ("890123", "anybody tries"),
        ("210987", "anybody tries"),
        ("100200", "is no secret"),
    ],
)
def test_a_pin_that_is_soon_guessed_is_refused(typed: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        hash_pin(typed, code="100200")


def test_the_same_pin_never_has_the_same_hash() -> None:
    assert hash_pin("739164") != hash_pin("739164")


# ---- may it be tried?


def wrongly(limits: PinLimits, account: str, caller: str, now: datetime) -> PinResult:
    return limits.tried(account, caller, is_right=False, now=now)


def test_five_wrong_tries_lock_an_account_for_half_an_hour() -> None:
    limits = PinLimits(PinRules())
    assert [wrongly(limits, ADA, f"+4930555{n:04d}", at(n)) for n in range(6)] == [WRONG] * 5 + [LOCKED]
    assert not limits.allowed(ADA, ADAS, at(33.9))
    assert limits.allowed(ADA, ADAS, at(34))
    assert limits.allowed(BELL, ADAS, at(5))


def test_while_it_is_locked_even_a_right_pin_is_told_nothing() -> None:
    limits = PinLimits(PinRules())
    for n in range(5):
        wrongly(limits, ADA, ADAS, at(n))
    assert limits.tried(ADA, ADAS, is_right=True, now=at(5)) is LOCKED


def test_who_tries_on_does_not_keep_an_account_locked() -> None:
    limits = PinLimits(PinRules())
    for n in range(40):
        wrongly(limits, ADA, f"+4930555{n:04d}", at(n / 2))
    assert limits.allowed(ADA, ADAS, at(32))


def test_slips_of_another_day_are_forgotten() -> None:
    limits = PinLimits(PinRules())
    assert {wrongly(limits, ADA, ADAS, at(n * 8)) for n in range(50)} == {WRONG}


def test_a_right_pin_forgives_the_account_its_slips() -> None:
    limits = PinLimits(PinRules())
    for n in range(4):
        wrongly(limits, ADA, ADAS, at(n))
    assert limits.tried(ADA, ADAS, is_right=True, now=at(4)) is OK
    assert [wrongly(limits, ADA, ADAS, at(5 + n)) for n in range(4)] == [WRONG] * 4


def test_ones_own_pin_buys_no_tries_at_others() -> None:
    """Ten wrong from one number, however often its own account's PIN is keyed between."""
    limits = PinLimits(PinRules())
    told = []
    for n in range(12):
        told.append(wrongly(limits, f"other{n}", ADAS, at(n)))
        limits.tried(ADA, ADAS, is_right=True, now=at(n))
    assert told == [WRONG] * 10 + [LOCKED] * 2
    assert limits.allowed(ADA, BELLS, at(12))


@pytest.mark.parametrize("caller", ["", "anonymous", "Unavailable", "<unknown>", "alice"])
def test_all_who_withhold_their_number_count_as_one(caller: str) -> None:
    limits = PinLimits(PinRules())
    for n in range(30):
        assert wrongly(limits, f"account{n}", "anonymous", at(n / 10)) is WRONG
    assert not limits.allowed(ADA, caller, at(4))
    assert limits.allowed(ADA, ADAS, at(4))


def test_spelling_a_number_differently_makes_it_no_other() -> None:
    limits = PinLimits(PinRules())
    for n in range(10):
        wrongly(limits, f"account{n}", "+49 171 555-0101", at(n))
    assert not limits.allowed(ADA, ADAS, at(10))


def test_56_five_hundred_tries_over_many_numbers_lock_the_account() -> None:
    """Trust test 56, the PIN's half: a number of its own for each try does not help against the account's limit."""
    limits = PinLimits(PinRules())
    told = Counter(wrongly(limits, ADA, f"+4930{n:07d}", NINE + timedelta(seconds=n)) for n in range(500))
    assert told == {WRONG: 5, LOCKED: 495}
    assert limits.tried(ADA, ADAS, is_right=True, now=NINE + timedelta(seconds=500)) is LOCKED


def test_many_accounts_from_many_numbers_lock_all_for_ten_minutes() -> None:
    """One try at each account from a number of its own: only the sum shows it."""
    limits = PinLimits(PinRules())
    told = [wrongly(limits, f"account{n}", f"+4930{n:07d}", NINE + timedelta(seconds=n)) for n in range(400)]
    assert told == [WRONG] * 300 + [LOCKED] * 100
    assert not limits.allowed(ADA, ADAS, NINE + timedelta(seconds=898))
    assert limits.allowed(ADA, ADAS, NINE + timedelta(seconds=899))


# ---- whatever they try

RULES = PinRules(
    account=Limit(3, 100, 100), caller=Limit(4, 200, 200), withheld=Limit(5, 200, 100), overall=Limit(9, 100, 100)
)
TRIES = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "+491", "+492", "+493"]),
        st.booleans(),
    ),
    max_size=120,
)
Tried = tuple[datetime, str, str, PinResult]


def played(limits: PinLimits, tries: list[tuple[int, str, str, bool]]) -> list[Tried]:
    """Seconds since the try before, account, caller, right or not; whether it was let in is not asked: many are at once."""
    now, told = NINE, []
    for after_s, account, caller, is_right in tries:
        now += timedelta(seconds=after_s)
        told.append((now, account, caller, limits.tried(account, caller, is_right=is_right, now=now)))
    return told


def most_wrong(told: list[Tried], limit: Limit) -> int:
    """In any stretch of the window."""
    wrong = [when for when, _, _, result in told if result is WRONG]
    window = timedelta(seconds=limit.window_s)
    return max((sum(first <= when < first + window for when in wrong) for first in wrong), default=0)


@given(TRIES)
def test_no_account_is_answered_more_wrong_tries_than_its_limit(tries: list[tuple[int, str, str, bool]]) -> None:
    told = played(PinLimits(RULES), tries)
    for account in "abc":
        mine = [one for one in told if one[1] == account]
        cleared = [-1, *(n for n, one in enumerate(mine) if one[3] is OK), len(mine)]
        for before, after in pairwise(cleared):
            assert most_wrong(mine[before + 1 : after], RULES.account) <= RULES.account.most


@given(TRIES)
def test_no_caller_is_answered_more_wrong_tries_than_the_limit(tries: list[tuple[int, str, str, bool]]) -> None:
    told = played(PinLimits(RULES), tries)
    for caller in ("+491", "+492", "+493"):
        assert most_wrong([one for one in told if one[2] == caller], RULES.caller) <= RULES.caller.most
    assert most_wrong(told, RULES.overall) <= RULES.overall.most


@given(TRIES, st.integers(0, 300))
def test_a_restart_changes_no_limit(tries: list[tuple[int, str, str, bool]], later_s: int) -> None:
    """The record need not be in the order of time, only what happened at one moment in its own."""
    limits, restarted = PinLimits(RULES), PinLimits(RULES)
    told = played(limits, tries)
    restarted.restore(sorted(told, key=lambda one: one[0], reverse=True))
    now = (told[-1][0] if told else NINE) + timedelta(seconds=later_s)
    for account in "abc":
        for caller in ("", "+491", "+492", "+493"):
            assert limits.allowed(account, caller, now) == restarted.allowed(account, caller, now)


def test_a_record_out_of_order_is_put_in_order() -> None:
    """Facts that waited in the spool come late."""
    limits = PinLimits(PinRules())
    limits.restore((at(n), ADA, ADAS, "wrong") for n in (4, 3, 2, 1, 0))
    assert not limits.allowed(ADA, ADAS, at(33.9))


def test_a_restart_needs_no_more_of_the_record_than_it_asks_for() -> None:
    """All that is older has no say any more."""
    told = played(PinLimits(RULES), [(0, "a", "+491", False)] * 4)
    old, restarted = [(when - timedelta(seconds=RULES.looks_back_s), *rest) for when, *rest in told], PinLimits(RULES)
    restarted.restore((when, account, caller, result) for when, account, caller, result in old)
    assert restarted.allowed("a", "+491", NINE)


def test_what_could_not_be_checked_is_no_wrong_try() -> None:
    limits = PinLimits(PinRules())
    limits.restore((at(n), ADA, ADAS, "unavailable") for n in range(20))
    assert limits.allowed(ADA, ADAS, at(20))


@pytest.mark.parametrize("every_s", [0, 1, 10])
def test_memory_is_bounded_whatever_attackers_do(every_s: int) -> None:
    """A new account and a new number with every try: kept is what the limit on all lets through while it counts."""
    rules = PinRules()
    limits, most_kept = PinLimits(rules), 0
    for n in range(8_000):
        wrongly(limits, f"account{n}", f"+49{n:09d}", NINE + timedelta(seconds=every_s * n))
        counts = (limits._account, limits._caller, limits._withheld, limits._overall)
        most_kept = max(most_kept, *(len(count.wrong) + len(count.locked) for count in counts))
    rounds = 1 + rules.caller.window_s / rules.overall.locked_s
    assert 300 <= most_kept <= rules.overall.most * rounds
