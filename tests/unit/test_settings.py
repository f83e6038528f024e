"""The operator's file: what holds, and how every mistake is told."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from cti.errors import ConfigError
from cti.settings import Settings, find, load, parse, reference

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "cti.toml"
PBX = """\
[[pbx]]
name = "main"
"""
SECRETS = {"CTI_PBX__MAIN__EVENTS_SECRET": "e" * 32, "CTI_PBX__MAIN__COMMANDS_SECRET": "c" * 32}


def read(text: str, environ: Mapping[str, str] | None = None) -> Settings:
    return parse(text, file=Path("cti.toml"), environ=environ or {})


def findings(text: str, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text, environ)
    return caught.value.findings


def test_the_shipped_file_runs_as_it_is() -> None:
    assert load(SHIPPED, {}).web.port == 8088


def test_the_shipped_file_shows_the_defaults() -> None:
    shipped, default = load(SHIPPED, {}), Settings()
    for section in (
        "roles",
        "site",
        "web",
        "push",
        "database",
        "spool",
        "redis",
        "process",
        "crm",
        "toll",
        "desk",
        "recording",
        "log",
    ):
        assert getattr(default, section) == getattr(shipped, section)


def test_the_shipped_file_names_every_key() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([a-z_]+)` \|", reference(), re.MULTILINE)
    assert [key for key in keys if not re.search(rf"\b{key}(_file)?\b|^\[{key}", text, re.MULTILINE)] == []


def test_every_key_is_read_by_somebody() -> None:
    readers = [file for file in (ROOT / "cti").rglob("*.py") if "settings" not in file.parts]
    read_ones = set(re.findall(r"\.([a-z_]+)\b", "".join(file.read_text(encoding="utf-8") for file in readers)))
    keys = re.findall(r"^\| `([a-z_]+)` \|", reference(), re.MULTILINE)
    assert [key for key in keys if key not in read_ones] == []


def test_the_pbx_in_the_shipped_file_works_once_uncommented() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    block = text[text.index("# [[pbx]]") : text.index("# --- what browsers")]
    lines = [line.removeprefix("# ") for line in block.splitlines() if "_secret_file" not in line]
    assert read(PBX, SECRETS).pbx == read("\n".join(lines), SECRETS).pbx


def test_the_reference_page_is_current() -> None:
    assert reference() == (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")


def test_nothing_can_be_changed_afterwards() -> None:
    settings = read("")
    with pytest.raises(ValidationError):
        settings.web.port = 1
    with pytest.raises(ValidationError):
        settings.roles = ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[web]\nport = 70000", "cti.toml:2: web.port: should be less than or equal to 65535; it is 70000"),
        ('[web]\nport = "x"', "cti.toml:2: web.port: should be a integer, unable to parse string as an integer; it is 'x'"),
        ("[web]\n\nprot = 1", "cti.toml:3: web.prot: no such key; did you mean port?"),
        ("[wbe]\nport = 1", "cti.toml:1: wbe: no such key; did you mean web?"),
        ('[site]\ncountry = "tw"', "did you mean TW?; it is 'tw'"),
        ('[site]\ntime_zone = "Asia/Tapei"', "cti.toml:2: site.time_zone: is no time zone of the IANA list, such as Asia/Taipei; did you mean Asia/Taipei?"),
        ('[web]\npublic_origins = ["https://a.example", "cti.example"]', "cti.toml:2: web.public_origins.1: is no origin"),
        ('[web]\ntrusted_proxies = ["::1", "10.0.0.0/8"]', "cti.toml:2: web.trusted_proxies.1: is neither a host's name nor an address; it is '10.0.0.0/8'"),
        ('[push]\nhost = "a b"', "cti.toml:2: push.host: is neither a host's name nor an address"),
        ("[push]\nport = 8088", "cti.toml:2: push.port: 8088 is web.port already"),
        ('roles = ["pxb"]', "cti.toml:1: roles.0: should be 'pbx', 'push' or 'web'; it is 'pxb'"),
        ('roles = ["pbx", "web"]', "cti.toml:1: roles: pbx goes alone, or with both push and web; push and web go together, or each alone"),
        ('roles = ["pbx"]', "cti.toml:1: roles: pbx has no [[pbx]] to read"),
        ('roles = ["push", "web"]', "cti.toml: database.url: several processes share a PostgreSQL"),
        ('roles = ["web"]', "cti.toml: redis.url: is missing: several processes tell each other by it"),
        ('[process]\nname = "a b"', "cti.toml:2: process.name: should match"),
        ('[database]\nurl = "mysql://h/d"', "cti.toml:2: database.url: should begin with sqlite:/// or postgresql://"),
        ('[redis]\nurl = "localhost"', "cti.toml:2: redis.url: should begin with redis://, rediss:// or unix://"),
        ('[redis]\nurl = "redis://localhost:x/0"', "cti.toml:2: redis.url: is no URL, or its port is none"),
        ('[redis]\nurl = "redis://[::1"', "cti.toml:2: redis.url: is no URL, or its port is none"),
        ("[[agents]]\nid = 'me'\nname = 'Mei'", "cti.toml:2: agents.me.id: is whoever asks, in REST's paths: choose another"),
        ('[toll]\nallowed_countries = ["XX"]', "cti.toml:2: toll.allowed_countries.0: is no country"),
        ('[crm]\nconnector = "sql"', "cti.toml:1: crm.mapping: is missing"),
        ('[crm]\nmapping = "no/such"', "cti.toml:2: crm.mapping: no such file: no/such"),
        ("[queues.sales]\nring_timeout_s = 0", "cti.toml:2: queues.sales.ring_timeout_s: should be greater than 0; it is 0"),
        ('[results]\ndefault = [{code = "a", label = "' + "x" * 30 + '"}]', "cti.toml:2: results.default.0.label: should have at most 29 characters"),
        ("[results]\nsale = []\n[queues.sales]", "cti.toml:2: results.sale: no such queue in [queues]; did you mean sales?"),
        ('[results]\ndefault = [{code="a",label="A"},{code="a",label="B"}]', "cti.toml:2: results.default.1: a second result a"),
        ("[results]\ndefault = [" + ",".join(f'{{code="c{i}",label="L"}}' for i in range(16)) + "]", "cti.toml:2: results.default: 16 results"),
        ('[lines]\n"080-1" = "x"', "cti.toml:2: lines.080-1.[key]: should match"),
        ("[results.default]\ncode = 'a'", "cti.toml:1: results.default: should be a list"),
        ("[[web]]\nport = 1", "cti.toml:1: web: should be a table"),
        ("queues = 5", "cti.toml:1: queues: should be a table"),
        ("[web\nport = 1", "cti.toml:1: Expected ']' at the end of a table declaration"),
        ("[web]\nport = 1\nport = 2", "cti.toml:3: Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, expected: str) -> None:
    assert expected in "\n".join(findings(text))


def test_all_mistakes_are_told_at_once_each_on_its_line() -> None:
    text = '[site]\ncountry = "XX"\n\n[web]\nport = 0\nhots = "x"\n\n[log]\nlevel = "loud"\n'
    assert [finding.split(":")[1] for finding in findings(text)] == ["2", "5", "6", "9"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[site]\nname = """\n[push]\nport = 0\n"""\n[push]\nport = 0\n', 7),
        ("[site]\nname = '''\n[push]\nport = 0\n'''\n[push]\nport = 0\n", 7),
        ("roles = [  # [push]\n  'pbx', 'push', 'web',\n]\n[push]\nport = 0\n", 5),
        ("roles = ['pbx']  # see [\n[push]\nport = 0\n", 3),
        ('[site]\nname = "# [ \\" ["\n[push]\nport = 0\n', 4),
        ("push.port = 0\n", 1),
        ('[ "push" ]\n"port" = 0\n', 2),
        ("push = { port = 0 }\n", 1),
    ],
)
def test_the_line_is_found_however_the_file_is_written(text: str, line: int) -> None:
    assert findings(text) == (f"cti.toml:{line}: push.port: should be greater than or equal to 1; it is 0",)


def test_the_line_is_found_behind_an_array_of_arrays() -> None:
    assert "cti.toml:5: web.port: should be greater than or equal to 1; it is 0" in findings(
        "[web]\npublic_origins = [\n[1],\n]\nport = 0\n"
    )


def test_a_second_pbx_is_blamed_for_its_own_mistakes() -> None:
    text = '[[pbx]]\nname = "a"\n[[pbx]]\nname = "b"\ntrunk_pattern = "("\n'
    told = findings(text, {f"CTI_PBX__{n}__{k}_SECRET": "s" * 32 for n in "AB" for k in ("EVENTS", "COMMANDS")})
    assert len(told) == 1
    assert told[0].startswith("cti.toml:5: pbx.b.trunk_pattern: is no regular expression")


def test_two_pbxs_of_one_name_are_refused(tmp_path: Path) -> None:
    held = tmp_path / "secret"
    held.write_text("s" * 32)
    entry = f'[[pbx]]\nname = "a"\nevents_secret_file = "{held}"\ncommands_secret_file = "{held}"\n'
    assert findings(entry * 2) == ("cti.toml:5: pbx.a: a second one named a",)


def test_two_pbxs_whose_calls_could_have_one_id_are_refused() -> None:
    secrets = {f"CTI_PBX__{n}__{k}_SECRET": "s" * 32 for n in ("A", "A_B") for k in ("EVENTS", "COMMANDS")}
    (told,) = findings('[[pbx]]\nname = "a"\n[[pbx]]\nname = "a-b"\n', secrets)
    assert (
        told == "cti.toml:4: pbx.a-b.name: begins like a: with a systemname in Asterisk, their calls could have one id"
    )


def test_two_pbxs_whose_names_only_begin_alike_are_taken() -> None:
    secrets = {f"CTI_PBX__{n}__{k}_SECRET": "s" * 32 for n in ("A", "AB") for k in ("EVENTS", "COMMANDS")}
    settings = read('[[pbx]]\nname = "a"\n[[pbx]]\nname = "ab"\n', secrets)
    assert [pbx.name for pbx in settings.pbx] == ["a", "ab"]


def test_no_proxy_is_trusted_unless_it_is_named() -> None:
    assert read("").web.trusted_proxies == ()
    assert read('[web]\ntrusted_proxies = ["127.0.0.1", "::1"]').web.trusted_proxies == ("127.0.0.1", "::1")
    assert read("", {"CTI_WEB__TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2"}).web.trusted_proxies == ("10.0.0.1", "10.0.0.2")


def test_a_missing_secret_says_how_to_give_it() -> None:
    told = findings(PBX)
    assert (
        "cti.toml:1: pbx.main.events_secret: is missing: set CTI_PBX__MAIN__EVENTS_SECRET, or name a file that holds it in events_secret_file"
        in told
    )
    assert len(told) == 2


def test_an_empty_secret_is_no_secret() -> None:
    assert any(
        "CTI_PBX__MAIN__EVENTS_SECRET" in told for told in findings(PBX, SECRETS | {"CTI_PBX__MAIN__EVENTS_SECRET": ""})
    )


@pytest.mark.parametrize("roles", ["push,web", "push", "web"])
def test_a_process_that_reads_no_pbx_needs_no_secret_of_one(roles: str) -> None:
    urls = {"CTI_DATABASE__URL": "postgresql://cti@localhost/cti", "CTI_REDIS__URL": "redis://localhost:6379/0"}
    settings = read(PBX + '[ivr]\nflow = "shop"\n', urls | {"CTI_ROLES": roles})
    assert [pbx.events_secret.get_secret_value() for pbx in settings.pbx] == [""]
    assert len(findings(PBX, urls | {"CTI_ROLES": "pbx"})) == 2


@pytest.mark.parametrize("header", ["[pbx]", "[agents]"])
@pytest.mark.parametrize("environ", [{}, SECRETS, {"CTI_AGENTS__MARA__NAME": "Mara"}], ids=["file", "pbx", "agents"])
def test_a_table_that_may_stand_several_times_has_two_brackets(header: str, environ: Mapping[str, str]) -> None:
    told = findings(f"{header}\nname = 'main'\nid = 'mara'\nport = 1\n", environ)
    assert told[0] == f"cti.toml:1: {header[1:-1]}: write [{header}], with two brackets, once for each"
    assert any("no such key" in one for one in told[1:])


@pytest.mark.parametrize("text", ["pbx = 'main'", "pbx = ['main']", "pbx = [1, {name = 'main'}]", "agents = true"])
def test_a_list_of_tables_that_is_something_else_is_told(text: str) -> None:
    assert "with two brackets" in findings(text, SECRETS | {"CTI_AGENTS__MARA__NAME": "Mara"})[0]


def test_the_environment_is_stronger_than_the_file() -> None:
    settings = read(
        "[web]\nport = 1000\n" + PBX,
        SECRETS | {"CTI_WEB__PORT": "9000", "CTI_PBX__MAIN__KEYS": "CTI_A, CTI_B", "CTI_PBX__MAIN__HOST": "10.0.0.1"},
    )
    assert (settings.web.port, settings.pbx[0].keys, settings.pbx[0].host) == (9000, ("CTI_A", "CTI_B"), "10.0.0.1")


def test_a_list_in_the_environment_may_be_json() -> None:
    (pbx,) = read(PBX, SECRETS | {"CTI_PBX__MAIN__LOCAL_PATTERNS": r'["\\d{2,6}", "02\\d+"]'}).pbx
    assert pbx.local_patterns == (r"\d{2,6}", r"02\d+")


def test_a_list_in_the_environment_that_is_broken_json_is_told() -> None:
    assert any(
        told.startswith("CTI_PBX__MAIN__KEYS: ") for told in findings(PBX, SECRETS | {"CTI_PBX__MAIN__KEYS": '["x'})
    )


def test_a_pbx_may_stand_in_the_environment_alone() -> None:
    (pbx,) = read("", SECRETS).pbx
    assert (pbx.name, pbx.events_secret.get_secret_value()) == ("main", "e" * 32)


@pytest.mark.parametrize("value", ["5", "true", "main"])
def test_a_pbx_that_is_no_table_is_told(value: str) -> None:
    assert findings("", {"CTI_PBX": value})[0].startswith("CTI_PBX: ")


def test_a_name_with_a_dash_is_found_by_its_variable() -> None:
    environ = {key.replace("MAIN", "SITE_A"): value for key, value in SECRETS.items()}
    (pbx,) = read('[[pbx]]\nname = "site-a"\n', environ).pbx
    assert pbx.name == "site-a"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CTI_WEB__PORT", "99999", "CTI_WEB__PORT: should be less than or equal to 65535; it is '99999'"),
        ("CTI_WEB__PROT", "1", "CTI_WEB__PROT: no such key; did you mean port?"),
        ("CTI_WBE__PORT", "1", "CTI_WBE__PORT: no such section; did you mean web?"),
        ("CTI_PBX__MAIN__PROT", "1", "CTI_PBX__MAIN__PROT: no such key; did you mean port?"),
        ("CTI_ROLES", "pbx,wbe", "CTI_ROLES"),
        (
            "CTI_WEB_PORT",
            "9999",
            "CTI_WEB_PORT: no such key; two underscores part a section from its key, as in CTI_WEB__PORT",
        ),
        ("CTI_PBX_MAIN_EVENTS_SECRET", "s", "CTI_PBX_MAIN_EVENTS_SECRET: no such key; two underscores"),
        ("CTI_ROLE", "web", "CTI_ROLE: no such key; did you mean roles?"),
        ("CTI_DATABASE", "postgresql://u@h/d", "CTI_DATABASE: should be a table"),
    ],
)
def test_a_mistake_in_the_environment_is_told_by_the_variable(name: str, value: str, expected: str) -> None:
    assert expected in "\n".join(findings(PBX, SECRETS | {name: value}))


def test_each_pbx_s_variable_is_blamed_for_itself() -> None:
    environ = {
        f"CTI_PBX__{n}__{key}": value
        for n in "AB"
        for key, value in (("EVENTS_SECRET", "s"), ("COMMANDS_SECRET", "s"), ("PORT", "0"))
    }
    assert [told.split(":")[0] for told in findings("", environ)] == ["CTI_PBX__A__PORT", "CTI_PBX__B__PORT"]


def test_other_variables_are_none_of_our_business() -> None:
    others = ("CONFIG", "FAILPOINT", "TESTBED_DIR", "CHAOS_KEEP", "CHROMIUM", "SCREENSHOTS", "SERVER", "TRACEBACK")
    assert read("", {"HOME": "/", "WEB_PORT": "1"} | {f"CTI_{name}": "x" for name in others}) == Settings()


def test_a_secret_comes_from_a_file_of_its_own(tmp_path: Path) -> None:
    held = tmp_path / "secret"
    held.write_text("x" * 40 + "\n")
    (pbx,) = read(PBX + f'events_secret_file = "{held}"\n', SECRETS | {"CTI_PBX__MAIN__EVENTS_SECRET": "no"}).pbx
    assert pbx.events_secret.get_secret_value() == "x" * 40


def test_a_secret_file_that_is_not_there_is_told_once() -> None:
    (told,) = findings(PBX + 'events_secret_file = "no/such"\n', {"CTI_PBX__MAIN__COMMANDS_SECRET": "c" * 32})
    assert told == "cti.toml:3: pbx.main.events_secret_file: no/such: No such file or directory"


@pytest.mark.parametrize(("mode", "is_taken"), [(0o600, True), (0o644, False), (0o640, False)])
def test_a_secret_in_the_file_itself_must_be_private(tmp_path: Path, mode: int, is_taken: bool) -> None:  # noqa: FBT001
    file = tmp_path / "cti.toml"
    file.write_text(PBX + 'events_secret = "abc"\ncommands_secret = "def"\n')
    file.chmod(mode)
    if is_taken:
        assert load(file, {}).pbx[0].events_secret.get_secret_value() == "abc"
        return
    with pytest.raises(ConfigError, match="a secret in a file that others may read") as caught:
        load(file, {})
    assert len(caught.value.findings) == 2


def test_no_secret_stands_in_a_message_or_a_repr() -> None:
    secret = "canary\tsecret"
    text = PBX + "port = 0\n[database]\nurl = 'mysql://u:canary@h/d'"
    told = "\n".join(findings(text, SECRETS | {"CTI_PBX__MAIN__EVENTS_SECRET": secret}))
    assert "canary" not in told
    assert "eeee" not in repr(read(PBX, SECRETS))


@pytest.mark.parametrize(
    "text",
    [
        PBX + 'cdr = "postgres://cti:canary@db/asterisk#cdr"',
        PBX + 'queue_log = "postgres://cti:canary@db/asterisk#queue_log"',
        '[redis]\nurl = "http://:canary@h"',
        'database = "postgresql://cti:canary@db/cti"',
    ],
)
def test_a_place_that_may_hold_a_password_is_never_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cti.toml"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, SECRETS)
    assert "canary" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_configuration_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read: No such file or directory"):
        load(tmp_path / "no.toml", {})


def test_which_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(None, {}) == SHIPPED
    (tmp_path / "config").mkdir()
    (tmp_path / "config/cti.toml").touch()
    assert Path("config/cti.toml") == find(None, {})
    assert Path("b.toml") == find(None, {"CTI_CONFIG": "b.toml"})
    assert Path("a.toml") == find(Path("a.toml"), {"CTI_CONFIG": "b.toml"})
