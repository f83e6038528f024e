"""Typed commands -> AMI actions, and what an account may do. Pure: whatever must not be sent is refused here, before a byte is.

An action never holds text that was not checked against a pattern of its own. How each kind of command is carried out stands
in ``kinds/``.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from cti.telephony.asterisk import ami_codec, site_questions
from cti.telephony.asterisk.kinds import FORMS, KINDS
from cti.telephony.asterisk.kinds.kind import LEG, Action, Expectation, Form, Given, Kind, whole
from cti.telephony.commands import CallCommand, Command

_FORMS: Final[Mapping[str, Form]] = {
    "Login": Form(frozenset({"Username", "Secret", "Events"})),
    "Ping": Form(frozenset()),
    "ListCommands": Form(frozenset()),
    **FORMS,
    "Getvar": Form(
        FORMS["Getvar"].headers,
        variable=re.compile(f"{FORMS['Getvar'].variable.pattern}|{site_questions.QUESTION.pattern}"),
    ),
}
_IN_EVERY_ONE: Final = frozenset({"Action", "ActionID"})


def actions_for(command: Command, given: Given) -> tuple[Action, ...]:
    """The actions that carry out ``command``, one after the other. Raises ValueError for what must not be sent."""
    if isinstance(command, CallCommand):
        whole(LEG, command.leg, "leg")
    actions = _kind_of(command).actions(command, given)
    return tuple(
        checked({**action, "ActionID": given.action_id if number == 1 else f"{given.action_id}-{number}"})
        for number, action in enumerate(actions, 1)
    )


def expectation_of(command: Command, given: Given) -> Expectation:
    """What must happen for it to be done."""
    return _kind_of(command).expect(command, given)


def _kind_of(command: Command) -> Kind[Any]:
    kind = KINDS.get(type(command))
    if kind is None:
        raise ValueError(f"not built: {type(command).__name__}")
    return kind


def checked(action: Action) -> Action:
    """``action`` itself if every byte of it may be sent. Raises ValueError, before anything is, for actions and headers we
    do not use, control characters, lone surrogates, lines Asterisk would cut (H3), and variables not our own (H19).
    """
    form = _FORMS.get(str(action.get("Action")))
    if form is None or not set(action) <= form.headers | _IN_EVERY_ONE:
        raise ValueError(f"not an action of ours: {str(action.get('Action'))[:40]!r} {sorted(set(action))[:20]!r}")
    for key, values in action.items():
        for value in values if isinstance(values, tuple) else (values,):
            _check_line(key, value, form)
    return action


def _check_line(key: str, value: str, form: Form) -> None:
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise ValueError(f"{key}: control characters cannot be sent to the PBX")
    ami_codec.encode([(key, value)])
    if key == "Variable" and not form.variable.fullmatch(value):
        raise ValueError(f"{key}: only variables of ours with plain values may be set")


COMMANDS_NEED: Final = frozenset({"call", "agent", "originate", "reporting"})
EVENTS_NEED: Final = frozenset({"reporting"})
_CLASSES: Final = re.compile(r"\(Priv: ([^)]*)\)")


def excess_privileges(listed: Mapping[str, str], *, needed: frozenset[str] = COMMANDS_NEED) -> tuple[str, ...]:
    """Classes an account may write beyond those needed, the dangerous ones first, from what ``ListCommands`` told it.

    Asterisk lists the actions this account may send, with the classes of which any one suffices: an action of one
    class shows that the account holds it.
    """
    classes = [
        set(re.split(r"[,\s]+", found[1])) - {"all", "<none>", ""}
        for text in listed.values()
        if (found := _CLASSES.search(text))
    ]
    held = {only for group in classes if len(group) == 1 for only in group}
    return tuple(sorted(held - needed, key=lambda name: (name not in {"system", "command", "config"}, name)))
