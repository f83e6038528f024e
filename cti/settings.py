"""``config/cti.toml`` and the environment -> one frozen ``Settings``. No other file reads either.

The environment is stronger than the file: ``CTI_WEB__PORT=8090`` is ``port`` in ``[web]``; tables that stand several times
are found by their name, ``CTI_PBX__MAIN__EVENTS_SECRET``. A secret may also be given as the path of a file that holds it,
by the same key with ``_file`` behind it. All mistakes are found at once and told in one ``ConfigError``, each with its place.
"""

import difflib
import ipaddress
import json
import os
import re
import stat
import sys
import tomllib
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from cti.errors import ConfigError

PREFIX: Final = "CTI_"
MAX_RESULTS: Final = 15
"""More than an agent can read at a glance is more than an agent picks rightly from."""
_NAMED_BY: Final = {"pbx": "name", "agents": "id"}
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")

Path_ = tuple[str | int, ...]
Tree = dict[str, Any]


# --- what a value must be ------------------------------------------------------------------------------------------------


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


def _country(text: str) -> str:
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"is no country: two capital letters of ISO 3166-1, such as TW or DE{_did_you_mean(text.upper(), phonenumbers.SUPPORTED_REGIONS)}")
    return text


def _time_zone(text: str) -> str:
    zones = zoneinfo.available_timezones()
    if text not in zones:
        raise ValueError(f"is no time zone of the IANA list, such as Asia/Taipei{_did_you_mean(text, zones)}")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("is no origin: scheme, host and port only, such as https://cti.example.org")
    return text


