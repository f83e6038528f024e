"""``cti check`` where there is an IVR: flows, voice, folders and port, each in a line of its own."""

import json
import socket
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run, Said, free_port, settings

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")
SOUNDS_ONLY = 'start = "bye"\n[steps.bye]\nkind = "hang_up"\nprompt = ""\n'
SPOKEN = 'start = "bye"\n[steps.bye]\nkind = "hang_up"\nprompt = "Goodbye."\n'
PBX = '[[pbx]]\nname = "main"\nport = {port}\nevents_secret = "e"\ncommands_secret = "c"\nfastagi_secret = "a-long-enough-secret-0123456789"\n'


def flow(folder: Path, name: str, text: str = SOUNDS_ONLY) -> None:
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / f"{name}.toml").write_text(text)


def with_ivr(folder: Path, more: str = "", *, port: int = 0) -> str:
    ivr = f'[ivr]\nflows = "flows"\nport = {port or free_port()}\n{more}\n'
    return settings(folder, ivr + PBX.format(port=free_port()))


def lines(said: Said) -> dict[str, tuple[str, str]]:
    findings = [json.loads(line) for line in said.out.splitlines()]
    return {one["what"]: (one["state"], one["words"]) for one in findings if one["what"].startswith("ivr")}


async def checked(cti: Run, file: str, **environment: str) -> dict[str, tuple[str, str]]:
    return lines(await cti("check", "--json", "--config", file, **environment))


async def test_without_a_flow_there_is_nothing_to_look_at(cti: Run, tmp_path: Path) -> None:
    assert await checked(cti, settings(tmp_path)) == {}


async def test_flows_folders_and_port_that_are_right(cti: Run, tmp_path: Path) -> None:
    flow(tmp_path, "shop")
    flow(tmp_path, "bank")
    port = free_port()
    found = await checked(cti, with_ivr(tmp_path, 'flow = "shop"\nlines = { "0800" = "bank", "0801" = "" }', port=port))
    assert found == {
        f"ivr port {port}": ("ok", ""),
        "ivr flow bank": ("ok", "1 step, en"),
        "ivr flow shop": ("ok", "1 step, en"),
        "ivr speech": ("ok", "not needed: sounds only"),
        "ivr prompts": ("ok", f"{tmp_path}/var/prompts; the PBX must reach it too"),
        "ivr recordings": ("ok", f"{tmp_path}/var/voicemail; the PBX must reach it too"),
    }


async def test_a_mistake_in_a_flow_is_told_with_its_place(cti: Run, tmp_path: Path) -> None:
    flow(tmp_path, "shop", SOUNDS_ONLY.replace('start = "bye"', 'start = "by"'))
    file = with_ivr(tmp_path, 'flow = "shop"')
    found = await checked(cti, file)
    state, words = found["ivr flow shop"]
    assert state == "failed"
    assert "flows/shop.toml:1: start" in words
    assert "ivr speech" not in found  # whether a voice is needed is not known
    assert (await cti("check", "--config", file)).code == 1


async def test_a_flow_that_is_not_there_is_told(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    found = await checked(cti, with_ivr(tmp_path, 'flow = "shop"'))
    assert found["ivr flow shop"] == ("failed", "flows/shop.toml: cannot be read: No such file or directory")


async def test_a_voice_that_is_missing_is_told_with_what_to_do(cti: Run, tmp_path: Path) -> None:
    flow(tmp_path, "shop", SPOKEN)
    found = await checked(cti, with_ivr(tmp_path, 'flow = "shop"'), PATH="/nowhere")
    assert found["ivr speech"] == ("failed", "espeak-ng is not installed: `apt install espeak-ng`")


async def test_a_folder_that_cannot_be_written_is_told(cti: Run, tmp_path: Path) -> None:
    flow(tmp_path, "shop")
    (tmp_path / "file").touch()
    found = await checked(cti, with_ivr(tmp_path, 'flow = "shop"\nrecordings = "file/r"'))
    assert found["ivr recordings"] == ("failed", "file/r cannot be written: Not a directory")
    assert found["ivr prompts"][0] == "ok"


@pytest.mark.parametrize("verb", ["check", "run"])
async def test_a_port_that_is_taken_is_named(cti: Run, tmp_path: Path, verb: str) -> None:
    flow(tmp_path, "shop")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = await cti(verb, "--config", with_ivr(tmp_path, 'flow = "shop"', port=port))
    words = {
        "check": f"FAILED   ivr port {port}: Address already in use; choose another ivr.port",
        "run": f"ivr.port: 127.0.0.1:{port} is taken by another program",
    }
    assert words[verb] in said.out + said.err
    assert said.code == {"check": 1, "run": 2}[verb]
    assert "Traceback" not in said.err
