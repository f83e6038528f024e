"""A whole call with values that must come out nowhere: not in a log line at its finest, not in a figure's label."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cti.calls.journey import DOT
from tests.conftest import Canaries, LogLines
from tests.integration.pbx.ivr_house import BYE, CODE, flow, house, running
from tests.integration.pbx.service import Site, serving
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import Stage, connect, hang_up

NAME = "Canary Wang"


async def test_52_pii_in_logs(stage: Stage, site: Site, canaries: Canaries, log_lines: LogLines) -> None:
    async with serving(site) as service, service.screen() as ann:
        browser = ann.browser
        caller, agent = await connect(stage, number=canaries.number, name=NAME)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        (call,) = service.calls
        assert (call.ani, call.ani_name) == (canaries.number, NAME)
        await browser.ask("PUT", f"/api/v1/interactions/{call.id}/draft", {"text": canaries.note})
        await browser.ask("GET", f"/api/v1/customers?q={canaries.number[1:]}")
        await browser.ask("POST", "/api/v1/session", {"agent": "ann", "password": canaries.token})
        ticket = await browser.ticket()
        await hang_up(caller, agent, after_s=0.2)
        row = await service.row()
        await browser.ask("PUT", f"/api/v1/interactions/{row.call}/result", {"code": "solved", "note": canaries.note})
        figures = await service.metrics()
    lines = log_lines()
    assert {"started", "pbx_connected", "call_ended"} <= {line["event"] for line in lines}
    secrets = [
        ticket,
        browser.cookie,
        NAME,
        canaries.number[4:],
        *(stage.pbx.options.events_secret, stage.pbx.options.commands_secret),
    ]
    for text in (figures, *(json.dumps(line, ensure_ascii=False) for line in lines)):
        assert canaries.found_in(text) == [], text
        assert [secret for secret in secrets if secret and secret in text] == [], text


KEYED = "5501948273"
"""What a caller keys where a flow says ``secret``."""
SECRETIVE = flow(
    "code",
    """
[steps.code]
kind = "identify"
prompt = "Code."
confirm = false
found = "pin"
unknown = "bye"
[steps.pin]
kind = "authenticate"
prompt = "PIN."
refused = "Refused."
tries = 1
next = "bye"
otherwise = "card"
[steps.card]
kind = "collect"
prompt = "Card."
name = "card"
max = 10
secret = true
next = "ask"
otherwise = "bye"
[steps.ask]
kind = "http"
url = "http://192.0.2.1/cards"
method = "POST"
send = { card = "card" }
next = "bye"
otherwise = "bye"
""",
    BYE,
)


@pytest.fixture(scope="module")
def asking() -> Iterator[Asterisk]:
    yield from running("22")


@pytest.mark.real_asterisk
async def test_52_what_is_keyed_in_secret(
    asking: Asterisk, tmp_path: Path, canaries: Canaries, log_lines: LogLines
) -> None:
    """A PIN and a secret number, keyed to a flow that fails to send it: dots on record, and nothing else anywhere."""
    async with house(asking, tmp_path, {"bank": SECRETIVE}) as ivr:
        caller = await ivr.call(canaries.number)
        for prompt, keys in (("Code.", f"{CODE}#"), ("PIN.", f"{canaries.pin}#"), ("Card.", KEYED)):
            await ivr.until_said(prompt)
            await caller.press(keys)
        await caller.until_over()
        _, journey = await ivr.told()
        figures = await ivr.service.metrics()
    lines = log_lines()
    assert {"flow_in_use", "ivr_service_unreachable", "call_ended"} <= {line["event"] for line in lines}
    assert [step.keyed for step in journey.steps[1:3]] == [6 * DOT, 10 * DOT]
    for text in (figures, *(json.dumps(line, ensure_ascii=False) for line in lines)):
        assert canaries.found_in(text) == [], text
    with closing(sqlite3.connect(ivr.service.site.database)) as record:
        places = [
            figures,
            json.dumps(lines),
            "\n".join(record.iterdump()),
            asking.messages.read_text("utf-8", "replace"),
        ]
    places += [path.read_text("utf-8", "replace") for path in (tmp_path / "spool").rglob("*") if path.is_file()]
    assert [place for place in places if canaries.pin in place or KEYED in place] == []
