"""Prompts as they stand in files, and the utterances made of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from cti.ivr.flow_file import standard_prompts
from cti.ivr.prompts import Phrasebook, Played, Prompt, Said
from cti.ivr.spoken import LANGUAGES, Digits, Plain

BOTH = ("en", "zh-Hant")
WELCOME = Prompt.model_validate({"en": "Welcome.", "zh-Hant": "歡迎。"})
BOOK = Phrasebook(BOTH, {"welcome": WELCOME})


def test_a_name_is_looked_up_and_a_text_is_itself() -> None:
    assert BOOK.utterance(Prompt("welcome"), "zh-Hant", {}) == (Said("歡迎。", "zh-Hant"),)
    assert BOOK.utterance(Prompt("Good day."), "en", {}) == (Said("Good day.", "en"),)


def test_a_language_without_words_falls_back_on_the_first_there_is() -> None:
    assert BOOK.utterance(WELCOME, "fr", {}) == (Said("Welcome.", "en"),)


def test_a_sound_serves_every_language() -> None:
    sound = Prompt.model_validate({"sound": "custom/welcome"})
    assert BOOK.missing(sound) == ()
    assert BOOK.utterance(sound, "zh-Hant", {}) == (Played("custom/welcome"),)
    assert list(BOOK.sounds(sound)) == ["custom/welcome", "custom/welcome"]


def test_sounds_and_texts_can_stand_side_by_side() -> None:
    mixed = Prompt.model_validate({"en": {"sound": "en/hi"}, "zh-Hant": "您好。"})
    assert BOOK.utterance(mixed, "en", {}) == (Played("en/hi"),)
    assert list(BOOK.texts(mixed)) == [Said("您好。", "zh-Hant")]


def test_what_stands_between_values_is_one_piece_and_values_pass() -> None:
    said = BOOK.utterance(
        Prompt("Order {order} is {status}. Thank you."), "en", {"order": Digits("12"), "status": Plain("sent")}
    )
    assert said == (
        Said("Order", "en"), Said("one two", "en", is_passing=True), Said("is", "en"),
        Said("sent", "en", is_passing=True), Said(". Thank you.", "en"),
    )  # fmt: skip


def test_a_value_nobody_knows_or_that_is_empty_is_passed_over() -> None:
    assert BOOK.utterance(Prompt("Status {status}."), "en", {}) == (Said("Status", "en"),)
    assert BOOK.utterance(Prompt("Status {status}."), "en", {"status": Plain("")}) == (Said("Status", "en"),)


def test_what_can_be_spoken_beforehand_holds_no_values() -> None:
    assert list(BOOK.texts(Prompt("Order {order} is {status}. Thank you."))) == [
        Said("Order", "en"), Said("is", "en"), Said(". Thank you.", "en"),
    ]  # fmt: skip


def test_an_empty_text_is_silence_in_every_language() -> None:
    assert BOOK.missing(Prompt("")) == ()
    assert BOOK.utterance(Prompt(""), "zh-Hant", {}) == ()


def test_a_plain_text_is_missing_in_the_other_languages() -> None:
    assert BOOK.missing(Prompt("Good day.")) == ("zh-Hant",)


@pytest.mark.parametrize("wrong", [3, [], {"EN": "x"}, {"sound": "a b"}, {"sound": "../x"}, {"en": 3}, {"sound": 1}])
def test_what_is_no_prompt_is_told_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Prompt.model_validate(wrong)
    assert [error["msg"] for error in caught.value.errors()] == [
        'Value error, no prompt: a name of [prompts], a text, { sound = "..." }, or one of these for each language'
    ]


@pytest.mark.parametrize("wrong", [{"sound": "custom/hours.wav"}, {"en": "Hi.", "de": {"sound": "custom/hours.wav"}}])
def test_a_sound_with_its_ending_is_told_its_name(wrong: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Prompt.model_validate(wrong)
    assert [error["msg"] for error in caught.value.errors()] == [
        "Value error, a sound of the PBX is named without its ending: custom/hours"
    ]


@pytest.mark.parametrize("text", ["{Order}", "{ order }", "a } b", {"en": "{order"}])
def test_a_brace_that_belongs_to_no_name_is_noticed(text: Any) -> None:
    with pytest.raises(ValidationError, match="holds a brace that belongs to no"):
        Prompt.model_validate(text)


@pytest.mark.parametrize("name", sorted(standard_prompts()))
def test_a_standard_prompt_has_words_and_the_same_places_in_every_language(name: str) -> None:
    prompt = standard_prompts()[name]
    book = Phrasebook(tuple(sorted(LANGUAGES)), standard_prompts())
    assert book.missing(prompt) == ()
    places = [
        Phrasebook((language,)).placeholders(Prompt(str(text))) for language, text in book.wordings(prompt).items()
    ]
    assert len(set(places)) == 1