def _host(text: str) -> str:
    """An address, or a host's name."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError("is neither a host's name nor an address") from None
    return text


def _database_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("sqlite:///", "postgresql://")):
        raise ValueError("should begin with sqlite:/// or postgresql://")
    return secret


def _redis_url(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() and not secret.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("should begin with redis://, rediss:// or unix://")
    return secret


def _secret(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value and not (value.isprintable() and value.isascii()):
        raise ValueError("holds characters that are not printable ASCII")
    return secret


def _listed(value: object) -> object:
    """A variable below a table that stands several times arrives as text: ``a, b``, or JSON where an entry has a comma."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.startswith("[") else [part.strip() for part in value.split(",") if part.strip()]


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Host = Annotated[str, AfterValidator(_host)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Country = Annotated[str, AfterValidator(_country)]
Origin = Annotated[str, AfterValidator(_origin)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
GivenSecret = Annotated[SecretStr, Field(min_length=1), AfterValidator(_secret)]
Listed = BeforeValidator(_listed)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Digits = Annotated[str, Field(pattern=r"^\+?[0-9]{1,20}$")]
Device = Annotated[str, Field(pattern=r"^([A-Za-z0-9]+/[A-Za-z0-9_.-]+)?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]
Role = Literal["pbx", "push", "web"]


# --- the settings --------------------------------------------------------------------------------------------------------


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


class Site(Section):
    name: str = "Contact center"
    """Shown in the console's title."""
    country: Country = "TW"
    """ISO 3166-1, two letters: what a number without a country code means."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Asia/Taipei"
    """IANA name: which day a call belongs to in reports."""
    language: Literal["en", "zh-Hant", "zh-Hans"] = "en"
    """The console's language where neither the agent nor the browser asks for one."""


class Pbx(Section):
    name: Name
    """Stands in every call's id; never change it once calls are on record."""
    host: Host = "127.0.0.1"
    """Where its AMI listens. AMI is not encrypted: across machines, use a tunnel."""
    port: Port = 5038
    events_user: str = "cti-events"
    """The account that only listens."""
    events_secret: GivenSecret
    commands_user: str = "cti-commands"
    """The account that only acts."""
    commands_secret: GivenSecret
    agent_pattern: Pattern = r"(PJSIP|SIP|IAX2|SCCP)/\d{2,6}"
    """Which endpoints are agents' phones, as a whole match; known queue members are too."""
    trunk_pattern: Pattern = ""
    """Which endpoints lead outside; empty: all that are no agent's."""
    internal_pattern: Pattern = r"\d{2,6}"
    """What the site's own extensions look like, as a whole match."""
    local_patterns: Annotated[tuple[Pattern, ...], Listed] = ()
    """Further numbers that are the site's own (its lines in full form), as whole matches."""
    outgoing_context: Name = "cti-outbound"
    """Where click-to-dial sends calls to the outside."""
    internal_context: Name = "cti-internal"
    """Where click-to-dial sends calls to extensions."""
    outgoing_trunk: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,40}$")] = ""
    """Handed to the dialplan as CTI_TRUNK, where a site has several; empty: not handed."""
    dial_format: Literal["e164", "national"] = "e164"
    """How numbers are dialled: with ``+`` and country code, or as people dial them in the site's country."""
    keys: Annotated[tuple[Variable, ...], Listed] = ("CTI_CUSTOMER_CODE",)
    """Channel variables that say who calls; manager.conf names the same ones in channelvars."""


class Web(Section):
    host: Host = "127.0.0.1"
    """Console, REST and metrics listen here; elsewhere only behind a proxy that speaks TLS."""
    port: Port = 8088
    public_origins: tuple[Origin, ...] = ()
    """What browsers see in the address bar when a proxy stands before us; empty: http://localhost and this port."""
    trusted_proxies: tuple[Host, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed, so that log-ins are throttled by browser and not by proxy."""


class Push(Section):
    host: Host = "127.0.0.1"
    port: Port = 8089
    allowed_origins: tuple[Origin, ...] = ()
    """Pages that may open a socket; empty: the console's own, as in web.public_origins."""
    ping_s: Seconds = 10.0
    """A browser that does not answer for two pings is gone."""
    outbox_limit: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Messages one desktop may be behind before it is cut off; it comes back to a snapshot."""


class Database(Section):
    url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("sqlite:///var/cti.db")
    """SQLite for one machine, postgresql://user@host/name for more."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 5
    """Connections kept open to PostgreSQL; one writer needs few."""


class Spool(Section):
    dir: Path = Path("var/spool")
    """Facts wait here while the database is away."""
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000
    """About a million calls; past it the newest facts are dropped and the loss is told."""


class Redis(Section):
    url: Annotated[SecretStr, AfterValidator(_redis_url)] = SecretStr("")
    """Only for several processes; empty: none."""


class Crm(Section):
    connector: Name = "own"
    """``own``: our own tables; ``sql``: any SQL database, by a mapping file."""
    mapping: Path | None = None
    """The mapping file of the connector, such as config/crm/example-sql.toml."""
    budget_s: Seconds = 1.5
    """After this the agent reads "customer system slow"; the ring lasts longer than that."""
    cache_s: Annotated[float, Field(ge=0, le=86400)] = 60.0
    """How long an answer is taken for current: a queue's wait, not a shift."""
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    """Failures in a row after which it is not asked any more..."""
    breaker_open_s: Seconds = 15.0
    """...for this long."""


class Queue(Section):
    label: str = ""
    """What agents read; empty: the queue's own name."""
    ring_timeout_s: Seconds = 15.0
    """As in queues.conf: how long one phone rings; a pop expires with it."""
    service_level_s: Seconds = 20.0
    """Answered within this counts as in time."""


class ResultCode(Section):
    code: Name
    """What is stored; never change it once it is on record."""
    label: Annotated[str, Field(min_length=1, max_length=29)]
    """What the agent picks."""


class Toll(Section):
    allowed_countries: tuple[Country, ...] = ()
    """Where click-to-dial may call; empty: the site's country only."""
    emergency_numbers: tuple[Digits, ...] = ("110", "112", "119")
    """Always dialled as they are, whatever else is forbidden."""


class AgentAccount(Section):
    id: Name
    """The log-in name."""
    name: str
    role: Literal["agent", "supervisor", "admin"] = "agent"
    extension: Annotated[str, Field(pattern=r"^\d{0,10}$")] = ""
    device: Device = ""
    """The phone in the PBX's words, such as PJSIP/2001."""
    queues: Annotated[tuple[str, ...], Listed] = ()
    language: Literal["", "en", "zh-Hant", "zh-Hans"] = ""
    password: Secret = SecretStr("")
    """Of the first log-in. Without one the account waits for ``cti user``."""


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"
    """auto: readable in a terminal, JSON elsewhere."""


class Settings(BaseSettings):
    """Everything an operator decides."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, env_prefix=PREFIX, env_nested_delimiter="__"
    )

    roles: tuple[Role, ...] = ("pbx", "push", "web")
    """What this process does. This version runs all of it in one process."""
    site: Site = Site()
    pbx: tuple[Pbx, ...] = ()
    """``[[pbx]]``, once for each Asterisk. None: the console runs and says so."""
    web: Web = Web()
    push: Push = Push()
    database: Database = Database()
    spool: Spool = Spool()
    redis: Redis = Redis()
    crm: Crm = Crm()
    queues: Mapping[str, Queue] = {}
    """``[queues.NAME]``, by the PBX's name of the queue. A queue that is not named here works with the defaults."""
    lines: Mapping[Digits, str] = {}
    """What a dialled number is called on the agent's screen."""
    results: Mapping[str, tuple[ResultCode, ...]] = {}
    """Results an agent picks from, by queue; ``default`` for all others. At most 15 each."""
    toll: Toll = Toll()
    agents: tuple[AgentAccount, ...] = ()
    """``[[agents]]``: accounts made at the first start; afterwards the database has the word."""
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load`` hands over: it has already laid the environment over the file."""
        return (init_settings,)


# --- reading -------------------------------------------------------------------------------------------------------------


def find(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Which file holds: the one given, else ``$CTI_CONFIG``, else ./config/cti.toml, else the one in the package."""
    if given is not None:
        return given
    if named := environ.get("CTI_CONFIG"):
        return Path(named)
    here = Path("config/cti.toml")
    package = Path(str(resources.files("cti")))
    places = (here, package / "data/config/cti.toml", package.parent / "config/cti.toml")  # the last: of a checkout
    return next((place for place in places if place.exists()), here)


def load(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the file found, with the environment over it. Raises ``ConfigError`` with every mistake."""
    file = find(given, environ)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse(text, file=file, environ=environ)


def parse(text: str, *, file: Path, environ: Mapping[str, str]) -> Settings:
    """As ``load``, from a file's text. Reads nothing but the secret files that ``..._file`` keys name."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_finding(file, text, str(error))) from None
    source = _Source(str(file), _lines(text), _is_private(file))
    findings = [*_open_secrets(tree, source), *_stray_variables(environ)]
    variables = _overlay(tree, _Environment(environ)())
    findings += _secrets_from_files(tree, source, variables)
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        findings += [f"{source.place(e['loc'], variables, tree)}: {_words(e, tree)}" for e in error.errors()]
        raise ConfigError(*findings) from None
    findings += [f"{source.place(path, variables, tree)}: {words}" for path, words in _contradictions(settings)]
    if findings:
        raise ConfigError(*findings)
    return settings


@dataclass(frozen=True, slots=True)
class _Source:
    file: str
    lines: Mapping[Path_, int]
    is_private: bool

    def place(self, path: Path_, variables: Mapping[Path_, str], tree: Tree) -> str:
        """Where a mistake at ``path`` stands: ``file:line: key``, or the variable it came from."""
        dotted = _dotted(path, tree)
        prefixes = [path[:n] for n in range(len(path), 0, -1)]
        if variable := next((variables[prefix] for prefix in prefixes if prefix in variables), None):
            return variable
        known = next((prefix for prefix in prefixes if prefix in self.lines), None)
        return f"{self.file}:{self.lines[known]}: {dotted}" if known else f"{self.file}: {dotted}"


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of nested variables, from a mapping handed in; lists may be written ``a, b``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {key.lower(): value for key, value in environ.items() if key.upper().startswith(PREFIX)}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environ

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return [part.strip() for part in str(value).split(",") if part.strip()]


def _overlay(tree: Tree, over: Tree, path: Path_ = ()) -> dict[Path_, str]:
    """Lay ``over`` upon ``tree``, in place; return which paths came from which variable."""
    variables: dict[Path_, str] = {}
    for key, value in over.items():
        name = _same_key(tree, key)
        if isinstance(value, dict) and isinstance(tree.get(name), list):
            variables |= _overlay_named(tree[name], value, (*path, name))
        elif isinstance(value, dict) and not (path == () and name in _NAMED_BY):
            tree.setdefault(name, {})
            variables |= _overlay(tree[name], value, (*path, name)) if isinstance(tree[name], dict) else {}
        elif isinstance(value, dict):
            variables |= _overlay_named(tree.setdefault(name, []), value, (*path, name))
        else:
            tree[name] = value
            variables[*path, name] = PREFIX + "__".join(str(p) for p in (*path, key)).upper()
    return variables


def _overlay_named(entries: list[Tree], over: Tree, path: Path_) -> dict[Path_, str]:
    """The same for tables that stand several times: found by their name, made where there is none of that name."""
    variables: dict[Path_, str] = {}
    key = _NAMED_BY.get(str(path[0]), "name")
    for name, value in over.items():
        index = next((i for i, entry in enumerate(entries) if _folded(entry.get(key, "")) == _folded(name)), len(entries))
        if index == len(entries):
            entries.append({key: name})
        found = _overlay(entries[index], value if isinstance(value, dict) else {}, (*path, index))
        variables |= {where: f"{PREFIX}{path[0]}__{name}__{where[-1]}".upper() for where in found}
    return variables


def _same_key(tree: Tree, key: str) -> str:
    """Variables come without case and dashes: the key of the file they mean."""
    return next((known for known in tree if _folded(known) == _folded(key)), key)


def _folded(text: object) -> str:
    return str(text).lower().replace("-", "_")


def _stray_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and name no section: a misspelt one must not be passed over in silence."""
    names = [name for name in environ if name.upper().startswith(PREFIX) and "__" in name]
    strays = [name for name in names if name[len(PREFIX) :].lower().split("__")[0] not in Settings.model_fields]
    return [f"{name}: no such section{_did_you_mean(name[len(PREFIX):].lower().split('__')[0], Settings.model_fields)}" for name in strays]


# --- secrets -------------------------------------------------------------------------------------------------------------


def _secret_keys(model: type[BaseModel]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.annotation is SecretStr}


def _holders(tree: Tree) -> Iterator[tuple[Path_, Tree, set[str]]]:
    """Every table that may hold a secret: its path, itself, the names of its secrets."""
    for name, field in Settings.model_fields.items():
        model, value = _model_of(field.annotation), tree.get(name)
        if model is None or not (secrets := _secret_keys(model)):
            continue
        if isinstance(value, dict):
            yield (name,), value, secrets
        elif isinstance(value, list):
            yield from (((name, i), entry, secrets) for i, entry in enumerate(value) if isinstance(entry, dict))


def _open_secrets(tree: Tree, source: _Source) -> list[str]:
    """Secrets in a file that others on this machine may read."""
    return [
        f"{source.place((*path, key), {}, tree)}: a secret in a file that others may read: chmod 600 {source.file},"
        f" or set {_variable((*path, key), tree)}, or name a file of its own in {key}_file"
        for path, table, keys in _holders(tree)
        for key in sorted(keys & table.keys())
        if not source.is_private and _is_telling(table[key])
    ]


def _is_telling(value: object) -> bool:
    """Is there a secret in it? An address without a password has none."""
    text = str(value)
    return bool(urlsplit(text).password) if "://" in text else bool(text)


def _secrets_from_files(tree: Tree, source: _Source, variables: dict[Path_, str]) -> list[str]:
    """Replace ``X_file = "path"`` by ``X = "what stands there"``, in place."""
    findings = []
    for path, table, keys in list(_holders(tree)):
        for key in sorted(keys):
            if (named := table.pop(f"{key}_file", None)) is None:
                continue
            try:
                table[key] = Path(str(named)).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                findings.append(f"{source.place((*path, f'{key}_file'), variables, tree)}: {named}: {getattr(error, 'strerror', None) or error}")
                table[key] = "unread"
    return findings


def _is_private(file: Path) -> bool:
    try:
        return not stat.S_IMODE(file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH)
    except OSError:
        return True


# --- what is wrong, in words ---------------------------------------------------------------------------------------------


def _syntax_finding(file: Path, text: str, message: str) -> str:
    found = _TOML_PLACE.fullmatch(message)
    words, line = (found[1], found[2]) if found else (message, None)
    return f"{file}:{line or len(text.splitlines())}: {words}"


def _words(error: ErrorDetails, tree: Tree) -> str:
    """A finding of pydantic's as a person would say it."""
    path = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            return f"no such key{_did_you_mean(str(path[-1]), _keys_at(path[:-1]))}"
        case "missing":
            return f"is missing{_how_to_give(path, tree)}"
        case "value_error":
            return f"{error['msg'].removeprefix('Value error, ')}{_given(error)}"
        case "string_pattern_mismatch":
            return f"should match {error['ctx']['pattern']}{_given(error)}"
        case _:
            return f"{error['msg'].removeprefix('Input ').removeprefix('String ').replace('should be a valid', 'should be a')}{_given(error)}"


def _given(error: ErrorDetails) -> str:
    """The value as it stands there, unless it may be a secret."""
    value = error["input"]
    return f"; it is {value!r}" if isinstance(value, str | int | float) and not _is_secret(error["loc"]) else ""


def _is_secret(path: Path_) -> bool:
    return any(word in str(part) for part in path for word in ("secret", "password", "url"))


def _how_to_give(path: Path_, tree: Tree) -> str:
    return f": set {_variable(path, tree)}, or name a file that holds it in {path[-1]}_file" if _is_secret(path) else ""


def _variable(path: Path_, tree: Tree) -> str:
    return PREFIX + _dotted(path, tree).replace("-", "_").replace(".", "__").upper()


def _dotted(path: Path_, tree: Tree) -> str:
    """``pbx.main.port``: entries of a list by their name where they have one."""
    words: list[str] = []
    value: Any = tree
    for part in path:
        entry = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
        words.append(str(entry.get(_NAMED_BY.get(str(path[0]), ""), part)) if isinstance(entry, dict) else str(part))
        value = entry if entry is not None else value.get(part) if isinstance(value, dict) else None
    return ".".join(words)


def _keys_at(path: Path_) -> Sequence[str]:
    """The keys that exist in the table at ``path``."""
    model: type[BaseModel] | None = Settings
    for part in path:
        field = model.model_fields.get(part) if model and isinstance(part, str) else None
        model = _model_of(field.annotation) if field else model
    return list(model.model_fields) if model else []


def _model_of(annotation: object) -> type[BaseModel] | None:
    """The table inside ``Queue``, ``tuple[Pbx, ...]`` or ``Mapping[str, Queue]``."""
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_of(inner))), None)


def _did_you_mean(word: str, known: Mapping[str, object] | Sequence[str] | set[str] | frozenset[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _lines(text: str) -> dict[Path_, int]:
    """Where each key of a valid TOML text stands: path -> line. Keys inside inline tables are found by what holds them."""
    places: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    table: Path_ = ()
    for number, line in _statements(text):
        if header := re.match(r"\s*(\[\[?)\s*(.+?)\s*\]", line):
            table = _resolve(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            places[table] = number
        elif key := re.match(r"\s*((?:[A-Za-z0-9_.-]|\"[^\"]*\"|'[^']*'|\s(?=\s*[.=]))+)\s*=", line):
            places.setdefault((*table, *_parts(key[1])), number)
    return places


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines on which something begins: not those inside an array or a text of several lines."""
    open_brackets, quote = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not open_brackets and not quote:
            yield number, line
        for token in re.finditer(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|[\[\]{}#]', line):
            if token[0] in {'"""', "'''"}:
                quote = "" if quote == token[0] else quote or token[0]
            elif not quote and token[0] == "#":
                break
            elif not quote:
                open_brackets += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)


def _parts(dotted: str) -> Path_:
    return tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+", dotted))


def _resolve(path: Path_, counts: Mapping[Path_, int]) -> Path_:
    """A table below one that stands several times belongs to the last of them."""
    whole: Path_ = ()
    for part in path[:-1]:
        whole = (*whole, part)
        whole = (*whole, counts[whole]) if whole in counts else whole
    return (*whole, *path[-1:])


def _contradictions(settings: Settings) -> Iterator[tuple[Path_, str]]:
    """What no single value can be blamed for."""
    if set(settings.roles) != set(get_args(Role)):
        yield ("roles",), f"this version runs all of {', '.join(get_args(Role))} in one process"
    if settings.web.port == settings.push.port:
        yield ("push", "port"), f"{settings.push.port} is web.port already"
    for kind, names in (("pbx", [p.name for p in settings.pbx]), ("agents", [a.id for a in settings.agents])):
        yield from (((kind, i), f"a second one named {name}") for i, name in enumerate(names) if name in names[:i])
    for i, pbx in enumerate(settings.pbx):
        for other in settings.pbx:
            if pbx.name.startswith(f"{other.name}-"):
                yield ("pbx", i, "name"), f"begins like {other.name}: with a systemname in Asterisk, their calls could have one id"
    for queue, codes in settings.results.items():
        if len(codes) > MAX_RESULTS:
            yield ("results", queue), f"{len(codes)} results; agents pick well from at most {MAX_RESULTS}"
        if queue != "default" and queue not in settings.queues:
            yield ("results", queue), f"no such queue in [queues]{_did_you_mean(queue, settings.queues)}"
        names = [code.code for code in codes]
        yield from ((("results", queue, i), f"a second result {name}") for i, name in enumerate(names) if name in names[:i])
    if settings.crm.connector == "sql" and settings.crm.mapping is None:
        yield ("crm", "mapping"), "is missing: the connector sql needs a mapping file, such as config/crm/example-sql.toml"
    if settings.crm.mapping is not None and not settings.crm.mapping.exists():
        yield ("crm", "mapping"), f"no such file: {settings.crm.mapping}"


# --- the reference page --------------------------------------------------------------------------------------------------


def reference() -> str:
    """``docs/reference/configuration.md``, made of the classes above: ``python -m cti.settings`` writes it."""
    top = [(name, field) for name, field in Settings.model_fields.items() if _model_of(field.annotation) is None]
    tables = [(name, field) for name, field in Settings.model_fields.items() if _model_of(field.annotation) is not None]
    return "\n".join([_HEAD, "## At the top of the file", "", *_rows(top), *(line for t in tables for line in _table(*t))]) + "\n"


def _table(name: str, field: FieldInfo) -> list[str]:
    model = _model_of(field.annotation)
    kind = get_origin(field.annotation)
    title = f"[[{name}]]" if kind is tuple else f"[{name}.NAME]" if kind is Mapping and name != "results" else f"[{name}]"
    about = [field.description, ""] if field.description else []
    return ["", f"## `{title}`", "", *about, *_rows(list(model.model_fields.items()) if model else [])]


def _rows(fields: list[tuple[str, FieldInfo]]) -> list[str]:
    rows = [f"| `{name}` | {_default(field)} | {(field.description or '').replace('|', '&#124;')} |" for name, field in fields]
    return ["| key | default | |", "|---|---|---|", *rows]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*must be given*"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    text = str(value) if isinstance(value, str | Path | int | float) else ", ".join(value or ())
    return f"`{text}`".replace("|", "&#124;") if text else "empty"


_HEAD: Final = """\
# Configuration

Made from `cti/settings.py` by `python -m cti.settings > docs/reference/configuration.md`.

**Which file:** `--config FILE`, else `$CTI_CONFIG`, else `./config/cti.toml`, else the one in the package. It is TOML, commented, and runs as it is.

**Environment:** stronger than the file. `CTI_SECTION__KEY`: `CTI_WEB__PORT=8090`. Tables that stand several times are found by name:
`CTI_PBX__MAIN__EVENTS_SECRET`. Lists: `CTI_ROLES=pbx,web`, or JSON.

**Secrets** (`*_secret`, `password`, `url`) are read from the environment, or from a file named by the same key with `_file` behind it
(`events_secret_file = "/run/secrets/events"`). In the configuration file itself they are taken only where others may not read it (`chmod 600`).
They are never arguments of a command.

**Mistakes** are told all at once, each as `file:line: key: what is wrong`; the exit code is 2.
"""

if __name__ == "__main__":
    sys.stdout.write(reference())
