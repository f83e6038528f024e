"""What every kind of command is made of: the actions that carry it out, and what must happen for it to be done. Pure.

A kind is one row of the table in ``kinds/__init__.py``; its two halves stand together in one of the files beside this one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from cti.calls.call import LegId
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.commands import Command, Done, Failed

C = TypeVar("C", bound=Command)

Action = Mapping[str, str | tuple[str, ...]]
"""Headers of an AMI action; a tuple is a header that stands several times."""

USUAL_S: Final = 5.0
"""How long the PBX may take to say that something was done."""
TIMEOUT: Final = "timeout"

DEVICE: Final = re.compile(r"(?!(?i:Local)/)[A-Za-z0-9]{2,10}/[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
"""A phone. Local is none: it would dial what follows in some context of the dialplan."""
LEG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}")
# A comma would begin a second variable; the dialplan must not find syntax in a value (H19).
_OUR_VARIABLE: Final = re.compile(r"CTI_[A-Z0-9_]{1,40}=[A-Za-z0-9_.+-]{0,80}")


class Message(Protocol):
    """A message of the event plane."""

    event: str

    def get(self, key: str, default: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class Form:
    """What an action of ours may hold. ``Action`` and ``ActionID`` stand in every one."""

    headers: frozenset[str]
    variable: re.Pattern[str] = _OUR_VARIABLE
    """What each ``Variable`` must look like, whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Who is there when an agent's leg is spoken of; None where nobody is."""

    channel: str = ""
    """The name of the agent's own channel."""
    other: LegId | None = None
    """Whom the agent speaks with now."""
    beside: LegId | None = None
    """Who is with it in its bridge: the other, or half of a Local channel that leads there."""
    customer: LegId | None = None
    """Whose call it is, also while the agent consults somebody."""
    consulted: frozenset[LegId] = frozenset()
    """Everybody else of that call, and what leads to them."""
    consults_by_phone: bool = False
    """On a second line of the phone's, of which Asterisk's features know nothing."""
    is_held: bool = False
    """By the PBX, that is; of a phone's own hold the PBX knows nothing to be undone."""
    recorded: LegId | None = None
    """The channel whose voices are recorded."""


class NotNow(ValueError):  # noqa: N818 - what it is, not how it is raised
    """As things are it cannot be done: it fails in these words, but nobody asked for anything wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a command is given by the command plane."""

    action_id: str
    """Of its first action, and of what is answered to it."""
    leg: LegId
    """The Uniqueid a leg that comes of it shall have."""
    dialplan: Dialplan
    ends: Ends = Ends()
    """Of a command about a call."""
    interface_of: Callable[[str, str], str] = lambda _queue, device: device
    """(queue, device) -> what that queue calls the member that rings the device."""


@dataclass(frozen=True, slots=True)
class Soon:
    """A verdict: almost decided; what is still missing comes within ``seconds`` or not at all."""

    seconds: float


Verdict = Done | Failed | Soon | None


@dataclass(slots=True, kw_only=True)
class Expectation:
    """What must happen for one command to be done. It lives from before the first action is sent until its first ``Done`` or
    ``Failed``, is shown everything that may decide, and answers with a verdict; None: nothing decided.
    """

    events: ClassVar[frozenset[str]] = frozenset()
    """The events it wants to see."""
    command: str
    interface: str = ""
    """The member of queues that all of them are about; empty: they may be about anything."""
    limit_s: float = USUAL_S

    def saw(self, event: Message) -> Verdict:  # noqa: ARG002
        """One of ``events``, about whatever."""
        return None

    def answered(self, response: Mapping[str, str]) -> Verdict:  # noqa: ARG002
        """The PBX has accepted one of the actions; its response to that one."""
        return None

    def accepted(self, response: Mapping[str, str]) -> Verdict:  # noqa: ARG002
        """The PBX has accepted all actions; this is its response to the last. Says only that it was understood."""
        return None

    def refused(self, words: str) -> Verdict:
        """The PBX's response was an error, in its words; or the command could not be sent. None: no matter, go on with the
        next action.
        """
        return Failed(command=self.command, reason=words)

    def expired(self) -> Done | Failed:
        return Failed(command=self.command, reason=TIMEOUT)


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """How one kind of command is carried out."""

    actions: Callable[[C, Given], tuple[Action, ...]]
    """Without ActionID; sent one after the other, each when the one before was answered. Raises ValueError, in words for
    the asker, for what must not be sent."""
    expect: Callable[[C, Given], Expectation]


def whole(pattern: re.Pattern[str], text: str, what: str) -> str:
    """``text``, if all of it is what ``pattern`` says. Raises ValueError."""
    if not pattern.fullmatch(text):
        raise ValueError(f"{what}: {text[:40]!r} is none")
    return text


def there(leg: LegId | None) -> LegId:
    """``leg``, if somebody is. Raises NotNow."""
    if not leg:
        raise NotNow("nobody is on the line")
    return LegId(whole(LEG, leg, "leg"))
