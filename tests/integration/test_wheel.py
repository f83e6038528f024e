"""What the containers do, without a container engine: build the wheel, install it where nothing else is, start it, look at it."""

import contextlib
import importlib.util
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
import yaml

from cti.ivr.flow_file import load
from cti.settings import Settings, parse
from cti.telephony.asterisk.provision import render
from tests.ports import free_port
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require

ROOT: Final = Path(__file__).parents[2]
DOCKER: Final = ROOT / "docker"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
START_LIMIT_S: Final = 60.0

# --- the wheel -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("cti-*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment that holds the lock's packages and the wheel, and nothing else."""
    home = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", str(home))
    pip = (
        str(home / "bin/pip"),
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    )
    run(
        *pip,
        "--require-hashes",
        "-r",
        str(ROOT / "requirements/run.lock"),
        unless="Could not find a version|connection",
    )
    run(*pip, str(wheel))
    return home / "bin"


def run(*command: str, cwd: Path | None = None, unless: str = "") -> str:
    """Its output. Fails with all it said; skips where that matches ``unless``: there is no registry to be reached."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    said = done.stdout + done.stderr
    if done.returncode and unless and re.search(unless, said):
        pytest.skip(f"NOT AVAILABLE: a package registry: {said[-200:]}")
    assert done.returncode == 0, said
    return done.stdout


def test_the_wheel_carries_the_console_the_configuration_and_the_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "cti/web/static/index.html",
        "cti/data/config/cti.toml",
        "cti/telephony/asterisk/provision/templates/manager.conf",
        "cti/ivr/standard_prompts.toml",
        "cti/ivr/picture/picture.css",
        *(f"cti/data/config/ivr/{flow.name}" for flow in (ROOT / "config/ivr").glob("*.toml")),
    } <= names
    assert any(re.fullmatch(r"cti/web/static/assets/.*\.js", name) for name in names)


def test_the_wheel_carries_nothing_of_the_tests_and_no_state(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if not name.startswith(("cti/", "cti-"))] == []
    assert [name for name in names if name.endswith((".db", ".log", ".pyc")) or "node_modules" in name] == []


def test_the_installed_configuration_is_the_shipped_one(installed: Path, tmp_path: Path) -> None:
    code = "from cti.settings import find; print(find(None, {}).read_text())"
    assert (
        run(str(installed / "python"), "-c", code, cwd=tmp_path).strip()
        == (ROOT / "config/cti.toml").read_text().strip()
    )


def test_what_is_installed_is_enough_to_import_every_module(installed: Path, tmp_path: Path) -> None:
    code = """
import cti, importlib, pkgutil
for module in pkgutil.walk_packages(cti.__path__, "cti."):
    if ".migrations" not in module.name:  # alembic's to import
        importlib.import_module(module.name)
print(cti.__file__)
"""
    where = run(str(installed / "python"), "-W", "ignore", "-c", code, cwd=tmp_path)
    assert str(installed.parent) in where


@dataclass(frozen=True, slots=True)
class Started:
    url: str
    home: Path


@pytest.fixture
def started(installed: Path, tmp_path: Path) -> Iterator[Started]:
    """``cti run`` of the wheel in an empty folder, as the container starts it, on free ports."""
    port = free_port()
    with serving([installed / "cti", "run"], tmp_path, port, CTI_WEB__PORT=str(port), CTI_PUSH__PORT=str(free_port())):
        yield Started(f"http://127.0.0.1:{port}", tmp_path)


@contextlib.contextmanager
def serving(command: Sequence[str | Path], folder: Path, port: int, **variables: str) -> Iterator[None]:
    """Alive within, and stopped cleanly by SIGTERM afterwards."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("CTI_", "PYTHON"))
    } | variables
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        try:
            wait_until_alive(f"http://127.0.0.1:{port}/healthz", process, folder / "said")
            yield
        finally:
            process.terminate()
            code = process.wait(20)
    assert code == 0, (folder / "said").read_text()


