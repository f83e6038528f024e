from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, InstanceOf

from cti.ivr.hours import Hours, parse
from cti.ivr.requests import Doing
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId


def _read(value: Any) -> Hours:
    if not isinstance(value, dict):
        raise ValueError('is a table, such as { time_zone = "Asia/Taipei", mon-fri = ["09:00-18:00"] }')  # noqa: TRY004 - for pydantic
    return parse(value)


class HoursStep(Step):
    """Is anybody there? By day and zone, and by public holidays. Says nothing.

    ::

        [steps.open]
        kind = "hours"
        hours = { time_zone = "Asia/Taipei", mon-fri = ["09:00-18:00"], sat = ["10:00-14:00"], holidays = "TW" }
        open = "people"
        closed = "voicemail"
        holiday = "happy_holidays"
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["hours"]
    hours: Annotated[InstanceOf[Hours], BeforeValidator(_read)]
    """A table: ``time_zone``; days and spans of days, each with its hours, such as ``mon-fri = ["08:00-12:00", "13:00-17:30"]``;
    ``holidays``, a country (``"TW"``) or a part of one (``"DE-BE"``), closed unless ``closed_on_holidays = false``; ``closed``, a
    list of days; ``open``, days with hours of their own: ``{ 2026-12-27 = ["10:00-14:00"] }``. What is not named is closed."""
    open: StepId
    """Somebody is there."""
    closed: StepId
    """Nobody is there; who hangs up from here on has not abandoned."""
    holiday: StepId | None = None
    """Where holidays lead; without it as ``closed``."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        yield from ()
        answer = self.hours.is_open(caller.now)
        closed = self.holiday if answer.reason == "holiday" and self.holiday else self.closed
        learned = Learned(is_after_hours=not answer.is_open)
        return Next(to=self.open if answer.is_open else closed, choice=answer.reason, learned=learned)
