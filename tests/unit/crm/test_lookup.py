"""Who is calling: the chain, the time it may take, and what an agent is told when nobody is found."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Answer, Contact, ContactId, Found, Match, MatchedBy, Unavailable, Unknown
from cti.crm.lookup import SLOW, Lookup, LookupRules
from cti.errors import CrmAuthFailed, CrmUnavailable, StoreUnavailable
from cti.numbers import Number
from tests.unit.crm.people import ADA, BELL, CARTER, EVERYBODY, WANG

RULES = LookupRules(country="DE", budget_s=0.05, patience_s=5.0, failures_to_open=3, retry_after_s=15.0, fresh_s=60.0)
ADAS = "+491715550101"
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Site:
    """A connector that can be slow, away or wrong, a clock that is set by hand, and an agent who rules contacts out."""

    def __init__(self, contacts: Iterable[Contact] = EVERYBODY) -> None:
        self.inner = MemoryConnector(contacts, country="DE", name="crm")
        self.name = "crm"
        self.asked: list[str] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.never: frozenset[str] = frozenset()
        self.error: Exception | None = None
        self.errors: dict[str, Exception] = {}
        self.seconds = 0.0
        self.rulings: frozenset[str] = frozenset()
        self.rulings_asked: list[str] = []
        self.store_error: Exception | None = None
        self.is_store_frozen = False

    async def _pass(self, key: str) -> None:
        self.asked.append(key)
        await self.is_open.wait()
        if key in self.never:
            await asyncio.Event().wait()
        if error := self.errors.get(key, self.error):
            raise error

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        await self._pass(number.e164)
        return await self.inner.find_by_number(number)

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        await self._pass(code)
        return await self.inner.find_by_code(code)

    async def get(self, contact: ContactId) -> Contact | None:
        await self._pass(contact)
        return await self.inner.get(contact)

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        raise NotImplementedError

    async def close(self) -> None:
        pass

    async def ruled_out(self, number: str) -> frozenset[str]:
        self.rulings_asked.append(number)
        if self.is_store_frozen:
            await asyncio.Event().wait()
        if self.store_error:
            raise self.store_error
        return self.rulings


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def lookup(site: Site) -> AsyncIterator[Lookup]:
    made = Lookup(
        site,
        RULES,
        ruled_out=site.ruled_out,
        now=lambda: NINE + timedelta(seconds=site.seconds),
        monotonic=lambda: site.seconds,
    )
    yield made
    await made.close()


async def who(lookup: Lookup, number: str = "", **keys: str) -> object:
    return await lookup.who(keys=keys, number=number, budget_s=5.0)


async def test_a_known_number_is_found_with_why(lookup: Lookup) -> None:
    answer = await who(lookup, ADAS)
    assert isinstance(answer, Found)
    assert [(match.contact.name, match.by, match.value) for match in answer.matches] == [
        ("Ada Example", MatchedBy.NUMBER, "+49 171 5550101")
    ]
    assert (answer.source, answer.at) == ("crm", NINE)


async def test_a_code_is_surer_than_the_number(lookup: Lookup, site: Site) -> None:
    answer = await who(lookup, ADAS, customer_code="4712")
    assert isinstance(answer, Found)
    assert [(match.contact.name, match.by) for match in answer.matches] == [(WANG.name, MatchedBy.CODE)]
    assert site.asked == ["4712", ADAS]


async def test_a_wrong_code_leads_on_to_the_number(lookup: Lookup) -> None:
    answer = await who(lookup, ADAS, customer_code="9999")
    assert isinstance(answer, Found)
    assert answer.matches[0].contact.name == "Ada Example"


async def test_why_nobody_was_found_is_said(lookup: Lookup) -> None:
    assert await who(lookup, "+49 30 999 9999", customer_code="9999") == Unknown(
        "no record with customer code 9999; no record with +49 30 9999999"
    )


async def test_several_are_all_offered(lookup: Lookup) -> None:
    answer = await who(lookup, "+442079460018")
    assert isinstance(answer, Found)
    assert [match.contact.id for match in answer.matches] == [BELL.id, CARTER.id]


@pytest.mark.parametrize("number", ["", "anonymous", "Anonymous", "Unavailable", "<unknown>"])
async def test_a_withheld_number_is_a_normal_case(lookup: Lookup, site: Site, number: str) -> None:
    assert await who(lookup, number) == Unknown("number withheld")
    assert site.asked == []


@pytest.mark.parametrize("number", ["1001", "42"])
async def test_an_extension_is_a_colleague(lookup: Lookup, site: Site, number: str) -> None:
    assert await who(lookup, number) == Unknown(f"{number} is an extension of this site")
    assert site.asked == []


@pytest.mark.parametrize("number", ["'; DROP TABLE", "9" * 100, "+", "\x00"])
async def test_what_is_no_number_is_not_asked_for(lookup: Lookup, site: Site, number: str) -> None:
    answer = await who(lookup, number)
    assert isinstance(answer, Unknown)
    assert "no telephone number" in answer.reason
    assert site.asked == []


async def test_a_stranger_never_shows_the_caller_before(lookup: Lookup) -> None:
    assert isinstance(await who(lookup, ADAS), Found)
    for stranger in ("+491715550102", "", "1001"):
        assert isinstance(await who(lookup, stranger), Unknown)


async def test_a_contact_ruled_out_is_not_offered_again(lookup: Lookup, site: Site) -> None:
    site.rulings = frozenset({BELL.id})
    answer = await who(lookup, "+442079460018")
    assert isinstance(answer, Found)
    assert [match.contact.id for match in answer.matches] == [CARTER.id]


async def test_a_ruling_counts_at_once_though_the_answer_is_kept(lookup: Lookup, site: Site) -> None:
    await who(lookup, ADAS)
    site.rulings = frozenset({ADA.id})
    assert await who(lookup, ADAS) == Unknown(
        "an agent said that +49 171 5550101 is not the number of the record that has it"
    )
    assert len(site.asked) == 1


async def test_who_keys_in_a_code_is_not_ruled_out_by_a_number(lookup: Lookup, site: Site) -> None:
    site.rulings = frozenset({ADA.id})
    assert isinstance(await who(lookup, ADAS, customer_code="4711"), Found)


async def test_without_the_record_nobody_is_ruled_out(lookup: Lookup, site: Site) -> None:
    site.store_error = StoreUnavailable("away")
    assert isinstance(await who(lookup, ADAS), Found)


@pytest.mark.parametrize(("budget_s", "ruling_s"), [(5.0, 0.01), (0.05, 0.2)])
async def test_a_record_that_stands_still_does_not_keep_back_who_calls(
    site: Site, budget_s: float, ruling_s: float
) -> None:
    """Not for ever, and not the budget either: the customer system has answered."""
    site.is_store_frozen = True
    lookup = Lookup(site, replace(RULES, ruling_s=ruling_s), ruled_out=site.ruled_out)
    asked = lookup.start(keys={}, number=ADAS)
    first = await asked.answer(budget_s)
    assert isinstance(first, Found) if budget_s > ruling_s else first == Unavailable(SLOW)
    assert isinstance(await asked.late(), Found)
    await lookup.close()


async def test_a_slow_answer_comes_late_but_comes(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    asked = lookup.start(keys={}, number=ADAS)
    assert await asked.answer() == Unavailable(SLOW)
    assert asked.is_pending
    site.is_open.set()
    late = await asked.late()
    assert isinstance(late, Found)
    assert not asked.is_pending
    assert await asked.answer() == late


async def test_a_system_that_hangs_holds_up_a_task_for_each_question_and_no_more(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    before = len(asyncio.all_tasks())
    asked = [lookup.start(keys={"customer_code": "4712"}, number=number) for number in (ADAS, "0171 5550101")]
    for one in asked:
        assert await one.answer(budget_s=0.01) == Unavailable(SLOW)
    assert (len(asyncio.all_tasks()) - before, site.asked) == (2, ["4712", ADAS])


async def test_no_answer_at_all_ends_too(site: Site) -> None:
    site.is_open.clear()
    lookup = Lookup(site, LookupRules(country="DE", patience_s=0.01))
    answer = await lookup.start(keys={}, number=ADAS).late()
    assert answer == Unavailable("the customer system did not answer within 0.01 s")
    await lookup.close()


async def test_who_joins_a_question_late_hears_how_it_ended(site: Site) -> None:
    """The first asker's patience ends with the question's own; that must not look like a stop to the second."""
    site.is_open.clear()
    lookup = Lookup(site, LookupRules(country="DE", patience_s=0.1))
    first = lookup.start(keys={}, number=ADAS)
    await first.answer(budget_s=0.05)
    second = lookup.start(keys={}, number=ADAS)
    assert await second.late() == Unavailable("the customer system did not answer within 0.1 s")
    await lookup.close()


async def test_two_calls_of_one_number_ask_once(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    one, other = lookup.start(keys={}, number=ADAS), lookup.start(keys={}, number="0171 5550101")
    await asyncio.sleep(0)
    site.is_open.set()
    assert await one.late() == await other.late()
    assert site.asked == [ADAS]


async def test_a_caller_who_hangs_up_does_not_take_the_others_answer(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    one, other = lookup.start(keys={}, number=ADAS), lookup.start(keys={}, number=ADAS)
    waiting = asyncio.create_task(one.answer(budget_s=5.0))
    await asyncio.sleep(0)
    waiting.cancel()
    site.is_open.set()
    assert isinstance(await other.late(), Found)
    assert isinstance(await one.late(), Found)


async def test_an_answer_serves_again_with_its_age(lookup: Lookup, site: Site) -> None:
    await who(lookup, ADAS)
    site.seconds = 59.0
    answer = await who(lookup, ADAS)
    assert isinstance(answer, Found)
    assert (len(site.asked), answer.at) == (1, NINE)


async def test_an_old_answer_does_not_serve(lookup: Lookup, site: Site) -> None:
    await who(lookup, ADAS)
    site.seconds = 60.0
    await who(lookup, ADAS)
    assert len(site.asked) == 2


async def test_whoever_asks_freshly_is_answered_freshly(lookup: Lookup, site: Site) -> None:
    await who(lookup, ADAS)
    await lookup.start(keys={}, number=ADAS, is_fresh=True).late()
    assert len(site.asked) == 2


async def test_who_was_unknown_may_have_been_entered_meanwhile(lookup: Lookup, site: Site) -> None:
    assert isinstance(await who(lookup, "+491715550102"), Unknown)
    assert isinstance(await who(lookup, "+491715550102"), Unknown)
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CrmUnavailable("no route"), "no route"),
        (CrmAuthFailed("denied"), "the customer system refuses our account"),
        (ZeroDivisionError("a bug"), "the customer system's answer could not be used"),
    ],
)
async def test_a_failure_is_an_answer(lookup: Lookup, site: Site, error: Exception, reason: str) -> None:
    site.error = error
    assert await who(lookup, ADAS) == Unavailable(reason)


async def test_a_system_that_keeps_failing_is_left_alone(lookup: Lookup, site: Site) -> None:
    site.error = CrmUnavailable("down")
    for _ in range(5):
        await who(lookup, ADAS)
    assert len(site.asked) == 3
    assert await who(lookup, ADAS) == Unavailable("the customer system is not answering; it will be asked again soon")


async def test_after_a_while_one_call_tries_again(lookup: Lookup, site: Site) -> None:
    site.error = CrmUnavailable("down")
    for _ in range(3):
        await who(lookup, ADAS)
    site.seconds, site.error = 15.0, None
    site.is_open.clear()
    probe, other = lookup.start(keys={}, number=ADAS), lookup.start(keys={}, number="+442079460018")
    assert await probe.answer() == Unavailable(SLOW)
    assert isinstance(await other.late(), Unavailable)
    site.is_open.set()
    assert isinstance(await probe.late(), Found)
    assert isinstance(await who(lookup, "+442079460018"), Found)


async def test_a_failed_try_waits_again(lookup: Lookup, site: Site) -> None:
    site.error = CrmUnavailable("down")
    for _ in range(3):
        await who(lookup, ADAS)
    site.seconds = 15.0
    await who(lookup, ADAS)
    site.seconds = 29.0
    await who(lookup, ADAS)
    assert len(site.asked) == 4


async def test_an_unreachable_system_does_not_hide_that_a_number_was_withheld(lookup: Lookup, site: Site) -> None:
    site.error = CrmUnavailable("down")
    assert await who(lookup, "anonymous") == Unknown("number withheld")


async def test_stopping_answers_who_still_waits(site: Site) -> None:
    site.is_open.clear()
    lookup = Lookup(site, RULES)
    asked = lookup.start(keys={}, number=ADAS)
    await asyncio.sleep(0)
    await lookup.close()
    assert await asked.late() == Unavailable("the service is stopping")


# ---- who the caller says they are, and what their number says


async def found(lookup: Lookup, *, contact: str = "", code: str = "", number: str = "") -> Found:
    keys = {"customer_code": code} if code else {}
    answer = await lookup.start(keys=keys, number=number, contact=contact).late()
    assert isinstance(answer, Found)
    return answer


def names(matches: tuple[Match, ...]) -> list[str]:
    return [match.contact.name for match in matches]


async def test_whom_the_caller_named_is_who_it_is(lookup: Lookup) -> None:
    answer = await found(lookup, contact=WANG.id, code="4713", number=ADAS)
    assert [(match.contact.name, match.by, match.value) for match in answer.matches] == [
        (WANG.name, MatchedBy.IVR, "4712")
    ]


async def test_a_customer_named_but_gone_leads_on_to_code_and_number(lookup: Lookup) -> None:
    assert names((await found(lookup, contact="99", code="4713")).matches) == [BELL.name]
    assert names((await found(lookup, contact="99", code="9999", number=ADAS)).matches) == [ADA.name]
    answer = await lookup.start(keys={}, number="", contact="99").late()
    assert answer == Unknown("the customer named is not on record; number withheld")


@pytest.mark.parametrize("said", [{"contact": WANG.id}, {"code": "4712"}])
async def test_a_number_of_somebody_else_is_told_beside(lookup: Lookup, said: dict[str, str]) -> None:
    answer = await found(lookup, **said, number=ADAS)
    assert (names(answer.matches), names(answer.disagrees)) == ([WANG.name], [ADA.name])


@pytest.mark.parametrize("number", [ADAS, "030 1234567", "", "anonymous", "1001", "+491715550102", "no number"])
async def test_a_number_that_agrees_or_says_nothing_is_no_disagreement(lookup: Lookup, number: str) -> None:
    answer = await found(lookup, contact=ADA.id, number=number)
    assert (names(answer.matches), answer.disagrees) == ([ADA.name], ())


async def test_one_of_those_who_share_the_number_agrees(lookup: Lookup) -> None:
    assert (await found(lookup, code="4714", number="+442079460018")).disagrees == ()


async def test_whom_an_agent_ruled_out_does_not_disagree(lookup: Lookup, site: Site) -> None:
    site.rulings = frozenset({ADA.id})
    assert (await found(lookup, contact=WANG.id, number=ADAS)).disagrees == ()


async def test_whose_number_it_is_by_their_own_word_is_asked_about_no_further(lookup: Lookup, site: Site) -> None:
    """Whoever was ruled out, nobody else has it: a question less while the phone rings."""
    await found(lookup, contact=ADA.id, number=ADAS)
    assert site.rulings_asked == []
    await found(lookup, contact=WANG.id, number=ADAS)
    assert site.rulings_asked == [ADAS]


async def test_both_are_asked_at_once(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    asked = lookup.start(keys={}, number=ADAS, contact=WANG.id)
    assert await asked.answer() == Unavailable(SLOW)
    assert site.asked == [WANG.id, ADAS]


async def test_a_number_that_cannot_be_asked_spoils_nothing(lookup: Lookup, site: Site) -> None:
    site.errors = {ADAS: CrmUnavailable("no route")}
    answer = await found(lookup, contact=WANG.id, number=ADAS)
    assert (names(answer.matches), answer.disagrees) == ([WANG.name], ())


async def test_a_number_that_takes_for_ever_holds_nobody_up(site: Site) -> None:
    """The budget is enough for it; patience is for those of whom nothing is known yet."""
    site.never = frozenset({ADAS})
    lookup = Lookup(site, LookupRules(country="DE", budget_s=0.02, patience_s=3600))
    asked = lookup.start(keys={}, number=ADAS, contact=WANG.id)
    async with asyncio.timeout(5):
        first, late = await asked.answer(), await asked.late()
    assert first == late
    assert isinstance(first, Found)
    assert names(first.matches) == [WANG.name]
    await lookup.close()


async def test_who_was_named_is_the_answer_when_time_is_up(lookup: Lookup, site: Site) -> None:
    """Asked with less time than the number may take: it is not slow, it is who they said."""
    site.never = frozenset({ADAS})
    asked = lookup.start(keys={}, number=ADAS, contact=WANG.id)
    await asyncio.sleep(0)
    answer = await asked.answer(budget_s=0.01)
    assert isinstance(answer, Found)
    assert not asked.is_pending


async def test_a_customer_system_that_fails_shows_nobody_elses_card(lookup: Lookup, site: Site) -> None:
    """The caller said who they are: whose number it is would be a guess against their word."""
    site.errors = {WANG.id: CrmUnavailable("no route")}
    assert await lookup.start(keys={}, number=ADAS, contact=WANG.id).late() == Unavailable("no route")


async def test_after_failures_the_one_question_is_who_they_say_they_are(site: Site) -> None:
    """The number waits until that is answered, and is not refused for it."""
    lookup = Lookup(site, replace(RULES, budget_s=5.0), monotonic=lambda: site.seconds)
    site.error = CrmUnavailable("down")
    for _ in range(3):
        await who(lookup, ADAS)
    site.seconds, site.error, site.asked = 15.0, None, []
    site.is_open.clear()
    asked = lookup.start(keys={}, number=ADAS, contact=WANG.id)
    assert await asked.answer(budget_s=0.01) == Unavailable(SLOW)
    assert site.asked == [WANG.id]
    site.is_open.set()
    answer = await asked.late()
    assert isinstance(answer, Found)
    assert names(answer.disagrees) == [ADA.name]
    await lookup.close()


async def test_who_was_named_is_known_for_a_while(lookup: Lookup, site: Site) -> None:
    await found(lookup, contact=WANG.id)
    assert names((await found(lookup, contact=WANG.id)).matches) == [WANG.name]
    assert site.asked == [WANG.id]


async def test_whoever_was_corrected_is_asked_for_anew(lookup: Lookup, site: Site) -> None:
    await lookup.who(keys={}, number=ADAS)
    site.inner.put(replace(ADA, name="Ada Byron"))
    assert names_in(await lookup.who(keys={}, number=ADAS)) == ["Ada Example"]
    await lookup.forget(ADA)
    assert names_in(await lookup.who(keys={}, number=ADAS)) == ["Ada Byron"]


async def test_a_question_under_way_while_somebody_is_corrected_is_not_kept(lookup: Lookup, site: Site) -> None:
    site.is_open.clear()
    before = lookup.start(keys={}, number=ADAS)
    assert await before.answer(budget_s=0.01) == Unavailable(SLOW)
    await lookup.forget(ADA)
    site.is_open.set()
    assert names_in(await before.late()) == ["Ada Example"]
    await lookup.who(keys={}, number=ADAS)
    assert site.asked == [ADAS, ADAS]


def names_in(answer: Answer) -> list[str]:
    assert isinstance(answer, Found)
    return [match.contact.name for match in answer.matches]
