"""``cti replay FILE``: the story of a trace, line by line. The first tool to reach for."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cti.cli import DONE, FAILED, AsJson, Config, app, say, say_error

if TYPE_CHECKING:
    from cti.telephony.asterisk.endpoints import Endpoints


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="Raw AMI bytes (.ami, .ami.gz), JSON lines or a JSON array of header objects.")
    ],
    json: AsJson = False,
    pbx: Annotated[
        str, typer.Option(help="The PBX's name: it stands in every call's id, and picks its settings.")
    ] = "replay",
    config: Config = None,
) -> None:
    """Tell the story of a recorded trace: every call, from its first ring to its last hang-up."""
    from cti.envelope import encode, of_change
    from cti.telephony.asterisk.narrator import Narrator
    from cti.telephony.replay.story import replay as story
    from cti.telephony.replay.tell import line
    from cti.telephony.replay.trace import load

    narrator = Narrator(pbx, _endpoints(pbx, config))
    outcomes: Counter[str] = Counter()
    try:
        for change in story(load(file), narrator=narrator):
            outcomes[str(change.after.outcome)] += not change.after.is_live
            if json:
                sys.stdout.buffer.write(encode(of_change(change)) + b"\n")
            else:
                say(line(change))
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(DONE) from None
    sys.stdout.flush()
    _summary(outcomes, narrator.quarantined, narrator.anomalies, json=json)
    raise typer.Exit(DONE if outcomes.total() or not narrator.quarantined else FAILED)


def _endpoints(pbx: str, config: Path | None) -> "Endpoints":
    """Of the configured PBX of that name; else the defaults, so that anybody's trace can be told anywhere."""
    from cti import settings
    from cti.telephony.asterisk.endpoints import Endpoints
    from cti.telephony.make import endpoints

    if config is None:
        return Endpoints()
    given = settings.load(config)
    return next((endpoints(one) for one in given.pbx if one.name == pbx), Endpoints())


def _summary(outcomes: "Counter[str]", quarantined: "Counter[str]", anomalies: "Counter[str]", *, json: bool) -> None:
    if not json:
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common() if count)
        say(f"{outcomes.total()} calls" + (f": {told}" if told else ""))
    for reason, count in quarantined.items():
        say_error(f"{count} blocks not believed: {reason}")
    for kind, count in anomalies.items():
        say_error(f"{count} events out of place: {kind}")
