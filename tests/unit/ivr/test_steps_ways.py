"""Steps that say, decide, ask others, or let the caller go."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest

from cti.calls.journey import CallbackRequested, IvrOutcome, LeftBy, Noted, VoicemailLeft
from cti.crm.contact import Case as OpenMatter
from cti.crm.contact import Flag
from cti.ivr.requests import Fetch, Fetched, QueueLoad, Record, Unreachable
from cti.ivr.step import Caller
from cti.telephony.voice import HangUp, Recorded, ToAgent, ToNumber, ToQueue
from tests.unit.ivr.playing import AMY, ANI, GONE, NOON, World, flow_of, one, play

# ---- say, set


def test_something_is_said_and_the_flow_goes_on() -> None:
    told = play(one('kind = "say"\nprompt = "Good day."\nnext = "next"\n'))
    assert (told.said, told.path) == (("Good day.",), ["it", "next"])
    assert told.first.how is LeftBy.DONE


def test_an_empty_prompt_says_nothing() -> None:
    assert play(one('kind = "say"\nprompt = ""\nnext = "next"\n', languages=("en", "zh-Hant"))).said == ()


def test_whoever_hangs_up_after_what_they_called_for_has_served_themselves() -> None:
    flow = flow_of(
        'start = "it"\n[steps.it]\nkind = "say"\nprompt = "We open at nine."\nserves = true\nnext = "bye"\n'
        '[steps.bye]\nkind = "hang_up"\n'
    )
    assert play(flow, gone_when="calling").left.outcome is IvrOutcome.SELF_SERVED
    assert play(flow, gone_when="nine").left.outcome is IvrOutcome.ABANDONED


def test_what_is_set_goes_with_the_caller() -> None:
    body = 'kind = "set"\nintent = "repair"\nskills = ["tech", "en"]\npriority = 4\nvalues = { shop = "north" }\nnext = "q"\n'
    told = play(one(body))
    who = told.session.caller
    assert (who.intent, who.skills, who.priority, who.values) == ("repair", ("tech", "en"), 4, {"shop": "north"})
    assert [(note.name, note.value) for note in told.of(Noted)] == [("intent", "repair"), ("skills", "tech,en")]


def test_what_is_not_set_stays_as_it_was() -> None:
    told = play(one('kind = "set"\nnext = "q"\n'), caller=lambda c: replace(c, intent="x", skills=("a",), priority=2))
    assert (told.session.caller.intent, told.session.caller.skills, told.session.caller.priority) == ("x", ("a",), 2)
    assert told.of(Noted) == []


def test_skills_can_be_taken_away_again() -> None:
    told = play(one('kind = "set"\nskills = []\nnext = "q"\n'), caller=lambda c: replace(c, skills=("a",)))
    assert (told.session.caller.skills, told.of(Noted)[0].value) == ((), "")


def test_what_was_set_can_be_said() -> None:
    flow = flow_of(
        'start = "it"\n[steps.it]\nkind = "set"\nvalues = { shop = "the north shop" }\nnext = "say"\n'
        '[steps.say]\nkind = "say"\nprompt = "This is {shop}."\nnext = "bye"\n[steps.bye]\nkind = "hang_up"\n'
    )
    assert play(flow).said[0] == "This is the north shop"


# ---- branch


def branch(case: str, queue: str = "") -> str:
    return f'kind = "branch"\n{queue}cases = [ {{ {case}, to = "yes", label = "so" }} ]\notherwise = "no"\n'


GOLD = replace(
    AMY, tier="Gold", segment="business", language="zh-Hant", flags=frozenset({Flag.COMPLAINT_OPEN}),
    cases=(OpenMatter(id="1", title="x"),),
)  # fmt: skip


def gold(caller: Caller) -> Caller:
    return replace(caller, customer=GOLD)


@pytest.mark.parametrize(
    ("case", "holds_for", "not_for"),
    [
        ("known = true", gold, lambda c: c),
        ("known = false", lambda c: c, gold),
        ("verified = true", lambda c: replace(c, is_verified=True), gold),
        ("verified = false", gold, lambda c: replace(c, is_verified=True)),
        ('tier = ["gold", "platinum"]', gold, lambda c: replace(c, customer=AMY)),
        ('segment = ["Business"]', gold, lambda c: c),
        ('flag = ["complaint_open"]', gold, lambda c: replace(c, customer=AMY)),
        ('language = ["en"]', gold, lambda c: replace(c, language="zh-Hant")),
        ('speaks = ["zh-Hant"]', gold, lambda c: replace(c, customer=AMY)),
        ('intent = ["billing"]', lambda c: replace(c, intent="billing"), gold),
        ('dialled = ["0800"]', gold, lambda c: replace(c, asked=replace(c.asked, dnis="0900"))),
        ("has_case = true", gold, lambda c: c),
        ("has_case = false", lambda c: replace(c, customer=AMY), gold),
        ('tier = ["gold"], has_case = true', gold, lambda c: replace(c, customer=replace(GOLD, cases=()))),
    ],
)  # fmt: skip
def test_a_case_holds_for_whom_it_is_about(
    case: str, holds_for: Callable[[Caller], Caller], not_for: Callable[[Caller], Caller]
) -> None:
    flow = one(branch(case))
    yes = play(flow, caller=holds_for)
    assert (yes.first.to, yes.first.choice, yes.said) == ("yes", "so", ())
    assert play(flow, caller=not_for).first.to == "no"


def test_a_case_can_be_about_a_value_that_was_collected() -> None:
    ways = "".join(f'[steps.{name}]\nkind = "hang_up"\n' for name in ("yes", "no"))
    flow = flow_of(
        'start = "set"\n[steps.set]\nkind = "set"\nvalues = { shop = "north" }\nnext = "it"\n'
        "[steps.it]\n" + branch('value = { shop = ["north"] }') + ways
    )
    assert play(flow).path[-1] == "yes"


@pytest.mark.parametrize(
    ("case", "load", "to"),
    [
        ("waiting_over = 5", QueueLoad(6), "yes"),
        ("waiting_over = 5", QueueLoad(5), "no"),
        ("wait_over_s = 60", QueueLoad(1, NOON - timedelta(seconds=61)), "yes"),
        ("wait_over_s = 60", QueueLoad(1, NOON - timedelta(seconds=60)), "no"),
        ("wait_over_s = 0", QueueLoad(0), "no"),
    ],
)
def test_a_case_can_be_about_a_queues_load(case: str, load: QueueLoad, to: str) -> None:
    assert play(one(branch(case, 'queue = "support"\n')), world=World(load=load)).first.to == to


def test_the_first_case_that_holds_decides() -> None:
    body = 'kind = "branch"\ncases = [{ known = false, to = "a" }, { verified = false, to = "b" }]\notherwise = "c"\n'
    assert play(one(body)).first.to == "a"
    assert play(one(body), caller=gold).first.to == "b"


# ---- hours

HOURS = """kind = "hours"
hours = { time_zone = "Asia/Taipei", mon-fri = ["09:00-18:00"], holidays = "TW" }
open = "open"
closed = "closed"
"""
MONDAY_10, MONDAY_20 = datetime(2026, 3, 2, 2, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "more", "to", "choice"),
    [
        (MONDAY_10, "", "open", "open"),
        (MONDAY_20, "", "closed", "closed"),
        (NEW_YEAR, "", "closed", "holiday"),
        (NEW_YEAR, 'holiday = "holiday"\n', "holiday", "holiday"),
        (MONDAY_20, 'holiday = "holiday"\n', "closed", "closed"),
    ],
)
def test_the_clock_and_the_calendar_decide(at: datetime, more: str, to: str, choice: str) -> None:
    told = play(one(HOURS + more), at=at)
    assert (told.first.to, told.first.choice, told.said) == (to, choice, ())


def test_whoever_is_let_go_because_nobody_is_there_is_no_abandoned_caller() -> None:
    assert play(one(HOURS), at=MONDAY_20).left.outcome is IvrOutcome.AFTER_HOURS
    assert play(one(HOURS), at=MONDAY_10).left.outcome is IvrOutcome.SELF_SERVED


def test_a_second_department_that_is_open_is_not_after_hours() -> None:
    late = HOURS.replace("09:00-18:00", "00:00-24:00").replace('"open"', '"bye"').replace('"closed"', '"bye"')
    first = HOURS.replace('"open"', '"late"').replace('"closed"', '"late"')
    flow = flow_of(f'start = "it"\n[steps.it]\n{first}[steps.late]\n{late}[steps.bye]\nkind = "hang_up"\n')
    assert play(flow, at=MONDAY_20).left.outcome is IvrOutcome.SELF_SERVED


# ---- http

HTTP = """kind = "http"
url = "https://shop.example.org/orders/{customer_code}"
take = { status = "order.status" }
next = "next"
otherwise = "away"
"""


def test_parts_of_the_answer_are_kept() -> None:
    world = World(services=Fetched({"order.status": "sent", "order.id": "5"}))
    told = play(one(HTTP), world=world, caller=gold)
    assert told.session.caller.values == {"status": "sent"}
    (asked,) = world.asked
    assert isinstance(asked, Fetch)
    assert (asked.method, asked.values["customer_code"], asked.values["caller_number"]) == ("GET", "88301", ANI)


@pytest.mark.parametrize("answer", [Fetched({"order.id": "5"}), Fetched({}), Unreachable("timeout")])
def test_where_a_part_is_missing_or_nobody_answers_nothing_is_kept(answer: Any) -> None:
    told = play(one(HTTP), world=World(services=answer))
    assert (told.first.to, told.first.how, told.session.caller.values) == ("away", LeftBy.UNAVAILABLE, {})


def test_what_is_sent_goes_by_the_names_of_the_service() -> None:
    world = World(services=Fetched({}))
    body = 'kind = "http"\nurl = "https://x.example.org/"\nmethod = "POST"\nsend = { orderNo = "order", who = "customer" }\n'
    ways = 'next = "bye"\notherwise = "bye"\n[steps.bye]\nkind = "hang_up"\n'
    flow = flow_of(
        f'start = "set"\n[steps.set]\nkind = "set"\nvalues = {{ order = "5" }}\nnext = "it"\n[steps.it]\n{body}{ways}'
    )
    play(flow, world=world)
    assert isinstance(world.asked[0], Fetch)
    assert world.asked[0].body == {"orderNo": "5", "who": ""}


def test_a_secret_that_is_sent_stands_in_no_repr() -> None:
    world = World()
    flow = flow_of(
        'start = "id"\n[steps.id]\nkind = "collect"\nprompt = "Id."\nname = "id"\nsecret = true\nmax = 6\nnext = "it"\n'
        'otherwise = "bye"\n[steps.it]\nkind = "http"\nurl = "https://x.example.org/"\nmethod = "POST"\n'
        'send = { id = "id" }\nnext = "bye"\notherwise = "bye"\n[steps.bye]\nkind = "hang_up"\n'
    )
    told = play(flow, "739164", world=world)
    assert isinstance(world.asked[0], Fetch)
    assert world.asked[0].body == {"id": "739164"}
    assert "739164" not in repr((told, world))


# ---- callback

CALLBACK = 'kind = "callback"\nqueue = "support"\nnext = "next"\notherwise = "wait"\n'


def test_a_callback_at_the_number_of_the_call() -> None:
    told = play(one(CALLBACK), "1")
    (wanted,) = told.of(CallbackRequested)
    assert (wanted.number, wanted.queue, wanted.entered_at) == (ANI, "support", NOON)
    assert (told.first.to, told.first.choice, told.left.outcome) == ("next", "callback", IvrOutcome.TO_AGENT)
    assert told.said[1] == "Thank you. We will call you back."


def test_a_callback_at_another_number() -> None:
    told = play(one(CALLBACK), "2", "0912345678#")
    assert told.of(CallbackRequested)[0].number == "0912345678"


def test_callers_without_a_number_are_asked_for_one() -> None:
    told = play(one(CALLBACK), "12#", "0912345678#", ani="")
    assert told.of(CallbackRequested)[0].number == "0912345678"
    assert told.first.failures == 1


@pytest.mark.parametrize(
    ("keys", "how"),
    [
        (("3",), LeftBy.DONE),
        (("8",), LeftBy.NO_MATCH),
        ((), LeftBy.NO_INPUT),
        (("2", "12#", "12#"), LeftBy.NO_MATCH),
        (("2", "", ""), LeftBy.NO_INPUT),
    ],
)
def test_without_a_clear_wish_the_caller_goes_on_waiting(keys: tuple[str, ...], how: LeftBy) -> None:
    told = play(one(CALLBACK), *keys)
    assert (told.first.to, told.first.how, told.of(CallbackRequested)) == ("wait", how, [])


def test_whoever_hangs_up_during_the_thanks_is_called_back_all_the_same() -> None:
    told = play(one(CALLBACK), "1", gone_when="Thank you")
    assert (told.left.outcome, told.left.to) == (IvrOutcome.TO_AGENT, "callback")


# ---- voicemail

VOICEMAIL = 'kind = "voicemail"\nqueue = "support"\nmax_s = 60\nnext = "next"\n'


def message(how: Any = "key") -> World:
    return World(message=Recorded(file=PurePosixPath("ab12.wav"), length_s=12.5, how=how))


def test_a_message_is_told_with_its_queue_and_length() -> None:
    world = message()
    told = play(one(VOICEMAIL), world=world)
    (left,) = told.of(VoicemailLeft)
    assert (left.queue, left.file, left.length_s) == ("support", "ab12.wav", 12.5)
    assert world.asked == [Record(queue="support", max_s=60, silence_s=5)]
    assert told.said[1] == "Thank you for your message."
    assert (told.left.outcome, told.left.to) == (IvrOutcome.TO_AGENT, "voicemail")


def test_whoever_says_nothing_leaves_no_message() -> None:
    told = play(one(VOICEMAIL))
    assert (told.of(VoicemailLeft), told.first.how, told.first.to) == ([], LeftBy.NO_INPUT, "next")


def test_nobody_is_thanked_who_has_hung_up_and_their_message_counts() -> None:
    told = play(one(VOICEMAIL), world=message("hung_up"))
    assert len(told.said) == 1
    assert told.left.outcome is IvrOutcome.TO_AGENT


def test_whoever_hangs_up_during_the_thanks_has_left_their_message() -> None:
    told = play(one(VOICEMAIL), world=message(), gone_when="Thank you")
    assert (told.first.how, told.left.outcome) == (LeftBy.HUNG_UP, IvrOutcome.TO_AGENT)


# ---- the ends


@pytest.mark.parametrize(
    ("body", "to", "where"),
    [
        ('kind = "to_queue"\nqueue = "support"\n', ToQueue(queue="support"), "queue support"),
        (
            'kind = "to_queue"\nqueue = "support"\npriority = 5\n',
            ToQueue(queue="support", priority=5),
            "queue support",
        ),
        ('kind = "to_agent"\nextension = "2001"\n', ToAgent(extension="2001"), "agent 2001"),
        ('kind = "to_number"\nnumber = "+4930123"\n', ToNumber(number="+4930123"), "number +4930123"),
    ],
)
def test_the_caller_is_handed_on(body: str, to: Any, where: str) -> None:
    told = play(one(body))
    assert told.over
    assert told.over.to == to
    assert (told.left.outcome, told.left.to, told.first.to) == (IvrOutcome.TO_AGENT, where, "")


def test_a_queue_takes_the_priority_that_was_set() -> None:
    told = play(one('kind = "to_queue"\nqueue = "support"\n'), caller=lambda c: replace(c, priority=7))
    assert told.over
    assert told.over.to == ToQueue(queue="support", priority=7)


def test_hanging_up_says_goodbye_and_is_self_service() -> None:
    told = play(one('kind = "hang_up"\n'))
    assert told.said == ("Thank you for calling. Goodbye.",)
    assert told.over
    assert (told.over.to, told.left.outcome) == (HangUp(), IvrOutcome.SELF_SERVED)


@pytest.mark.parametrize("outcome", ["self_served", "after_hours", "failed"])
def test_a_flow_can_say_what_its_end_was(outcome: str) -> None:
    assert play(one(f'kind = "hang_up"\noutcome = "{outcome}"\n')).left.outcome == outcome


def test_a_caller_who_hangs_up_while_being_put_through_has_abandoned() -> None:
    told = play(one('kind = "to_queue"\nqueue = "support"\nprompt = "Wait."\n'), gone_when="Wait.")
    assert (told.over, told.left.outcome) == (None, IvrOutcome.ABANDONED)
    assert play(one(CALLBACK), GONE).left.outcome is IvrOutcome.ABANDONED
