"""A session: from step to step, and what is told of it, whatever flow and whatever caller."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.journey import IvrEntered, IvrLeft, IvrOutcome, Journey, KnownBy, LeftBy, fold
from cti.crm.contact import ContactId
from cti.errors import StateMisuse
from cti.ivr import check, flow_file
from cti.ivr.requests import Heard, PinResult, QueueLoad
from cti.ivr.session import MOST_STEPS, Over, Session
from cti.ivr.step import Caller, Learned
from cti.ivr.steps import KINDS
from cti.journeys import journey_of, of_journey
from cti.telephony.voice import SafePath
from tests.unit.ivr import playing
from tests.unit.ivr.playing import AMY, GONE, NOON, Told, World, found, one, play
from tests.unit.ivr.test_steps_customer import RICH

TWO = """start = "menu"
label = "Shop"
[steps.menu]
kind = "menu"
label = "Main menu"
prompt = "Choose."
choices.1 = "bye"
otherwise = "bye"
[steps.bye]
kind = "hang_up"
"""


def session(flow: str, **caller: Any) -> Session:
    told = play(flow, caller=lambda one: replace(one, **caller))
    return Session(told.session.flow, told.session.caller, call=told.session.call, name="n9")


# ---- from step to step


def test_the_journey_of_a_caller_is_told_in_order() -> None:
    told = play(TWO, "1")
    assert [type(event).__name__ for event in told.events] == ["IvrEntered", "StepLeft", "StepLeft", "IvrLeft"]
    assert [event.nr for event in told.events] == [1, 2, 3, 4]
    assert {(event.call, event.pbx, event.session) for event in told.events} == {("main-1", "main", "n1")}


def test_steps_carry_their_labels_and_times() -> None:
    menu, bye = play(TWO, "1").steps
    assert (menu.label, bye.label) == ("Main menu", "bye")
    assert (menu.entered_at, menu.at) == (NOON, NOON + timedelta(seconds=2.5))
    assert bye.entered_at == menu.at


def test_what_has_been_drained_is_not_told_again() -> None:
    told = play(TWO, "1")
    assert told.session.drain() == ()


def test_hanging_up_after_the_end_changes_nothing() -> None:
    told = play(TWO, "1")
    told.session.hung_up(NOON)
    told.session.failed("late", NOON)
    assert told.session.drain() == ()


def test_a_failure_sends_the_caller_along_the_safe_path() -> None:
    waiting = session(TWO)
    waiting.begin(NOON)
    over = waiting.failed("speech_unavailable", NOON)
    left = waiting.drain()[-1]
    assert isinstance(left, IvrLeft)
    assert (over, left.outcome, left.reason, left.step) == (
        Over(SafePath()), IvrOutcome.FAILED, "speech_unavailable", "menu",
    )  # fmt: skip


def test_a_session_after_the_conversation_begins_where_the_flow_says() -> None:
    after = 'after = "survey"\n' + TWO + '[steps.survey]\nkind = "survey"\nnext = "bye"\n'
    told = play(after, "5", is_after=True)
    assert told.path == ["survey", "bye"]
    assert isinstance(told.events[0], IvrEntered)
    assert told.events[0].is_after
    assert told.journey.steps[0].step == "survey"


def test_round_and_round_ends_after_so_many_steps() -> None:
    circle = 'kind = "menu"\nprompt = "Again?"\nchoices.1 = "it"\notherwise = "end"\n'
    told = play(one_round(circle), *("1" * (MOST_STEPS + 5)))
    assert (told.left.outcome, told.left.reason, len(told.steps)) == (
        IvrOutcome.FAILED, f"{MOST_STEPS} steps", MOST_STEPS + 1,
    )  # fmt: skip
    assert told.over == Over(SafePath())
    assert told.steps[-1].how is LeftBy.FAILED
    assert connects(told)


def test_a_receiver_left_beside_the_telephone_ends_after_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.ivr.session.LONGEST", timedelta(seconds=60))
    circle = 'kind = "menu"\nprompt = "Again?"\nchoices.1 = "end"\notherwise = "it"\n'
    told = play(one_round(circle))
    assert (told.left.outcome, told.left.reason) == (IvrOutcome.FAILED, "0:01:00 in the IVR")


def test_a_circle_in_which_nobody_is_asked_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps there may be: they follow one another, and do not stand upon one another."""
    monkeypatch.setattr("cti.ivr.session.MOST_STEPS", 3000)
    circle = 'kind = "branch"\ncases = [{ known = true, to = "end" }]\notherwise = "it"\n'
    assert play(one_round(circle)).left.reason == "3000 steps"


