"""What goes wrong at the operator's end is said once, in words that tell what to do, with the right exit code."""

import socket
import sqlite3
from pathlib import Path

import pytest

from cti.store import schema
from tests.integration.cli.conftest import Run, free_port, settings
from tests.testbed.asterisk import Asterisk
from tests.traces.expected import HERE

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")
TRACE = str(HERE / "22" / "plain_inbound_caller_hangs_up.ami")


async def test_every_mistake_of_a_settings_file_stands_in_one_message(cti: Run, tmp_path: Path) -> None:
    file = tmp_path / "cti.toml"
    file.write_text('[site]\ncuontry = "DE"\n[web]\nport = 70000\n')
    said = await cti("run", "--config", str(file))
    assert said.code == 2
    assert f"{file}:2: site.cuontry: no such key; did you mean country?" in said.err
    assert f"{file}:4: web.port" in said.err


async def test_a_file_that_is_not_there_is_named(cti: Run) -> None:
    said = await cti("check", "--config", "nowhere.toml")
    assert (said.code, said.err) == (2, "cti: nowhere.toml: cannot be read: No such file or directory\n")


async def test_a_port_that_is_taken_is_named(cti: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = await cti("run", "--config", settings(tmp_path, web=port))
    assert said.code == 2
    assert f"web.port: 127.0.0.1:{port} is taken by another program" in said.err
    assert "Traceback" not in said.err
    assert "started" not in said.out + said.err


async def test_a_spool_that_cannot_be_written_is_named(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = await cti("run", "--config", settings(tmp_path, '[spool]\ndir = "file/spool"\n'))
    assert said.code == 2
    assert "spool.dir: file/spool cannot be written" in said.err


def _at_revision(path: Path, revision: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table alembic_version (version_num varchar(32) not null)")
        database.execute("insert into alembic_version values (?)", (revision,))
    database.close()


async def test_a_database_of_a_newer_version_is_left_alone(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    _at_revision(tmp_path / "var" / "cti.db", "9999")
    said = await cti("run", "--config", settings(tmp_path))
    assert said.code == 1
    assert "9999" in said.err
    assert "upgrade cti" in said.err
    assert schema.head() not in said.err.split("9999")[0]


async def test_no_pbx_at_all_is_no_mistake_and_is_said(cti: Run, tmp_path: Path) -> None:
    said = await cti("check", "--config", settings(tmp_path))
    assert said.code == 0
    assert "none is configured; `cti init asterisk`" in said.out


@pytest.mark.parametrize("verb", [("record", "a.ami"), ("shadow",), ("backfill", "--from", "2026-11-21")], ids=" ".join)
async def test_a_verb_about_a_pbx_says_that_there_is_none(cti: Run, tmp_path: Path, verb: tuple[str, ...]) -> None:
    """``record`` without a time goes on until Ctrl-C, so it is this that it stops at."""
    said = await cti(*verb, "--config", settings(tmp_path))
    assert (said.code, said.out) == (2, "")
    assert "no PBX is configured; `cti init asterisk`" in said.err


async def test_a_pbx_that_is_not_there_is_said(cti: Run, tmp_path: Path) -> None:
    pbx = f'[[pbx]]\nname = "main"\nport = {free_port()}\nevents_secret = "x"\ncommands_secret = "y"\n'
    said = await cti("check", "--config", settings(tmp_path, pbx))
    assert said.code == 1
    assert "FAILED   pbx main events" in said.out


@pytest.mark.parametrize(
    "arguments", [("replay", "nosuch.ami"), ("replay", "/etc/hostname"), ("crm", "lookup"), ("fly",)]
)
async def test_asked_wrongly_is_two(cti: Run, arguments: tuple[str, ...]) -> None:
    said = await cti(*arguments)
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        (("check",), {"CTI_REDIS__URL": "redis://localhost:x/0"}, 2),
        (("user", "list"), {"CTI_DATABASE__URL": "postgresql://cti@localhost:x/cti"}, 2),
        (("backfill", "--from", "0001-01-01T00:00"), {}, 2),
        (("user", "add", "me"), {}, 2),
        (("user", "add", "zoe", "--device", "1001"), {}, 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_cannot_be_used_is_said_in_a_line(
    cti: Run, arguments: tuple[str, ...], environment: dict[str, str], code: int
) -> None:
    said = await cti(*arguments, **environment)
    assert (said.code, said.out, len(said.err.splitlines())) == (code, "", 1)


async def test_a_front_does_not_log_in_at_the_pbx(cti: Run, tmp_path: Path) -> None:
    urls = {
        "CTI_DATABASE__URL": f"postgresql://cti@127.0.0.1:{free_port()}/cti",
        "CTI_REDIS__URL": "redis://127.0.0.1:1",
    }
    said = await cti("check", "--config", settings(tmp_path, '[[pbx]]\nname = "main"\n'), CTI_ROLES="push,web", **urls)
    assert "ok       pbx: read by another process" in said.out


async def test_replay_tells_a_story_and_counts(cti: Run) -> None:
    said = await cti("replay", TRACE)
    assert (said.code, said.err) == (0, "")
    assert "delivered           agent 2001 (Ann)" in said.out
    assert said.out.endswith("1 calls: 1 answered\n")


@pytest.mark.real_asterisk
class TestOnAsterisk:
    """``cti check`` against a real one, with the accounts it needs and with worse."""

    def _pbx(self, asterisk: Asterisk, **changed: str) -> str:
        given = {
            "events_user": "cti-events", "events_secret": asterisk.options.events_secret,
            "commands_user": "cti-commands", "commands_secret": asterisk.options.commands_secret,
        } | changed  # fmt: skip
        lines = "\n".join(f'{key} = "{value}"' for key, value in given.items())
        return f'[[pbx]]\nname = "main"\nport = {asterisk.ports.ami}\n{lines}\n'

    async def test_a_pbx_as_we_provision_it_is_in_order(self, cti: Run, tmp_path: Path, asterisk: Asterisk) -> None:
        said = await cti("check", "--config", settings(tmp_path, self._pbx(asterisk)))
        assert said.code == 0, said.out
        assert "ok       pbx main events: 0 calls now" in said.out
        assert "ok       pbx main commands account" in said.out

    async def test_a_wrong_password_is_said_in_the_pbxs_words(
        self, cti: Run, tmp_path: Path, asterisk: Asterisk
    ) -> None:
        said = await cti("check", "--config", settings(tmp_path, self._pbx(asterisk, events_secret="wrong")))
        assert said.code == 1
        assert "login refused: Authentication failed" in said.out

    async def test_an_account_that_may_not_list_channels_is_told_what_it_needs(
        self, cti: Run, tmp_path: Path, asterisk: Asterisk
    ) -> None:
        swapped = {"commands_user": "cti-events", "commands_secret": asterisk.options.events_secret}
        said = await cti("check", "--config", settings(tmp_path, self._pbx(asterisk, **swapped)))
        assert said.code == 1
        assert "it may not Originate; `cti init asterisk` prints what it needs" in said.out

    async def test_record_writes_what_replay_reads(self, cti: Run, tmp_path: Path, asterisk: Asterisk) -> None:
        said = await cti("record", "out.ami.gz", "--seconds", "2", "--config", settings(tmp_path, self._pbx(asterisk)))
        assert said.code == 0, said.err
        told = await cti("replay", "out.ami.gz")
        assert (told.code, told.out) == (0, "0 calls\n")
