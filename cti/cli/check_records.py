"""What ``cti check`` says of a PBX's own records: could missed calls be filled in from them?"""

from datetime import UTC, datetime, timedelta

from cti.cli.findings import Finding
from cti.errors import PbxError
from cti.settings import Pbx, Settings

RECENT = timedelta(hours=1)


async def of_records(given: Settings, pbx: Pbx) -> Finding:
    from cti.app.backfilling import records_of
    from cti.reconcile.reading import calls_ended, check

    what, places = f"pbx {pbx.name} records", records_of(pbx, given.site.time_zone)
    if not places.is_known:
        words = "calls that we miss stay missed: set queue_log and cdr in [[pbx]]; `cti init asterisk` prints what writes them"
        return Finding(what, "warning", words)
    if wrong := check(places):
        return Finding(what, "warning", "; ".join(wrong))
    try:
        now = datetime.now(UTC)
        calls = await calls_ended(places, now - RECENT, now)
    except PbxError as error:
        return Finding(what, "warning", str(error))
    lacking = [key for key, place in (("queue_log", places.queue_log), ("cdr", places.cdr)) if not place]
    words = f"{len(calls)} calls in the last hour"
    if lacking:
        missing = (
            "who answered when" if lacking == ["queue_log"] else "numbers dialled, calls outside queues and true ends"
        )
        return Finding(what, "warning", f"{words}; without {lacking[0]} we cannot know {missing}")
    return Finding(what, "ok", words)
