"""My day: one's own work, added up from the states on record."""

from datetime import datetime, time, timedelta
from typing import Final

from cti.errors import RequestError
from cti.screenpop.access import Deed
from cti.web.asked import Asked, Reply, Route
from cti.web.parts import WebSite
from cti.web.schemas import DayQuery, DayView

LONGEST: Final = timedelta(days=7)


async def my_day(asked: Asked[None, DayQuery]) -> Reply:
    """One's own work today: time in each state, calls handled, talk, hold, wrap-up, calls missed."""
    now = asked.parts.clock()
    since = asked.query.since or _midnight(asked.parts.site, now)
    if not timedelta() <= now - since <= LONGEST:
        raise RequestError(f"a day begins within the last {LONGEST.days} days")
    day = await asked.parts.log.day(asked.agent.id, since, now)
    view = DayView(
        since=since, until=now, logged_in_s=day.logged_in_s,
        seconds={state.value: seconds for state, seconds in day.seconds.items()}, handled=day.handled,
        talk_s=day.talk_s, hold_s=day.hold_s, wrap_up_s=day.wrap_up_s, missed=day.missed,
        average_handle_s=day.average_handle_s,
    )  # fmt: skip
    return Reply(body=view)


def _midnight(site: WebSite, now: datetime) -> datetime:
    """Where the clock skips midnight, the first moment after it."""
    here = now.astimezone(site.time_zone)
    return datetime.combine(here.date(), time(), site.time_zone).astimezone(now.tzinfo)


ROUTES: Final = (
    Route(method="GET", path="/api/v1/agents/me/day", handler=my_day, deed=Deed.ME, query=DayQuery, gives=DayView),
)