def wait_until_alive(url: str, process: "subprocess.Popen[bytes]", said: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            get(url)
            return
        time.sleep(0.1)
    pytest.fail(f"not alive: {said.read_text()[-2000:]}")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


def test_the_wheel_starts_with_nothing_around_it_and_serves_the_console(started: Started) -> None:
    page = get(f"{started.url}/")
    assert "<title>" in page
    for asset in re.findall(r'(?:src|href)="/?(assets/[^"]+)"', page):
        assert get(f"{started.url}/{asset}")


def test_the_wheel_is_alive_and_ready_and_keeps_its_state_below_its_folder(started: Started) -> None:
    assert json.loads(get(f"{started.url}/healthz"))
    assert json.loads(get(f"{started.url}/readyz"))["ready"] is True
    assert (started.home / "var").is_dir()


def test_the_demo_of_the_wheel_needs_nothing_else(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    with serving([installed / "cti", "demo", "--port", str(port), "--customers", "100"], tmp_path, port):
        assert "<title>" in get(f"http://127.0.0.1:{port}/")


def test_a_flow_of_the_wheel_is_in_order_and_can_be_drawn(installed: Path, tmp_path: Path) -> None:
    code = "import importlib.resources as r; print(r.files('cti') / 'data/config/ivr/bank.toml')"
    flow = run(str(installed / "python"), "-c", code, cwd=tmp_path).strip()
    assert str(installed.parent) in flow
    assert "svg" in run(str(installed / "cti"), "ivr", "draw", flow, cwd=tmp_path)


def test_a_misspelt_key_stops_it_with_its_line_and_exit_2(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "cti.toml").write_text("[web]\nprot = 1\n")
    done = subprocess.run(
        [installed / "cti", "run", "--config", "cti.toml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "cti.toml:2: web.prot: no such key; did you mean port?" in done.stderr) == (2, True)


# --- the containers agree with the project -------------------------------------------------------------------------------

DOCKERFILE: Final = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))


def test_the_dockerfile_copies_what_there_is() -> None:
    wanted = [
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    ]
    assert [path for path in wanted if not (ROOT / path).exists()] == []
    assert len(wanted) > 8


def test_the_dockerfile_starts_a_program_there_is() -> None:
    assert f'ENTRYPOINT ["{next(iter(PROJECT["project"]["scripts"]))}"]' in DOCKERFILE


def test_the_dockerfile_uses_a_python_the_lock_is_for() -> None:
    (version,) = set(re.findall(r"FROM python:([0-9.]+)-slim", DOCKERFILE))
    assert f">={version}" in PROJECT["project"]["requires-python"]


def test_the_container_has_what_speaks_to_callers() -> None:
    assert "espeak-ng" in DOCKERFILE.rsplit("\nFROM ", 1)[1]


def test_the_container_does_not_run_as_root() -> None:
    assert "USER cti" in DOCKERFILE.rsplit("FROM ", 1)[1]


def test_the_ports_are_the_settings() -> None:
    ports = {Settings().web.port, Settings().push.port}
    exposed = {int(port) for port in re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)[0].split()}
    assert exposed == ports | {Settings().ivr.port}
    assert {int(port.rsplit(":", 1)[1]) for port in COMPOSE["services"]["cti"]["ports"]} == ports
    assert f"http://127.0.0.1:{Settings().web.port}/healthz" in DOCKERFILE


CTIS: Final = [
    name for name, service in COMPOSE["services"].items() if service.get("image") == "cti" and "environment" in service
]


@pytest.mark.parametrize("name", CTIS)
def test_the_environment_of_the_containers_is_a_valid_configuration(tmp_path: Path, name: str) -> None:
    secrets = {f"/run/secrets/{name}": tmp_path / name for name in COMPOSE["secrets"]}
    for file in secrets.values():
        file.write_text("postgresql://cti:x@postgres/cti" if "url" in file.name else "s" * 64)
    image = dict(re.findall(r"(CTI_\w+)=(\S+)", DOCKERFILE))
    environment = image | {
        key: str(secrets.get(value, value)) for key, value in COMPOSE["services"][name]["environment"].items()
    }
    command = COMPOSE["services"][name].get("command", [])
    environment |= {"CTI_ROLES": command[command.index("--roles") + 1]} if command else {}
    settings = parse(
        (ROOT / "config/cti.toml").read_text(encoding="utf-8"), file=ROOT / "config/cti.toml", environ=environment
    )
    assert [(pbx.name, pbx.host) for pbx in settings.pbx] == [("main", "asterisk-inside")]
    assert settings.database.url.get_secret_value().startswith("postgresql://")


def test_the_scaled_shape_has_two_readers_and_three_fronts_each_with_a_name_and_a_folder_of_its_own() -> None:
    scaled = {
        name: COMPOSE["services"][name] for name in CTIS if COMPOSE["services"][name].get("profiles") == ["scaled"]
    }
    roles = Counter(service["command"][-1] for service in scaled.values())
    assert roles == {"pbx": 2, "push,web": 3}
    assert [service["environment"]["CTI_PROCESS__NAME"] for service in scaled.values()] == list(scaled)
    assert [service["volumes"][0].split(":")[0] for service in scaled.values()] == list(scaled)
    assert set(scaled) < set(COMPOSE["services"]["balancer"]["depends_on"])


def test_the_balancer_stands_where_the_one_service_would_and_knows_all_of_them() -> None:
    """The PBX asks at one address, whichever shape it is."""
    services, told = COMPOSE["services"], (DOCKER / "nginx.conf").read_text(encoding="utf-8")
    assert services["balancer"]["networks"] == services["cti"]["networks"]
    assert services["front-1"]["environment"]["CTI_WEB__TRUSTED_PROXIES"] == provision().CTI
    ports = {"pbx": (Settings().ivr.port,), "push,web": (Settings().web.port, Settings().push.port)}
    wanted = {
        f"{name}:{port}"
        for name in CTIS
        if "command" in services[name]
        for port in ports[services[name]["command"][-1]]
    }
    assert set(re.findall(r"server ([a-z]+-\d:\d+)", told)) == wanted
    assert set(re.findall(r"listen (\d+);", told)) == {str(Settings().ivr.port), str(Settings().web.port)}


def test_every_secret_is_made_declared_and_used() -> None:
    script = (DOCKER / "secrets.sh").read_text(encoding="utf-8")
    used = {name for service in COMPOSE["services"].values() for name in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    assert [name for name in used if name not in script] == []


def test_the_secrets_script_makes_each_once(tmp_path: Path) -> None:
    shutil.copy(DOCKER / "secrets.sh", tmp_path)
    run(str(tmp_path / "secrets.sh"))
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    run(str(tmp_path / "secrets.sh"))
    assert first == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(first) == set(COMPOSE["secrets"])
    assert len(first["events_secret"]) == 64
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_no_secret_is_an_argument_or_a_plain_variable() -> None:
    for service in COMPOSE["services"].values():
        plain = [
            key
            for key in service.get("environment", {})
            if re.search("SECRET|PASSWORD|DATABASE__URL", key) and not key.endswith("_FILE")
        ]
        assert plain == []


def test_the_pbx_s_net_is_closed_and_is_the_one_permitted() -> None:
    inside = COMPOSE["networks"]["inside"]
    net = ipaddress.ip_network(inside["ipam"]["config"][0]["subnet"])
    assert inside["internal"] is True
    assert net == ipaddress.ip_network(provision().INSIDE_NET)
    assert net == ipaddress.ip_network(COMPOSE["services"]["cti"]["environment"]["CTI_IVR__PERMIT"])


def test_the_pbx_asks_where_the_service_is_in_that_net() -> None:
    given = COMPOSE["services"]["cti"]["networks"]["inside"]["ipv4_address"]
    assert given == provision().CTI
    assert ipaddress.ip_address(given) in ipaddress.ip_network(
        COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    )


def test_what_callers_hear_and_say_lies_where_both_containers_see_it() -> None:
    image = dict(re.findall(r"(CTI_\w+)=(\S+)", DOCKERFILE))
    asterisks = {volume.split(":")[0]: volume.split(":", 1)[1] for volume in COMPOSE["services"]["asterisk"]["volumes"]}
    ours = {volume.split(":")[0]: volume.split(":", 1)[1] for volume in COMPOSE["services"]["cti"]["volumes"]}
    assert ours["prompts"] == image["CTI_IVR__PROMPTS"]
    assert ours["voicemail"] == asterisks["voicemail"] == image["CTI_IVR__RECORDINGS"]
    assert asterisks["prompts"] == f"{image['CTI_IVR__PROMPTS']}:ro"


def test_both_images_give_these_folders_the_same_owners() -> None:
    asterisks = (DOCKER / "asterisk/Dockerfile").read_text(encoding="utf-8")
    uid, gid = numbers_of("uid", DOCKERFILE), numbers_of("gid", DOCKERFILE)
    assert numbers_of("gid", asterisks) == gid
    made = re.findall(r"install -d -o (\S+) -g (\S+) -m (\d+) (/srv/\S+)", DOCKERFILE)
    over_there = re.findall(r"install -d -o (\S+) -g (\S+) -m (\d+) (/srv/\S+)", asterisks)
    assert [(uid, *rest) for _, *rest in made] == over_there
    assert [(mode, folder) for *_, mode, folder in made] == [("2750", "/srv/prompts"), ("2770", "/srv/voicemail")]


def numbers_of(kind: str, dockerfile: str) -> str:
    (found,) = re.findall(rf"--{kind} (\d+)", dockerfile)
    return str(found)


def test_the_container_s_flow_is_one_there_is_and_in_order() -> None:
    service = COMPOSE["services"]["cti"]
    (mounted,) = (volume for volume in service["volumes"] if service["environment"]["CTI_IVR__FLOWS"] in volume)
    folder = (DOCKER / mounted.split(":")[0]).resolve()
    assert load(folder / f"{service['environment']['CTI_IVR__FLOW']}.toml").steps


def provision() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docker_provision", DOCKER / "asterisk/provision.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_container_s_pbx_has_the_configuration_the_tests_run_on() -> None:
    made = provision()
    options = made.options("e" * 64, "c" * 64, "f" * 64)
    files = made.files(options, "p" * 64)
    assert {name: files[name] for name in render(options)} == render(options)
    assert files["pjsip.conf"].count("(cti-agent)") == len(made.PHONES)


@pytest.mark.real_asterisk
def test_a_real_asterisk_starts_on_the_container_s_configuration() -> None:
    require("asterisk-22")

    class InContainer(Asterisk):
        """On loopback, in private folders and on free ports; all else as the container has it."""

        def config(self) -> dict[str, str]:
            made = provision()
            options = replace(made.options("e" * 64, "c" * 64, "f" * 64), ami_port=self.ports.ami, ami_bind="127.0.0.1")
            private = {
                name: text for name, text in super().config().items() if name in {"asterisk.conf", "logger.conf"}
            }
            files: dict[str, str] = made.files(options, "p" * 64)
            return (
                files
                | private
                | {"pjsip.conf": files["pjsip.conf"].replace("0.0.0.0:5060", f"127.0.0.1:{self.ports.sip}")}
            )

    with InContainer("22") as pbx:
        assert "2001" in pbx.cli("pjsip show endpoints")
        assert "support" in pbx.cli("queue show")
        assert "cti-clean" in pbx.cli("dialplan show 0800100100@cti-inbound")
        assert f"agi://{provision().CTI}:4573/main" in pbx.cli("dialplan show 0800100100@cti-inbound")
        assert "cti-commands" in pbx.cli("manager show users")
