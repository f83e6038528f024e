"""PINs of callers: the customer system's answer within its budget, and no more tries than the rules allow."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from cti.calls.call import CallId, PbxName
from cti.calls.journey import PinTried
from cti.crm.contact import ContactId
from cti.crm.pin import Limit, PinLimits, PinRules, hash_pin
from cti.errors import CrmAuthFailed, CrmError, CrmUnavailable
from cti.ivr import pins as module
from cti.ivr.pins import Pins
from cti.ivr.requests import PinResult
from cti.journeys import journey_event_of, of_journey
from tests.conftest import Canaries, LogLines
from tests.unit.ivr.playing import AMY, NOON

PIN: Final = Canaries().pin
ANI: Final = Canaries().number
HASHES: Final = {AMY.id: hash_pin(PIN)}
RULES: Final = PinRules(account=Limit(3, 600, 600), caller=Limit(9, 600, 600), overall=Limit(50, 600, 600))


@dataclass(slots=True)
class Hashes:
    """A customer system that can be slow, or away."""

    error: Exception | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def pin_hash(self, contact: ContactId) -> str | None:
        self.asked.append(contact)
        await self.is_open.wait()
        if self.error:
            raise self.error
        return HASHES.get(contact)


@dataclass(slots=True)
class Desk:
    customers: Hashes = field(default_factory=Hashes)
    now: Any = NOON
    pins: Pins = field(init=False)
    limits: PinLimits = field(init=False)

    def __post_init__(self) -> None:
        self.begins_anew()

    def begins_anew(self, *, floor_s: float = 0, limits: PinLimits | None = None) -> None:
        self.limits = limits or PinLimits(RULES)
        self.pins = Pins(self.customers, self.limits, clock=lambda: self.now, floor_s=floor_s)  # type: ignore[arg-type]

    async def tries(self, *keyed: str, contact: str = AMY.id, caller: str = ANI) -> list[PinResult]:
        return [await self.pins.check(ContactId(contact), one, caller) for one in keyed]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def tried(result: PinResult, *, nr: int, seconds: float = 0) -> PinTried:
    """As the record gives it back."""
    event = PinTried(
        call=CallId("c"), pbx=PbxName("main"), at=NOON + timedelta(seconds=seconds), session="s", nr=nr, contact=AMY.id,
        caller=ANI, result=result.value,
    )  # fmt: skip
    back = journey_event_of(of_journey(event))
    assert isinstance(back, PinTried)
    return back


async def test_the_right_one_and_a_wrong_one(desk: Desk) -> None:
    assert await desk.tries("739165", PIN) == [PinResult.WRONG, PinResult.OK]


async def test_a_customer_without_a_pin_is_told_what_one_with_a_wrong_pin_is_told(desk: Desk) -> None:
    assert await desk.tries(PIN, contact="nobody") == [PinResult.WRONG]


async def test_too_many_wrong_ones_lock_also_the_right_one_and_nobody_is_asked_any_more(desk: Desk) -> None:
    assert await desk.tries("1", "2", "3", PIN) == [PinResult.WRONG] * 3 + [PinResult.LOCKED]
    assert desk.customers.asked == [AMY.id] * 3
    desk.now += timedelta(seconds=601)
    assert await desk.tries(PIN) == [PinResult.OK]


async def test_as_many_at_once_as_one_after_another(desk: Desk) -> None:
    """Nineteen calls, let in together before any has an answer: three get one."""
    desk.customers.is_open.clear()
    trying = [asyncio.create_task(desk.tries(f"{number}")) for number in range(19)]
    while len(desk.customers.asked) < 19:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0)
    desk.customers.is_open.set()
    results = [result for (result,) in await asyncio.gather(*trying)]
    assert (results.count(PinResult.WRONG), results.count(PinResult.LOCKED)) == (3, 16)
    assert await desk.tries(PIN) == [PinResult.LOCKED]


@pytest.mark.parametrize(
    "error",
    [CrmUnavailable("away"), CrmAuthFailed("refused"), CrmError("odd"), KeyError("a mistake of ours"), OSError("broken")],
    ids=repr,
)  # fmt: skip
async def test_a_customer_system_that_fails_is_unavailable_and_costs_no_try(desk: Desk, error: Exception) -> None:
    desk.customers.error = error
    assert set(await desk.tries(*"12345")) == {PinResult.UNAVAILABLE}
    desk.customers.error = None
    assert await desk.tries(PIN) == [PinResult.OK]


async def test_a_customer_system_that_hangs_is_unavailable_and_costs_no_try(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    monkeypatch.setattr(module, "BUDGET_S", 0.01)
    desk.customers.is_open.clear()
    async with asyncio.timeout(5):
        assert set(await desk.tries(*"12345")) == {PinResult.UNAVAILABLE}
    assert {line["reason"] for line in log_lines()} == {"no answer within 0.01 s"}
    desk.customers.is_open.set()
    monkeypatch.undo()
    assert await desk.tries(PIN) == [PinResult.OK]


# ---- how soon


@pytest.mark.parametrize("wrong_before", [0, 3], ids=["wrong", "locked"])
async def test_no_answer_comes_before_its_time(desk: Desk, monkeypatch: pytest.MonkeyPatch, wrong_before: int) -> None:
    await desk.tries(*"123"[:wrong_before])
    floor, slept = asyncio.Event(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await floor.wait()

    desk.begins_anew(floor_s=0.8, limits=desk.limits)
    monkeypatch.setattr("asyncio.sleep", sleep)
    checking = asyncio.create_task(desk.tries("1"))
    is_answered, _ = await asyncio.wait({checking}, timeout=0.3)
    assert (not is_answered, slept) == (True, [0.8])
    floor.set()
    assert await checking == [PinResult.LOCKED if wrong_before else PinResult.WRONG]


async def test_who_comes_when_too_many_wait_is_sent_on_and_it_costs_no_try(desk: Desk, log_lines: LogLines) -> None:
    desk.customers.is_open.clear()
    waiting = [asyncio.create_task(desk.tries("1", contact=f"c{nr}", caller=f"09{nr}")) for nr in range(50)]
    while len(desk.customers.asked) < 50:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0)
    assert await desk.tries(*"12345") == [PinResult.UNAVAILABLE] * 5
    assert {line["reason"] for line in log_lines()} == {"50 are waiting already"}
    desk.customers.is_open.set()
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await desk.tries(PIN) == [PinResult.OK]


# ---- over restarts


@pytest.mark.parametrize("order", [list, reversed], ids=["in order", "backwards"])
async def test_a_restart_forgives_nobody(desk: Desk, order: Callable[..., Any]) -> None:
    desk.pins.restore(order([tried(PinResult.WRONG, nr=nr, seconds=nr) for nr in range(3)]))
    desk.now += timedelta(seconds=5)
    assert await desk.tries(PIN) == [PinResult.LOCKED]
    desk.now += timedelta(seconds=600)
    assert await desk.tries(PIN) == [PinResult.OK]


async def test_what_was_right_before_the_restart_cleared_the_account(desk: Desk) -> None:
    wrong, right = PinResult.WRONG, PinResult.OK
    desk.pins.restore(tried(one, nr=nr, seconds=nr) for nr, one in enumerate((wrong, wrong, right, wrong)))
    desk.now += timedelta(seconds=5)
    assert await desk.tries("1", PIN) == [PinResult.WRONG, PinResult.OK]


async def test_what_was_locked_or_unavailable_counts_nothing_after_the_restart(desk: Desk) -> None:
    desk.pins.restore(tried(one, nr=nr) for nr, one in enumerate((PinResult.LOCKED, PinResult.UNAVAILABLE) * 5))
    assert await desk.tries(PIN) == [PinResult.OK]


# ---- secrets


async def test_a_pin_is_in_no_log(desk: Desk, canaries: Canaries, log_lines: LogLines) -> None:
    await desk.tries(PIN)
    desk.customers.error = CrmUnavailable("away")
    await desk.tries(PIN)
    desk.customers.error = KeyError("a mistake of ours")
    await desk.tries(PIN)
    assert len(log_lines()) == 2
    assert canaries.found_in(repr(log_lines())) == []
