"""What every kind of step keeps: it explains itself, its example works, and it leads nowhere but where it says."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ivr.flow import Flow
from cti.ivr.flow_file import parse
from cti.ivr.prompts import Phrasebook, Said
from cti.ivr.reference_page import COMMON, about, example_of, reference
from cti.ivr.requests import Fetched, PinResult, QueueLoad
from cti.ivr.spoken import LANGUAGES
from cti.ivr.step import Caller, Step
from cti.ivr.steps import KINDS
from cti.telephony.voice import Recorded
from tests.unit.ivr.playing import AMY, GONE, NOON, World, found, play
from tests.unit.ivr.test_steps_customer import RICH

ROOT = Path(__file__).parents[2]
MOST = 30
"""Questions of one step, at the very most: beyond this a script would fall silent."""

every_kind = pytest.mark.parametrize("name", KINDS)


def table_of(name: str) -> tuple[str, Mapping[str, Any]]:
    ((step, table),) = tomllib.loads(example_of(KINDS[name]))["steps"].items()
    return step, table


def example(name: str) -> Flow:
    """The flow of the kind's example: its step, and an end for each step it leads to."""
    step, table = table_of(name)
    targets = {lead.to for lead in KINDS[name].model_validate(table).leads()} - {step}
    ends = "".join(f'[steps.{to}]\nkind = "hang_up"\n' for to in sorted(targets))
    languages = '["en", "zh-Hant"]' if name == "language" else '["en"]'
    head = f'start = "{step}"\nlanguages = {languages}\n'
    return parse(head + example_of(KINDS[name]) + ends, file=Path(f"{name}.toml"))


@every_kind
def test_it_says_what_it_is_for(name: str) -> None:
    assert about(KINDS[name]).endswith(".")


@every_kind
def test_every_key_is_explained(name: str) -> None:
    fields = KINDS[name].model_fields
    assert [key for key, field in fields.items() if not field.description and key not in {*COMMON, "kind"}] == []


@every_kind
def test_its_example_is_a_step_of_it_and_in_order(name: str) -> None:
    step, table = table_of(name)
    assert table["kind"] == name
    assert example(name).start == step


@every_kind
def test_it_is_told_by_its_name(name: str) -> None:
    assert KINDS[name].model_fields["kind"].annotation.__args__ == (name,)  # type: ignore[union-attr]


@every_kind
def test_its_own_words_exist_in_every_language_we_speak(name: str) -> None:
    book = Phrasebook(tuple(sorted(LANGUAGES)), example(name).book.prompts)
    step, _ = table_of(name)
    standard = [prompt for _, prompt in example(name).steps[step].prompts() if prompt.name.startswith("std_")]
    assert [(prompt.name, book.missing(prompt)) for prompt in standard if book.missing(prompt)] == []


@every_kind
@pytest.mark.parametrize("script", [["1", "1"], [], ["9", "12#", "0"], ["88301#", "2"], ["2", "091234567#"], ["*"]])
def test_all_it_says_is_known_beforehand(name: str, script: list[str]) -> None:
    """Else a text would be spoken while a caller waits, or be found missing by them."""
    flow = example(name)
    told = play(flow, *script, world=world(), caller=known)
    assert {piece for piece in told.pieces if isinstance(piece, Said) and not piece.is_passing} <= set(flow.texts())


def known(caller: Caller) -> Caller:
    return replace(caller, customer=RICH)


def world(result: PinResult = PinResult.OK) -> World:
    return World(
        customers={"88301": found(AMY), "1": found(AMY)}, pin_results=[result] * MOST, load=QueueLoad(9, NOON),
        services=Fetched({"next.day": "Monday", "next.driver.name": "Bo"}),
        message=Recorded(file=PurePosixPath("x.wav"), length_s=3, how="key"),
    )  # fmt: skip


keys = st.sampled_from(["", "1", "2", "3", "*", "#", "88301#", "77#", "739164#", GONE]) | st.text(
    "0123456789*#", max_size=8
)


@every_kind
@settings(max_examples=25, deadline=None)
@given(script=st.lists(keys, max_size=8), is_known=st.booleans(), result=st.sampled_from(PinResult))
def test_it_leads_nowhere_but_where_it_says(
    name: str, script: list[str], is_known: bool, result: PinResult,  # noqa: FBT001 - drawn
) -> None:  # fmt: skip
    flow = example(name)
    told = play(flow, *script, world=world(result), caller=known if is_known else lambda caller: caller)
    leads = {lead.to for lead in flow.steps[flow.start].leads()}
    assert told.first.to in {*leads, ""}
    assert (told.first.to == "") == (not leads or told.over is None or len(told.steps) == 1)


@every_kind
def test_every_way_out_stands_in_its_table(name: str) -> None:
    _, table = table_of(name)
    step: Step = KINDS[name].model_validate(table)
    for lead in step.leads():
        assert at(table, lead.at) == lead.to or at(table, lead.at)["to"] == lead.to


def at(table: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        table = table[part]
    return table


def test_the_reference_page_is_current() -> None:
    assert (ROOT / "docs/reference/ivr.md").read_text(encoding="utf-8") == reference(), (
        "run: python -m cti.ivr > docs/reference/ivr.md"
    )
