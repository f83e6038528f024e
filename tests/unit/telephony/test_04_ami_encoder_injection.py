"""Whatever stands in a command or in an action, what would end a line early is refused before a byte is sent (trust test 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.call import PbxName
from cti.telephony.asterisk import actions
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.actions import actions_for, checked
from cti.telephony.asterisk.ami_codec import MAX_LINE
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.kinds import KINDS
from cti.telephony.asterisk.kinds.kind import Action
from cti.telephony.commands import Command
from tests.unit.telephony import every_command

BAD = st.one_of(
    st.tuples(
        st.text(),
        st.sampled_from(["\r", "\n", "\0", "\r\n\r\nAction: Command\r\n", "\x1b[2J", "\x85", "\u2028", "\ud800"]),
        st.text(),
    ).map("".join),
    st.integers(MAX_LINE, 2000).map(lambda length: "a" * length),
)
ACTION_FIELDS = [
    (name, header) for name, form in actions._FORMS.items() for header in sorted(form.headers | {"ActionID"})
]
FOR_OUR_RECORDS = {"id", "call"}
"""Never sent: an action's id is our own."""
COMMAND_FIELDS = [
    (command, text.name)
    for command in every_command.EVERY
    for text in fields(command)
    if type(getattr(command, text.name)) is str and text.name not in FOR_OUR_RECORDS
]


def test_4_ami_encoder_injection_is_tried_on_every_kind_of_command() -> None:
    assert {type(command) for command in every_command.EVERY} == set(KINDS)


@pytest.mark.parametrize(("name", "header"), ACTION_FIELDS)
@settings(max_examples=30)
@given(value=BAD)
def test_4_ami_encoder_injection(name: str, header: str, value: str) -> None:
    with pytest.raises(ValueError, match=header):
        checked({"Action": name, header: (value,) if header == "Variable" else value})


@dataclass
class Spy:
    """In the place of a connection: what would be sent."""

    sent: list[Action] = field(default_factory=list)

    async def act(self, action: Action) -> Mapping[str, str]:
        self.sent.append(checked(action))
        return {"Response": "Success"}


@pytest.mark.parametrize(
    ("command", "name"), COMMAND_FIELDS, ids=[f"{type(command).__name__}-{name}" for command, name in COMMAND_FIELDS]
)
@settings(max_examples=30)
@given(value=BAD)
def test_4_ami_encoder_injection_in_any_field_of_a_command_sends_nothing(
    command: Command, name: str, value: str
) -> None:
    control, spy = Control(PbxName("main"), Account(user="u", secret="s"), every_command.DIALPLAN), Spy()
    control._wire = spy  # type: ignore[assignment]
    control.ends_of = lambda _leg: every_command.ENDS
    asking = control.send(replace(command, **{name: value}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"."):
        asking.send(None)
    assert not spy.sent


@pytest.mark.parametrize("command", every_command.EVERY, ids=lambda command: type(command).__name__)
def test_4_ami_encoder_injection_would_not_be_refused_for_something_else(command: Command) -> None:
    """The same commands, as they are, go through."""
    assert actions_for(command, every_command.given(command))


def test_4_ami_encoder_injection_what_the_pbx_told_us_is_checked_as_well() -> None:
    """A static member's Local channel stands in the PBX's own words."""
    pause = next(command for command in every_command.EVERY if command.id == "pause")
    plain = every_command.given(pause)
    through = replace(plain, interface_of=lambda _queue, _device: "Local/2001@agents/n")
    assert [action["Interface"] for action in actions_for(pause, through)] == ["Local/2001@agents/n"]
    for bad in ("Local/2001@agents/n\r\nAction: Command", "Local/2001", "Local/1@a&PJSIP/2", "hint:1@x"):
        with pytest.raises(ValueError, match="device"):
            actions_for(pause, replace(plain, interface_of=lambda _queue, _device, bad=bad: bad))