def one_round(body: str) -> str:
    return f'start = "it"\n[steps.it]\n{body}[steps.end]\nkind = "hang_up"\n'


@pytest.mark.parametrize(
    ("body", "caller", "answers"),
    [
        ('kind = "menu"\nprompt = "Choose."\nchoices.1 = "end"\notherwise = "end"\n', {}, ["1"]),
        ('kind = "identify"\nfound = "end"\nunknown = "end"\n', {}, [Heard("12", "end"), None]),
        ('kind = "authenticate"\nnext = "end"\notherwise = "end"\n', {"customer": AMY}, [Heard("12", "end"), True]),
        ('kind = "branch"\nqueue = "q"\ncases = [{ known = true, to = "end" }]\notherwise = "end"\n', {}, [3]),
        ('kind = "http"\nurl = "https://x.example.org/"\nnext = "end"\notherwise = "end"\n', {}, [{}]),
        ('kind = "voicemail"\nqueue = "q"\nnext = "end"\n', {}, [None, "file"]),
    ],
    ids=["hear", "find_customer", "check_pin", "ask_queue", "fetch", "record"],
)
def test_an_answer_of_another_kind_is_our_mistake_and_told_as_one(
    body: str, caller: dict[str, Any], answers: list[object]
) -> None:
    waiting = session(one_round(body), **caller)
    waiting.begin(NOON)
    for answer in answers[:-1]:
        waiting.answered(answer, NOON)
    with pytest.raises(StateMisuse, match="a step was answered with"):
        waiting.answered(answers[-1], NOON)


def test_values_are_said_digit_by_digit_where_they_are_digits() -> None:
    flow = one_round('kind = "collect"\nprompt = "Key."\nname = "code"\nmax = 3\nnext = "say"\notherwise = "end"\n')
    flow += '[steps.say]\nkind = "say"\nprompt = "You keyed {code}."\nnext = "end"\n'
    assert play(flow, "123").said[1] == "You keyed one two three"


# ---- any flow, any caller

STEPS = ("a", "b", "c", "d", "e")
PROMPT = 'prompt = "Words."\n'
BODIES = {
    "say": PROMPT + "next = {to}\nserves = true\n",
    "menu": PROMPT + "choices.1 = {to}\nchoices.2 = {{ to = {to}, intent = 'x' }}\notherwise = {to}\ntries = 2\n",
    "collect": PROMPT + "name = 'code'\nmax = 4\nmin = 2\nsecret = true\ntries = 2\nnext = {to}\notherwise = {to}\n",
    "language": PROMPT + "choices = {{ 1 = 'en' }}\nnext = {to}\n",
    "identify": "max = 5\ntries = 2\nfound = {to}\nunknown = {to}\nperson = {to}\n",
    "authenticate": "tries = 2\nnext = {to}\notherwise = {to}\n",
    "branch": "queue = 'q'\ncases = [{{ known = true, to = {to} }}, {{ waiting_over = 1, to = {to} }}]\notherwise = {to}\n",
    "hours": "hours = {{ time_zone = 'Asia/Taipei', mon = ['20:00-20:02'] }}\nopen = {to}\nclosed = {to}\n",
    "set": "intent = 'y'\npriority = 3\nnext = {to}\n",
    "tell": "what = 'order'\nnext = {to}\nunverified = {to}\n",
    "http": "url = 'https://x.example.org/'\nnext = {to}\notherwise = {to}\n",
    "callback": "queue = 'q'\nnext = {to}\notherwise = {to}\n",
    "voicemail": "queue = 'q'\nnext = {to}\n",
    "survey": "next = {to}\n",
    "to_queue": "queue = 'q'\n",
    "to_agent": "extension = '2001'\n",
    "to_number": "number = '+4930123'\n",
    "hang_up": "",
}


