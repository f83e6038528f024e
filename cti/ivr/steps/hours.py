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
    """Is anybody there? By day and zone, and by public holidays. Says nothing."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["hours"]
    hours: Annotated[InstanceOf[Hours], BeforeValidator(_read)]
    """``{ time_zone = "Asia/Taipei", "mon-fri" = ["09:00-18:00"], holidays = "TW" }``."""
    open: StepId
    closed: StepId
    holiday: StepId | None = None
    """Where holidays lead; without it as ``closed``."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        yield from ()
        answer = self.hours.is_open(caller.now)
        closed = self.holiday if answer.reason == "holiday" and self.holiday else self.closed
        learned = Learned(is_after_hours=not answer.is_open)
        return Next(to=self.open if answer.is_open else closed, choice=answer.reason, learned=learned)
