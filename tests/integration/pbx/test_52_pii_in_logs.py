"""A whole call with values that must come out nowhere: not in a log line at its finest, not in a figure's label."""

import json

from tests.conftest import Canaries, LogLines
from tests.integration.pbx.service import Site, serving
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
