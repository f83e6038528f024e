"""``cti check`` where agents have phones: what this Asterisk lacks for their desk, and what to do about it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_wire import answers
from tests.integration.cli.conftest import Run, settings
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require

pytestmark = pytest.mark.real_asterisk

DESK: Final = ("queues", "members", "consultation", "transfer", "parking", "wrap-up", "hold and recording")
READS_FILES: Final = {"modules.conf": "load = func_config.so"}
OLD_FEATURES: Final = "[general]\natxferthreeway = *3\natxferswap = *4\n[featuremap]\natxfer = *2\n"
"""A site of 0.2: Asterisk's own codes, and none of ours."""


class Older(Asterisk):
    """As a site that has not taken the new files: no features of ours, no parking, its own queues and phones."""

    def config(self) -> dict[str, str]:
        made = Asterisk.config(self)
        pjsip = made["pjsip_cti.conf"].replace("set_var = DYNAMIC_FEATURES", ";")
        queues = made["queues_cti.conf"].replace("shared_lastcall", ";").replace("wrapuptime = 2", "wrapuptime = 0")
        parking = made["res_parking.conf"].replace("701-720", "801-820").replace("parkext = 700", "parkext = 800")
        return made | {
            "features.conf": OLD_FEATURES, "pjsip_cti.conf": pjsip, "queues_cti.conf": queues, "res_parking.conf": parking,
        }  # fmt: skip


class Complete(Asterisk):
    """As we provision it: no agents in queues.conf."""

    def config(self) -> dict[str, str]:
        made = Asterisk.config(self)
        return made | {"queues_cti.conf": made["queues_cti.conf"].replace("member =>", ";")}


def of_each_version(kind: type[Asterisk]) -> Callable[[pytest.FixtureRequest], Iterator[Asterisk]]:
    def running(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
        require(f"asterisk-{request.param}")
        with kind(request.param, extra=READS_FILES) as pbx:
            yield pbx

    return running


complete = pytest.fixture(of_each_version(Complete), scope="module", params=parts.ASTERISK_VERSIONS, name="complete")
older = pytest.fixture(of_each_version(Older), scope="module", params=parts.ASTERISK_VERSIONS, name="older")


def site(folder: Path, pbx: Asterisk, queues: str, *, second: str = "2002") -> str:
    """A settings file with two agents; without a ``second`` number, none of them has a phone."""
    agents = "".join(
        f'[[agents]]\nid = "a{place}"\nname = "A"\nqueues = [{queues}]\n'
        + (f'extension = "{number}"\ndevice = "PJSIP/{number}"\n' if second else "")
        for place, number in enumerate(("2001", second))
    )
    secrets = f'events_secret = "{pbx.options.events_secret}"\ncommands_secret = "{pbx.options.commands_secret}"\n'
    return settings(folder, f'[[pbx]]\nname = "main"\nport = {pbx.ports.ami}\n{secrets}{agents}')


async def checked(cti: Run, file: str) -> dict[str, tuple[str, str]]:
    said = await cti("check", "--json", "--config", file)
    assert said.code == 0, said.out + said.err
    told = [json.loads(line) for line in said.out.splitlines()]
    found = {one["what"].removeprefix("pbx main "): (one["state"], one["words"]) for one in told}
    return {what: found[what] for what in DESK if what in found}


async def test_a_pbx_as_we_provision_it_has_all_that_the_desk_needs(
    cti: Run, tmp_path: Path, complete: Asterisk
) -> None:
    found = await checked(cti, site(tmp_path, complete, '"care"'))
    assert found == dict.fromkeys(DESK, ("ok", ""))


async def test_what_an_older_pbx_lacks_is_said_with_what_to_do(cti: Run, tmp_path: Path, older: Asterisk) -> None:
    found = await checked(cti, site(tmp_path, older, '"support", "gone"'))
    assert {what: state for what, (state, _) in found.items()} == dict.fromkeys(DESK, "warning") | {"transfer": "ok"}
    assert "not there: gone; agents who log in are not put into it" in found["queues"][1]
    assert "PJSIP/2001 (keyed, sales, short, support, " in found["members"][1]
    assert "take out the `member =>` lines" in found["members"][1]
    assert "lacks atxfercomplete = *5: handing over will fail" in found["consultation"][1]
    assert r"no parking space (7\d{2}) in context parkedcalls" in found["parking"][1]
    assert "wrapuptime = 2 in support and shared_lastcall = yes in [general]" in found["wrap-up"][1]
    assert (
        "[applicationmap] of features.conf lacks cti-hold, cti-retrieve, cti-record" in found["hold and recording"][1]
    )


async def test_a_phone_without_the_features_is_named(cti: Run, tmp_path: Path, complete: Asterisk) -> None:
    other = complete.home / "etc" / "pjsip_cti.conf"
    other.write_text(f"{other.read_text()}\n[2009]\ntype = endpoint\nset_var = LANGUAGE=en\n")
    found = await checked(cti, site(tmp_path, complete, '"care"', second="2009"))
    assert found["hold and recording"][0] == "warning"
    assert "DYNAMIC_FEATURES=cti-hold#cti-retrieve#cti-record` at 2009:" in found["hold and recording"][1]


async def test_numbers_that_the_dialplan_lacks_are_named(cti: Run, tmp_path: Path, complete: Asterisk) -> None:
    found = await checked(cti, site(tmp_path, complete, '"care"', second="5002"))
    assert found["transfer"][0] == "warning"
    assert "context cti-transfer has no extension 5002" in found["transfer"][1]


async def test_where_files_cannot_be_read_that_is_said_and_no_warning_given(
    cti: Run, tmp_path: Path, asterisk: Asterisk
) -> None:
    found = await checked(cti, site(tmp_path, asterisk, '"care"'))
    assert found["hold and recording"] == ("ok", "not looked at: this Asterisk has not loaded func_config.so")
    assert "wrap-up" not in found


async def test_without_phones_nothing_is_asked(cti: Run, tmp_path: Path, asterisk: Asterisk) -> None:
    assert await checked(cti, site(tmp_path, asterisk, '"care"', second="")) == {}


async def test_our_account_refuses_to_ask_for_a_secret(complete: Asterisk) -> None:
    """Asterisk would tell it."""
    account = Account(
        host="127.0.0.1", port=complete.ports.ami, user="cti-commands", secret=complete.options.commands_secret
    )
    with pytest.raises(ValueError, match="only variables of ours"):
        await answers(account, ["AST_CONFIG(manager.conf,cti-events,secret)"])
