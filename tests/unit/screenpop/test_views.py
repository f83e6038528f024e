"""What is known, as desktops are shown it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, get_args, get_type_hints

import pytest

from cti.calls.call import Direction
from cti.calls.journey import IvrOutcome, Journey, KnownBy, LeftBy, StepTaken
from cti.crm.contact import Contact, ContactId, Flag, Found, Match, MatchedBy, Money, Unavailable, Unknown
from cti.screenpop import views
from cti.screenpop.messages import ContactView, CustomerCard, JourneyStep, JourneyView
from tests.unit.screenpop.fakes import SITE
from tests.unit.screenpop.stories import JON, MARA, PBX, Story, at

ANNA = Contact(id=ContactId("k1"), name="Anna Berg", flags=frozenset({Flag.DO_NOT_CALL}))
BEN = Contact(id=ContactId("k2"), name="Ben Berg")


def found(*contacts: Contact) -> Found:
    return Found(tuple(Match(contact, MatchedBy.NUMBER, "030 555") for contact in contacts), "own", at(0))


def offered(ani: str = "+49305551234", **more: object) -> Story:
    story = Story()
    story.offered(ani, **more)  # type: ignore[arg-type]
    return story


@pytest.mark.parametrize(
    ("number", "shown", "region"),
    [
        ("+49305551234", "+49 30 5551234", "DE"),
        ("0305551234", "+49 30 5551234", "DE"),
        ("+886223456789", "+886 2 2345 6789", "TW"),
        ("1002", "1002", ""),
        ("", "", ""),
        ("anonymous", "", ""),
        ("+999123", "+999123", ""),
    ],
)
def test_a_number_is_spelt_for_reading_and_says_where_it_belongs(number: str, shown: str, region: str) -> None:
    view = views.call_view(offered(number).call, MARA, SITE)
    assert (view.number_shown, view.region) == (shown, region)


def test_the_line_that_was_dialled_is_called_what_the_site_calls_it() -> None:
    assert views.call_view(offered().call, MARA, SITE).dnis_label == "Billing"


def test_51_injection_text_of_strangers_is_shown_as_it_stands() -> None:
    name = "<img src=x onerror=alert(1)> \u202e'; -- %_"
    assert views.call_view(offered(ani_name=name).call, MARA, SITE).name == name


def test_seen_from_the_one_whose_phone_rings_a_consulted_call_rings() -> None:
    story = offered()
    story.rings(MARA)
    story.answers(MARA)
    story.rings(JON, consult=True)
    assert tuple(views.call_view(story.call, agent, SITE).state for agent in (MARA, JON)) == ("talking", "ringing")


def test_who_left_a_call_that_goes_on_sees_it_ended_and_owes_a_result() -> None:
    story = offered()
    story.rings(MARA)
    story.answers(MARA)
    story.rings(JON)
    story.answers(JON)
    story.leaves(MARA)
    view = views.call_view(story.call, MARA, SITE)
    assert (view.state, view.outcome, view.has_spoken) == ("ended", None, True)
    assert view.ended_at is not None


def test_of_an_internal_call_each_sees_the_other() -> None:
    story = Story(direction=Direction.INTERNAL)
    story.placed_by(MARA, to="1002")
    story.rings(JON)
    assert tuple(views.call_view(story.call, agent, SITE).number for agent in (MARA, JON)) == ("1002", "1001")


def test_one_match_is_chosen_and_several_are_not() -> None:
    one, two = (views.answered(offered().call, found(*who)) for who in ((ANNA,), (ANNA, BEN)))
    assert (one.state, one.chosen) == ("found", "k1")
    assert (two.state, two.chosen, len(two.contacts)) == ("several", None, 2)
    assert one.contacts[0].flags == ("do_not_call",)


def test_who_was_ruled_out_for_this_number_is_not_offered_again() -> None:
    left = views.answered(offered().call, found(ANNA, BEN), ruled_out=frozenset({"k1"}))
    none = views.answered(offered().call, found(ANNA), ruled_out=frozenset({"k1"}))
    assert [contact.id for contact in left.contacts] == ["k2"]
    assert (none.state, none.contacts) == ("unknown", ())


def test_nobody_found_and_nobody_asked_are_different_answers() -> None:
    states = [
        views.answered(offered().call, answer).state for answer in (Unknown("no record"), Unavailable("no answer"))
    ]
    assert states == ["unknown", "unavailable"]


def test_a_withheld_number_is_an_answer_by_itself() -> None:
    withheld = offered("anonymous").call
    assert views.asking(withheld).state == "withheld"
    assert views.answered(withheld, Unknown("number withheld")).state == "withheld"


def test_a_withheld_number_with_a_customer_code_is_asked_for() -> None:
    assert views.asking(offered("", keys=(("customer_code", "70012"),)).call).state == "asking"


def test_slow_is_said_only_while_still_asking() -> None:
    card = CustomerCard(call="c", state="asking")
    assert views.slow(card).state == "slow"
    assert views.slow(views.answered(offered().call, found(ANNA))).state == "found"


def test_an_agents_choice_is_kept_and_can_be_somebody_found_by_searching() -> None:
    several = views.answered(offered().call, found(ANNA, BEN))
    second = views.chosen(several, views.contact_view(BEN))
    assert (second.state, second.chosen, len(second.contacts)) == ("found", "k2", 2)
    third = views.chosen(several, views.contact_view(replace(BEN, id=ContactId("k3"))))
    assert (third.chosen, len(third.contacts)) == ("k3", 3)


def test_whoever_is_left_when_another_is_ruled_out_is_not_chosen_by_that() -> None:
    card = views.without(views.answered(offered().call, found(ANNA, BEN)), "k1")
    assert (card.state, card.chosen, [contact.id for contact in card.contacts]) == ("several", None, ["k2"])
    assert views.without(card, "k2").state == "unknown"


def test_a_card_says_how_old_it_is() -> None:
    card = views.answered(offered().call, found(ANNA))
    assert ("own", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) == (card.source, card.as_of)


def test_a_journey_is_shown_as_it_was_taken() -> None:
    pin = StepTaken(
        step="ask_pin",
        kind="pin",
        label="PIN",
        entered_at=at(8),
        spent_s=6.5,
        how=LeftBy.DONE,
        keyed="••••",
        failures=2,
    )
    view = views.journey_view(
        Journey(
            call=offered().id, pbx=PBX, session="s1", flow="bank", label="Telephone bank", entered_at=at(0),
            left_at=at(20), language="en", outcome=IvrOutcome.TO_AGENT, intent="orders", contact="k1",
            contact_name="Anna Berg", contact_code="20118", known_by=KnownBy.CODE, known_value="20118",
            is_verified=True, voicemail="2026/03/1.wav", steps=(pin,),
        )
    )  # fmt: skip
    step = JourneyStep(step="ask_pin", kind="pin", label="PIN", keyed="••••", spent_s=6.5, failures=2)
    assert view == JourneyView(
        flow="bank", label="Telephone bank", entered_at=at(0), spent_s=20.0, outcome="to_agent", language="en",
        intent="orders", contact="k1", contact_name="Anna Berg", contact_code="20118", known_by="code",
        known_value="20118", is_verified=True, has_voicemail=True, steps=(step,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ((JourneyStep, "how"), LeftBy),
        ((JourneyView, "outcome"), IvrOutcome),
        ((JourneyView, "known_by"), KnownBy),
        ((ContactView, "matched_by"), MatchedBy),
    ],
)
def test_the_protocol_has_each_word_of_the_service(where: tuple[type, str], words: type[StrEnum]) -> None:
    assert set(literals(get_type_hints(where[0])[where[1]])) >= {word.value for word in words}


def literals(hint: Any) -> list[str]:
    return [one for arg in get_args(hint) for one in ([arg] if isinstance(arg, str) else literals(arg))]


def disagreeing() -> CustomerCard:
    """They keyed Anna's code; the number they call from is Ben's."""
    anna, ben = views.contact_view(ANNA, MatchedBy.CODE, "20118"), views.contact_view(BEN, value="030 555")
    return CustomerCard(call="c", state="found", contacts=(anna,), chosen="k1", number_says=(ben,))


def test_an_agent_may_choose_whom_the_number_belongs_to() -> None:
    card = views.chosen(disagreeing(), views.contact_view(BEN))
    assert (card.chosen, card.number_says) == ("k2", ())
    assert [(one.id, one.matched_value) for one in card.contacts] == [("k2", "030 555"), ("k1", "20118")]


def test_when_the_identified_one_is_ruled_out_whom_the_number_belongs_to_is_left_to_choose() -> None:
    card = views.without(disagreeing(), "k1")
    assert (card.state, card.chosen, [one.id for one in card.contacts]) == ("several", None, ["k2"])
    assert card.number_says == ()


def test_whom_the_number_belongs_to_can_be_ruled_out_and_the_identified_one_stays() -> None:
    card = views.without(disagreeing(), "k2")
    assert (card.state, card.chosen, card.number_says) == ("found", "k1", ())


def test_what_the_caller_said_wins_and_whose_number_it_is_stands_beside_it() -> None:
    answer = replace(found(ANNA), disagrees=(Match(BEN, MatchedBy.NUMBER, "030 555"),))
    card = views.answered(offered().call, answer)
    assert (card.chosen, [one.id for one in card.number_says]) == ("k1", ["k2"])
    without_anna = views.answered(offered().call, answer, ruled_out=frozenset({"k1"}))
    assert (without_anna.state, [one.id for one in without_anna.contacts]) == ("several", ["k2"])


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1140.5", "1,140.50 EUR"),
        ("-20", "-20 EUR"),
        ("0.00", "0.00 EUR"),
        ("1234567.125", "1,234,567.125 EUR"),
    ],
)
def test_a_balance_is_ready_to_be_read_and_exact(amount: str, shown: str) -> None:
    owing = replace(ANNA, balance=Money(Decimal(amount), "EUR"))
    assert (views.contact_view(owing).balance, views.contact_view(ANNA).balance) == (shown, "")
