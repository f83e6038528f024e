"""Steps that ask for keys: menu, collect, language, survey."""

import re

import pytest

from cti.calls.journey import IvrOutcome, LeftBy, Noted, Rated, fold
from cti.errors import ConfigError
from tests.unit.ivr.playing import GONE, flow_of, one, play

MENU = """kind = "menu"
prompt = "Choose."
choices.1 = "sales"
choices.2 = { to = "billing", label = "Bills", intent = "billing" }
choices."*" = "people"
otherwise = "people"
"""
SORRY_NOTHING = "Sorry, I did not hear anything."
SORRY_NO_CHOICE = "Sorry, that is not one of the choices."


def test_a_menus_key_leads_to_its_step() -> None:
    told = play(one(MENU), "1")
    assert (told.first.how, told.first.to, told.first.choice, told.first.keyed) == (
        LeftBy.DONE, "sales", "sales", "1",
    )  # fmt: skip


def test_a_menus_choice_tells_the_agent_what_it_is_called_and_what_the_caller_wants() -> None:
    told = play(one(MENU), "2")
    assert told.first.choice == "Bills"
    assert [(note.name, note.value) for note in told.of(Noted)] == [("intent", "billing")]


def test_star_can_be_a_choice() -> None:
    assert play(one(MENU), "*").first.to == "people"


def test_a_menu_is_said_again_after_silence_and_after_a_wrong_key_each_in_its_own_words() -> None:
    told = play(one(MENU), "", "9", "1")
    assert told.said == ("Choose.", SORRY_NOTHING, "Choose.", SORRY_NO_CHOICE, "Choose.")
    assert told.first.failures == 2


@pytest.mark.parametrize(
    ("keys", "how", "keyed"),
    [(("", "", ""), LeftBy.NO_INPUT, ""), (("9", "8", "7"), LeftBy.NO_MATCH, "7"), (("9", "9"), LeftBy.NO_INPUT, "")],
    ids=["silence", "garbage", "both, silence last"],
)
def test_a_menu_gives_up_in_the_end(keys: tuple[str, ...], how: LeftBy, keyed: str) -> None:
    first = play(one(MENU), *keys).first
    assert (first.how, first.keyed, first.to, first.failures) == (how, keyed, "people", 3)


def test_the_last_failure_is_not_followed_by_an_apology() -> None:
    assert play(one(MENU), "9", "9", "9").said[-1] == "Choose."


def test_hanging_up_in_a_menu_is_told_where() -> None:
    told = play(one(MENU), "9", GONE)
    assert told.over is None
    assert (told.first.step, told.first.how, told.first.to) == ("it", LeftBy.HUNG_UP, "")
    assert (told.left.outcome, told.left.step) == (IvrOutcome.ABANDONED, "it")


def test_a_key_during_the_menu_stops_it_and_counts() -> None:
    assert play(one(MENU), ahead="1").first.to == "sales"


def test_whoever_knows_the_menus_keys_them_ahead_and_hears_none_but_the_first() -> None:
    flow = one(MENU.replace('otherwise = "people"', 'otherwise = "people"\ntries = 3'))
    told = play(flow, ahead="91")
    assert told.said == ("Choose.", SORRY_NO_CHOICE)
    assert told.first.to == "sales"


# ---- collect

COLLECT = """kind = "collect"
prompt = "Your number, and hash."
name = "number"
min = 4
max = 6
next = "next"
otherwise = "people"
"""


def test_collected_digits_are_kept_under_their_name_and_shown() -> None:
    told = play(one(COLLECT), "1234#")
    assert (told.first.keyed, told.first.to) == ("1234", "next")
    assert told.session.caller.values == {"number": "1234"}


def test_enough_digits_need_no_hash() -> None:
    assert play(one(COLLECT), "1234567").session.caller.values == {"number": "123456"}


@pytest.mark.parametrize("garbage", ["12#", "12*45#", "#"], ids=["too few", "star in it", "nothing"])
def test_what_cannot_be_right_is_asked_again(garbage: str) -> None:
    told = play(one(COLLECT), garbage, "1234#")
    assert (told.first.how, told.first.failures, told.first.keyed) == (LeftBy.DONE, 1, "1234")


def test_collect_gives_up_in_the_end_and_keeps_nothing() -> None:
    told = play(one(COLLECT), "1#", "2#", "3#")
    assert (told.first.how, told.first.to, told.first.keyed, told.first.failures) == (
        LeftBy.NO_MATCH, "people", "3", 3,
    )  # fmt: skip
    assert told.session.caller.values == {}


def test_a_pattern_holds_for_the_whole() -> None:
    told = play(one(COLLECT + 'pattern = "55[0-9]{2}"\n'), "15512#", "55123#", "5512#")
    assert (told.session.caller.values, told.first.failures) == ({"number": "5512"}, 2)


@pytest.mark.parametrize(
    "pattern", ["55[0-9]{2}", r"(?:55|77)\d\d", r"(5|7)\d+", "(55)?12|5[0-9]*", r"[0-9]{1}[0-9]{1}[0-9]{1}\d{1}", "55[*+?(]?12"]
)  # fmt: skip
def test_plain_groups_and_repeats_are_patterns(pattern: str) -> None:
    assert play(one(COLLECT + f"pattern = '{pattern}'\n"), "5512#").first.failures == 0


def test_a_check_digit_is_looked_at() -> None:
    told = play(one(COLLECT.replace("max = 6", 'max = 11\ncheck = "luhn"')), "79927398710#", "79927398713#")
    assert (told.first.failures, told.first.keyed) == (1, "79927398713")


