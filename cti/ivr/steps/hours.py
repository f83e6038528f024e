from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, InstanceOf

from cti.ivr.hours import Hours, parse
from cti.ivr.requests import Doing
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId


def _read(value: Any) -> Any:
    return parse(value) if isinstance(value, dict) else value


class HoursStep(Step):
    """Is anybody there? By day and zone, and by public holidays. Says nothing."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["hours"]
    hours: Annotated[InstanceOf[Hours], BeforeValidator(_read)]
    """``{ zone = "Asia/Taipei", "mon-fri" = ["09:00-18:00"], holidays = "TW" }``."""
    open: StepId
    closed: StepId
    holiday: StepId | None = None
    """Where holidays lead; without it as ``closed``."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        yield from ()
        answer = self.hours.is_open(caller.now)
        if answer.is_open:
            return Next(to=self.open, choice="open")
        to = self.holiday if answer.reason == "holiday" and self.holiday else self.closed
        return Next(to=to, choice=answer.reason, learned=Learned(is_after_hours=True))