@st.composite
def flows(draw: st.DrawFn) -> str:
    """A way out of every step: each leads on to later steps or back, and the last one ends."""
    text = 'start = "a"\n'
    for name in STEPS[:-1]:
        kind = draw(st.sampled_from(sorted(BODIES)))
        body = f"[steps.{name}]\nkind = '{kind}'\n" + BODIES[kind]
        text += (
            "".join(part + (f"'{draw(st.sampled_from(STEPS))}'" if last else "") for part, last in _places(body))
            .replace("{{", "{")
            .replace("}}", "}")
        )
    return text + '[steps.e]\nkind = "to_queue"\nqueue = "q"\n'


def _places(body: str) -> list[tuple[str, bool]]:
    parts = body.split("{to}")
    return [(part, number < len(parts) - 1) for number, part in enumerate(parts)]


worlds = st.builds(
    World,
    customers=st.just({"88301": found(RICH), "77777": found(AMY, RICH)}),
    pin_results=st.lists(st.sampled_from(PinResult), max_size=300),
    load=st.sampled_from([QueueLoad(0), QueueLoad(5, NOON)]),
)
scripts = st.lists(
    st.sampled_from(["", "1", "2", "*", "#", "88301#", "77777#", "12", "909090#", GONE]) | st.text("0123456789*#", max_size=6),
    max_size=12,
)  # fmt: skip


def test_every_kind_of_step_is_among_the_random_flows() -> None:
    assert BODIES.keys() == KINDS.keys()


@settings(max_examples=100, deadline=None)
@given(text=flows(), keys=scripts, world=worlds, ahead=st.text("0123456789*#", max_size=3), is_known=st.booleans())
def test_whatever_the_flow_and_the_caller_the_story_hangs_together(
    text: str, keys: list[str], world: World, ahead: str, is_known: bool,  # noqa: FBT001 - drawn
) -> None:  # fmt: skip
    told = play(unchecked(text), *keys, world=world, ahead=ahead, caller=as_known(is_known=is_known))
    assert [event.nr for event in told.events] == list(range(1, len(told.events) + 1))
    assert [len(told.of(kind)) for kind in (IvrEntered, IvrLeft)] == [1, 1]
    assert isinstance(told.events[-1], IvrLeft)
    assert (told.over is None) == (told.steps[-1].how is LeftBy.HUNG_UP)
    assert connects(told)
    assert_in_time(told)
    assert_told_twice_is_told_once(told)


def as_known(*, is_known: bool) -> playing.Callable[[Caller], Caller]:
    return lambda caller: replace(caller, customer=RICH if is_known else None)


def unchecked(text: str) -> Any:
    """Random flows have steps nobody reaches, and loops; a caller in one must be safe all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "of_whole", lambda _: iter(()))
        return flow_file.parse(text, file=playing.Path("random.toml"))


def connects(told: Told) -> bool:
    ways = [(one.to, other.step) for one, other in pairwise(told.steps)]
    return all(to == step for to, step in ways) and told.steps[-1].to == ""


def assert_in_time(told: Told) -> None:
    times = [event.at for event in told.events]
    assert times == sorted(times)
    assert all(step.entered_at <= step.at for step in told.steps)


def assert_told_twice_is_told_once(told: Told) -> None:
    live: Journey | None = None
    for event in told.events:
        live = fold(live, event)
    facts = [of_journey(event) for event in told.events]
    assert live == journey_of(facts) == journey_of([*facts, *facts])


def test_a_flow_of_one_step_is_a_flow() -> None:
    assert play(one('kind = "hang_up"\n')).path == ["it"]


def test_another_customer_is_not_verified_not_served_and_hears_nothing_of_the_one_before() -> None:
    learned = Learned(
        customer=AMY, known_by=KnownBy.CODE, is_verified=True, is_served=True, values={"balance": "secret"}
    )
    first = learned.told(session(TWO).caller)
    same = Learned(customer=AMY, known_by=KnownBy.CODE).told(first)
    other = Learned(customer=replace(AMY, id=ContactId("other")), known_by=KnownBy.CODE, values={"own": "1"}).told(
        first
    )
    assert (same.is_verified, same.is_served, same.values) == (True, True, {"balance": "secret"})
    assert (other.is_verified, other.is_served, other.values) == (False, False, {"own": "1"})
