"""Steps about who the caller is and what is theirs: identify, authenticate, tell."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.journey import CallbackRequested, Identified, IvrOutcome, KnownBy, LeftBy, PinTried
from cti.crm.contact import Case, Contact, ContactId, Money, Order, Unavailable
from cti.ivr.requests import CheckPin, FindCustomer, PinResult
from cti.ivr.step import Caller
from cti.journeys import of_journey
from tests.unit.ivr.playing import AMY, ANI, GONE, World, flow_of, found, one, play

IDENTIFY = """kind = "identify"
max = 5
found = "found"
unknown = "unknown"
unavailable = "away"
person = "person"
"""
CANNOT_FIND = "Sorry, I cannot find that."
ASKED = "Please enter your customer code, and then the hash key. To speak to a person instead, press star."


def known() -> World:
    return World(customers={"88301": found(AMY)})


# ---- identify


def test_a_code_and_a_yes_say_who_it_is() -> None:
    told = play(one(IDENTIFY), "88301", "1", world=known())
    assert told.of(Identified)[0].contact == AMY.id
    assert (told.first.how, told.first.to, told.first.keyed) == (LeftBy.DONE, "found", "88301")
    assert told.session.caller.customer == AMY
    assert told.session.caller.is_verified is False


def test_what_was_keyed_and_as_what_is_told() -> None:
    world = known()
    told = play(one(IDENTIFY + 'by = "order"\n'), "88301", "1", world=world)
    assert world.asked == [FindCustomer(KnownBy.ORDER, "88301")]
    (who,) = told.of(Identified)
    assert (who.by, who.value, who.name, who.code) == (KnownBy.ORDER, "88301", "Amy Lin", "88301")


def test_the_name_is_never_said_whole() -> None:
    told = play(one(IDENTIFY), "88301", "1", world=known())
    assert told.said[1] == "I have found the account of A, L . If that is you, press 1. Otherwise press 2."
    assert not any("Amy" in said or "Lin" in said for said in told.said)


def test_silence_lets_the_name_stand() -> None:
    assert play(one(IDENTIFY), "88301", "", world=known()).first.to == "found"


def test_a_no_is_a_no_and_another_code_can_be_keyed() -> None:
    world = World(customers={"88301": found(AMY), "88302": found(replace(AMY, id=ContactId("8"), name="Bo Chen"))})
    told = play(one(IDENTIFY), "88301", "2", "88302", "1", world=world)
    assert [who.contact for who in told.of(Identified)] == ["8"]
    assert told.first.failures == 1
    assert CANNOT_FIND not in told.said


def test_a_no_each_time_ends_unknown() -> None:
    told = play(one(IDENTIFY + "tries = 2\n"), "88301", "2", "88301", "2", world=known())
    assert (told.first.how, told.first.to, told.of(Identified)) == (LeftBy.NOT_FOUND, "unknown", [])


def test_no_confirmation_where_the_flow_wants_none() -> None:
    told = play(one(IDENTIFY + "confirm = false\n"), "88301", world=known())
    assert told.first.to == "found"
    assert told.said == (ASKED,)


def test_an_unknown_code_is_asked_again_and_then_let_be() -> None:
    told = play(one(IDENTIFY), "1#", "2#", "3#", world=known())
    assert told.said == (ASKED, CANNOT_FIND) * 3
    assert (told.first.how, told.first.to, told.first.keyed, told.first.failures) == (
        LeftBy.NOT_FOUND, "unknown", "3", 3,
    )  # fmt: skip


def test_of_two_customers_with_one_code_nobody_is_guessed() -> None:
    world = World(customers={"88301": found(AMY, replace(AMY, id=ContactId("8")))})
    told = play(one(IDENTIFY + "tries = 1\n"), "88301", world=world)
    assert (told.first.how, told.first.to, told.of(Identified)) == (LeftBy.NOT_FOUND, "unknown", [])
    assert told.said[-1] == CANNOT_FIND


def test_silence_and_garbage_are_told_what_was_wrong() -> None:
    told = play(one(IDENTIFY + "min = 3\n"), "", "12#", "88301", "1", world=known())
    assert told.said[1::2][:2] == ("Sorry, I did not hear anything.", "Sorry, that does not look right.")
    assert told.first.failures == 2


def test_silence_to_the_end_is_no_input() -> None:
    first = play(one(IDENTIFY), world=known()).first
    assert (first.how, first.to, first.keyed) == (LeftBy.NO_INPUT, "unknown", "")


def test_garbage_to_the_end_is_no_match() -> None:
    assert play(one(IDENTIFY + "min = 3\ntries = 1\n"), "12#", world=known()).first.how is LeftBy.NO_MATCH


def test_of_what_nobody_s_code_is_two_digits_are_shown_for_it_may_be_a_pin_keyed_too_early() -> None:
    told = play(one(IDENTIFY + "tries = 1\n"), "27419", world=World())
    assert (told.first.how, told.first.keyed) == (LeftBy.NOT_FOUND, "27•••")


def test_a_customer_system_that_does_not_answer_is_no_unknown_customer() -> None:
    told = play(one(IDENTIFY), "88301", world=World(customers={"88301": Unavailable("down")}))
    assert (told.first.how, told.first.to, told.first.keyed) == (LeftBy.UNAVAILABLE, "away", "88•••")
    assert CANNOT_FIND not in told.said


def test_star_leads_to_a_person_at_once() -> None:
    world = known()
    told = play(one(IDENTIFY), "*", world=world)
    assert (told.first.to, told.first.choice, world.asked) == ("person", "person", [])


def test_without_ways_of_their_own_star_and_trouble_lead_where_unknown_does() -> None:
    flow = one('kind = "identify"\nmax = 5\nfound = "found"\nunknown = "unknown"\n')
    assert play(flow, "*").first.to == "unknown"
    assert play(flow, "88301", world=World(customers={"88301": Unavailable("down")})).first.to == "unknown"


def test_hanging_up_at_the_confirmation_says_nothing_about_who_it_was() -> None:
    told = play(one(IDENTIFY), "88301", GONE, world=known())
    assert (told.of(Identified), told.first.how) == ([], LeftBy.HUNG_UP)


def test_the_name_is_said_in_the_callers_language() -> None:
    amy = replace(AMY, name="王小明")
    flow = one(IDENTIFY, languages=("zh-Hant",))
    told = play(flow, "88301", "1", world=World(customers={"88301": found(amy)}))
    assert "王" in told.said[1]
    assert "小明" not in told.said[1]


# ---- authenticate

AUTHENTICATE = 'kind = "authenticate"\nnext = "next"\notherwise = "person"\n'
REFUSED = "Sorry, that could not be confirmed."
ENTER_PIN = "Please enter your PIN, and then the hash key. To speak to a person instead, press star."


def amy(caller: Caller) -> Caller:
    return replace(caller, customer=AMY, known_by=KnownBy.CODE)


def verified(caller: Caller) -> Caller:
    return replace(amy(caller), is_verified=True)


def test_the_right_pin_verifies() -> None:
    world = World(pins={"7": "739164"})
    told = play(one(AUTHENTICATE), "739164#", caller=amy, world=world)
    assert (told.first.how, told.first.to, told.first.keyed) == (LeftBy.DONE, "next", "••••••")
    assert told.session.caller.is_verified
    assert world.asked == [CheckPin(ContactId("7"), "739164")]
    (tried,) = told.of(PinTried)
    assert (tried.contact, tried.caller, tried.result) == ("7", ANI, "ok")


def test_a_wrong_pin_can_be_keyed_again() -> None:
    told = play(one(AUTHENTICATE), "111111#", "739164#", caller=amy, world=World(pins={"7": "739164"}))
    assert told.said == (ENTER_PIN, REFUSED, ENTER_PIN)
    assert (told.first.to, told.first.failures) == ("next", 1)
    assert [tried.result for tried in told.of(PinTried)] == ["wrong", "ok"]


def test_wrong_pins_end_unverified() -> None:
    told = play(one(AUTHENTICATE), "1#", "2#", "3#", caller=amy)
    assert (told.first.how, told.first.to, told.first.keyed, told.first.failures) == (
        LeftBy.REFUSED, "person", "•", 3,
    )  # fmt: skip
    assert not told.session.caller.is_verified


@pytest.mark.parametrize(
    ("result", "how"),
    [
        (PinResult.WRONG, LeftBy.REFUSED),
        (PinResult.LOCKED, LeftBy.REFUSED),
        (PinResult.UNAVAILABLE, LeftBy.UNAVAILABLE),
    ],
)
def test_the_words_do_not_tell_what_was_wrong(result: PinResult, how: LeftBy) -> None:
    """A customer without a PIN is WRONG as well."""
    told = play(one(AUTHENTICATE + "tries = 1\n"), "123456#", caller=amy, world=World(pin_results=[result]))
    assert told.said == (ENTER_PIN, REFUSED)
    assert (told.first.how, told.first.to) == (how, "person")


def test_where_no_pin_can_help_nobody_is_asked_for_another() -> None:
    told = play(one(AUTHENTICATE), "123456#", "123456#", caller=amy, world=World(pin_results=[PinResult.UNAVAILABLE]))
    assert (told.said, told.first.failures) == ((ENTER_PIN, REFUSED), 1)


def test_a_locked_pin_and_a_wrong_one_cannot_be_told_apart() -> None:
    keyed = ("123456#", "123456#", "123456#")
    locked = play(one(AUTHENTICATE), *keyed, caller=amy, world=World(pin_results=[PinResult.LOCKED] * 3))
    wrong = play(one(AUTHENTICATE), *keyed, caller=amy, world=World(pin_results=[PinResult.WRONG] * 3))
    assert (locked.said, locked.first.failures) == (wrong.said, wrong.first.failures) == ((ENTER_PIN, REFUSED) * 3, 3)


def test_silence_is_refused_in_the_same_words_and_costs_no_try() -> None:
    world = World()
    told = play(one(AUTHENTICATE), caller=amy, world=world)
    assert told.said == (ENTER_PIN, REFUSED) * 3
    assert (told.first.how, world.asked) == (LeftBy.NO_INPUT, [])


def test_star_leads_from_the_pin_to_a_person_at_once() -> None:
    told = play(one(AUTHENTICATE), "1#", "*", caller=amy)
    assert (told.first.to, told.first.choice, told.first.failures) == ("person", "person", 1)


def test_star_amid_digits_is_a_wrong_pin() -> None:
    told = play(one(AUTHENTICATE + "tries = 1\n"), "12*#", caller=amy)
    assert (told.first.how, told.first.choice) == (LeftBy.REFUSED, "")


def test_nobody_is_asked_for_a_pin_who_has_not_said_who_they_are() -> None:
    told = play(one(AUTHENTICATE), "123456#")
    assert (told.said, told.first.to, told.first.how) == ((), "person", LeftBy.NOT_FOUND)


def test_a_pin_keyed_ahead_counts() -> None:
    told = play(one(AUTHENTICATE), ahead="739164#", caller=amy, world=World(pins={"7": "739164"}))
    assert told.first.to == "next"


@given(pin=st.from_regex(r"[2-9]{4,10}", fullmatch=True), is_right=st.booleans(), goes=st.booleans())
def test_no_digit_of_a_pin_is_told_anywhere(pin: str, is_right: bool, goes: bool) -> None:  # noqa: FBT001 - drawn
    world = World(pins={"7": pin if is_right else "0"})
    keys = GONE if goes else f"{pin}#"
    told = play(one(AUTHENTICATE + "tries = 1\n"), keys, caller=amy, world=world, ani="+1001")
    assert pin not in repr((told.events, told.said, told.session.caller, world.asked))
    assert all(pin not in repr(of_journey(event)) for event in told.events)


# ---- tell

ORDER = Order(id="2291", title="Lamp", status="shipped", ordered_on=date(2026, 2, 27), amount="129.00 EUR")
RICH = replace(
    AMY, orders=(ORDER, Order(id="1", title="Old")), balance=Money(Decimal("12.50"), "EUR"),
    cases=(Case(id="41", title="Broken", status="open", opened_at=datetime(2026, 2, 3, 8, tzinfo=UTC)),),
)  # fmt: skip
SAID = {
    ("order", "en"): "Your order two two nine one Lamp , of the twenty-seventh of February, twenty twenty-six shipped",
    ("balance", "en"): "The balance of your account is twelve euros and fifty cents",
    ("case", "en"): "Your case four one Broken , of the third of February, twenty twenty-six open",
    ("order", "zh-Hant"): "的訂單",
    ("balance", "zh-Hant"): "您的帳戶餘額是",
    ("case", "zh-Hant"): "的案件",
}


def tell(what: str, more: str = "") -> str:
    return f'kind = "tell"\nwhat = "{what}"\nnext = "next"\nunverified = "who"\n{more}'


def rich(caller: Caller, contact: Contact = RICH) -> Caller:
    return replace(caller, customer=contact, is_verified=True)


@pytest.mark.parametrize(("what", "language"), SAID)
def test_what_is_on_record_is_told(what: str, language: str) -> None:
    told = play(one(tell(what), languages=(language,)), caller=rich)
    assert SAID[what, language] in told.said[0]
    assert (told.first.how, told.first.to) == (LeftBy.DONE, "next")


@pytest.mark.parametrize(
    ("opened_at", "zone", "day"),
    [
        (datetime(2026, 11, 19, 23, 30, tzinfo=UTC), "Asia/Taipei", "twentieth"),
        (datetime(2026, 11, 20, 3, 30, tzinfo=UTC), "America/New_York", "nineteenth"),
        (datetime(2026, 11, 20, tzinfo=UTC), "America/New_York", "twentieth"),
    ],
    ids=["east", "west", "only the day is known"],
)
def test_a_case_was_opened_on_the_day_of_the_site(opened_at: datetime, zone: str, day: str) -> None:
    contact = replace(AMY, cases=(Case(id="41", title="Broken", status="open", opened_at=opened_at),))
    told = play(one(tell("case")), caller=lambda caller: replace(rich(caller, contact), zone=zone))
    assert f"of the {day} of November" in told.said[0]


@pytest.mark.parametrize("what", ["order", "balance", "case"])
def test_where_there_is_nothing_that_is_said(what: str) -> None:
    told = play(one(tell(what)), caller=verified)
    assert (told.first.how, told.first.to) == (LeftBy.NOT_FOUND, "next")
    assert told.said[0] in {
        "There is no order on your account.",
        "I cannot tell you a balance at the moment.",
        "There is no open case on your account.",
    }


def test_a_date_that_is_not_known_is_passed_over() -> None:
    contact = replace(AMY, orders=(Order(id="1", title="Lamp"),))
    said = play(one(tell("order")), caller=lambda caller: rich(caller, contact)).said[0]
    assert said == "Your order one Lamp , of"


def test_nothing_is_told_to_callers_who_are_not_verified() -> None:
    told = play(one(tell("balance")), caller=lambda caller: replace(caller, customer=RICH))
    assert (told.said, told.first.to, told.first.how) == ((), "who", LeftBy.REFUSED)


def test_a_site_may_tell_without_a_pin_but_never_to_nobody() -> None:
    flow = one(tell("order", "needs_pin = false\n"))
    assert play(flow, caller=lambda caller: replace(caller, customer=RICH)).first.to == "next"
    assert play(flow).first.to == "who"


def test_whoever_has_been_told_and_hangs_up_has_served_themselves() -> None:
    say = '[steps.next]\nkind = "say"\nprompt = "Else?"\nnext = "end"\n'
    ends = '[steps.who]\nkind = "hang_up"\n[steps.end]\nkind = "hang_up"\n'
    flow = flow_of(f'start = "it"\n[steps.it]\n{tell("balance")}{say}{ends}')
    assert play(flow, gone_when="Else?", caller=rich).left.outcome is IvrOutcome.SELF_SERVED
    assert play(flow, gone_when="Else?", caller=verified).left.outcome is IvrOutcome.ABANDONED


def test_words_of_ones_own_can_hold_what_is_told() -> None:
    told = play(one(tell("order", 'prompt = "{status}. {amount}."\n')), caller=rich)
    assert told.said == ("shipped 129.00 EUR",)


def test_another_customer_than_before_is_not_verified() -> None:
    told = play(one(IDENTIFY), "88301", "1", world=known(), caller=lambda c: rich(c, replace(AMY, id=ContactId("1"))))
    assert not told.session.caller.is_verified


def test_the_same_customer_again_stays_verified() -> None:
    assert play(one(IDENTIFY), "88301", "1", world=known(), caller=verified).session.caller.is_verified


def test_a_callback_names_the_intent() -> None:
    flow = one('kind = "callback"\nqueue = "support"\nnext = "next"\notherwise = "wait"\n')
    told = play(flow, "1", caller=lambda caller: replace(caller, intent="billing"))
    assert told.of(CallbackRequested)[0].reason == "billing"