def test_another_key_can_end_it_or_none() -> None:
    assert play(one(COLLECT + 'end = "*"\n'), "1234*").first.keyed == "1234"
    assert play(one(COLLECT + 'end = ""\n'), "1234").first.keyed == "1234"


def test_a_secret_is_dots_on_record() -> None:
    told = play(one(COLLECT + "secret = true\n"), "8642#")
    assert told.first.keyed == "••••"
    assert "8642" not in repr((told.events, told.session.caller))
    assert told.session.caller.values == {"number": "8642"}


def test_a_secret_that_cannot_be_right_is_dots_too() -> None:
    told = play(one(COLLECT + "secret = true\ntries = 1\n"), "864#")
    assert (told.first.keyed, told.first.how) == ("•••", LeftBy.NO_MATCH)


def test_between_tries_it_is_said_what_was_wrong_and_not_after_the_last() -> None:
    asked, wrong = "Your number, and hash.", "Sorry, that does not look right."
    assert play(one(COLLECT), "", "1#", "2#").said == (asked, SORRY_NOTHING, asked, wrong, asked)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("min = 9", "min is more than max"),
        ("pattern = '('", "pattern: missing )"),
        ("pattern = '([0-9]+)+0'", "pattern: a group is repeated"),
        ("pattern = '(?:[0-9]|[0-9])*0'", "pattern: a group is repeated"),
        ("pattern = '(0|0){32}1'", "pattern: a group is repeated"),
        ("pattern = '(?x)([0-9]+) +0'", "pattern: of what begins with (? only"),
        (f"pattern = '{'[0-9]*' * 5}1'", "pattern: has more than 4 groups and repeats"),
        (f"pattern = '{'0?' * 32}'", "pattern: has more than 4 groups and repeats"),
        (f"pattern = '{'(0|0)' * 5}1'", "pattern: has more than 4 groups and repeats"),
        (f"pattern = '{'0' * 101}'", "pattern: is longer than 100 signs"),
    ],
)
def test_a_collect_that_can_never_be_right_is_refused(wrong: str, words: str) -> None:
    body = COLLECT.replace("min = 4\n", "") + wrong + "\n"
    ending = '[steps.next]\nkind = "hang_up"\n[steps.people]\nkind = "hang_up"\n'
    with pytest.raises(ConfigError, match=re.escape(words)):
        flow_of(f'start = "it"\n[steps.it]\n{body}{ending}')


# ---- language

LANGUAGE = """kind = "language"
prompt = { en = "For English, press 1.", zh-Hant = "中文請按 2。" }
choices = { 1 = "en", 2 = "zh-Hant" }
next = "next"
"""


def test_each_language_is_offered_in_its_own_words() -> None:
    told = play(one(LANGUAGE, languages=("en", "zh-Hant")), "2")
    assert told.said == ("For English, press 1. 中文請按 2。",)
    assert told.session.caller.language == "zh-Hant"
    assert [(note.name, note.value) for note in told.of(Noted)] == [("language", "zh-Hant")]


def test_whoever_chooses_no_language_goes_on_in_the_first() -> None:
    told = play(one(LANGUAGE, languages=("en", "zh-Hant")), "7")
    assert (told.first.how, told.first.to, told.first.failures) == (LeftBy.NO_INPUT, "next", 2)
    assert told.session.caller.language == "en"
    assert told.of(Noted) == []


def test_everything_after_is_said_in_the_language_chosen() -> None:
    bye = '[steps.next]\nkind = "hang_up"\n'
    told = play(flow_of(f'languages = ["en", "zh-Hant"]\nstart = "it"\n[steps.it]\n{LANGUAGE}{bye}'), "2")
    assert told.said[-1].startswith("感謝您的來電")


# ---- survey

SURVEY = 'kind = "survey"\nnext = "next"\n'


@pytest.mark.parametrize(("scale", "keys", "score"), [(5, "1", 1), (5, "5", 5), (10, "0#", 0), (10, "10", 10)])
def test_a_mark_is_on_record_with_its_scale(scale: int, keys: str, score: int) -> None:
    told = play(one(SURVEY + f"scale = {scale}\n"), keys)
    (rated,) = told.of(Rated)
    assert (rated.question, rated.score, rated.scale) == ("satisfaction", score, scale)
    assert told.said[-1] == "Thank you."


@pytest.mark.parametrize(("scale", "keys"), [(5, ("0", "6")), (10, ("11", "99"))])
def test_what_is_no_mark_is_asked_again_and_then_let_be(scale: int, keys: tuple[str, ...]) -> None:
    told = play(one(SURVEY + f"scale = {scale}\n"), *keys)
    assert told.of(Rated) == []
    assert (told.first.how, told.first.to, told.first.failures) == (LeftBy.NO_MATCH, "next", 2)


def test_silence_is_no_mark() -> None:
    told = play(one(SURVEY))
    assert (told.first.how, told.of(Rated)) == (LeftBy.NO_INPUT, [])


def test_each_scale_has_its_own_words() -> None:
    assert "1, not at all" in play(one(SURVEY), "3").said[0]
    assert "from 0 to 10" in play(one(SURVEY + "scale = 10\n"), "3#").said[0]


def test_marks_given_after_the_conversation_are_kept_with_the_journey_before_it() -> None:
    before = play(one(MENU), "1").journey
    after = play(one(SURVEY), "4", is_after=True)
    journey = before
    for event in after.events:
        journey = fold(journey, event) or journey
    assert journey.ratings == (("satisfaction", 4, 5),)
    assert (journey.steps, journey.outcome) == (before.steps, before.outcome)
