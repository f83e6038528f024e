"""The tables of the configuration: their keys, defaults, and what the reference page says of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cti.settings.values import (
    AgentName,
    Country,
    DatabaseUrl,
    Device,
    Digits,
    FlowName,
    Host,
    Listed,
    Name,
    Network,
    Origin,
    Pattern,
    PbxPath,
    Port,
    RecordsPlace,
    RedisUrl,
    Seconds,
    Secret,
    TimeZone,
    Variable,
)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


class Site(Section):
    name: str = "Contact center"
    """Shown in the console's title."""
    country: Country = "TW"
    """ISO 3166-1, two letters: what a number without a country code means."""
    time_zone: TimeZone = "Asia/Taipei"
    """IANA name: what the PBX's own records and ``cti backfill`` mean by a time, and the IVR by a day. The console's days are the
    browser's."""
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
    events_secret: Secret = SecretStr("")
    """Must be given where ``roles`` has pbx, as ``commands_secret``; other processes need neither."""
    commands_user: str = "cti-commands"
    """The account that only acts."""
    commands_secret: Secret = SecretStr("")
    fastagi_secret: Secret = SecretStr("")
    """What its dialplan proves itself with when it asks us about a caller; ``cti init asterisk`` makes one. Empty: it may not ask."""
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
    transfer_context: Name = "cti-transfer"
    """Where transfers and consultations look for their target."""
    parking_context: Name = "parkedcalls"
    """Where parked calls are fetched."""
    parking_pattern: Pattern = r"7\d{2}"
    """What a parking space looks like, as a whole match."""
    outgoing_trunk: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,40}$")] = ""
    """Handed to the dialplan as CTI_TRUNK, where a site has several; empty: not handed."""
    dial_format: Literal["e164", "national"] = "e164"
    """How numbers are dialled: with ``+`` and country code, or as people dial them in the site's country."""
    queue_log: RecordsPlace = SecretStr("")
    """What it wrote of its queues, from which missed calls are filled in: a file (/var/log/asterisk/queue_log), or a table (postgresql://user@host/asterisk#queue_log)."""
    cdr: RecordsPlace = SecretStr("")
    """Its call detail records, for the same: a file (/var/log/asterisk/cdr-custom/cti.csv has microseconds, cdr-csv/Master.csv whole seconds), or a table (postgresql://user@host/asterisk#cdr)."""
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
    ping_s: Seconds = 5.0
    """A browser that does not answer for two pings is gone."""
    outbox_limit: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Messages one desktop may be behind before it is cut off; it comes back to a snapshot."""


class Database(Section):
    url: DatabaseUrl = SecretStr("sqlite:///var/cti.db")
    """SQLite for one machine, postgresql://user@host/name for more."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    """Connections kept open to PostgreSQL; while all of them are busy, as many again."""


class Spool(Section):
    dir: Path = Path("var/spool")
    """Facts wait here while the database is away, and stand here on their way to it, in case the service is killed."""
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000
    """About a million calls; past it the newest facts are dropped and the loss is told."""


class Redis(Section):
    url: RedisUrl = SecretStr("")
    """Only for several processes; empty: none."""


class Process(Section):
    """What one process of several is; one that does everything needs none of it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,60}$")] = ""
    """Unique in the site, and the same after a restart: its spool has it. Empty: the machine's name and web.port."""
    lease_s: Annotated[float, Field(ge=1, le=300)] = 3.0
    """How long a reader of the PBXs that falls silent is waited for, before another takes over. Shorter than the machine may
    pause, and readers change places for nothing."""


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
    open_url: Annotated[str, Field(pattern=r"^$|^https?://\S{1,500}$")] = ""
    """Where a customer's record is opened, with ``{id}``, ``{code}`` or ``{email}`` in it: https://crm.example.org/c/{id}."""


class Queue(Section):
    label: str = ""
    """What agents read; empty: the queue's own name."""
    ring_timeout_s: Seconds = 15.0
    """As in queues.conf: how long one phone rings; a pop expires with it. Of a call that no queue offers: after 60 s."""
    extension: Annotated[str, Field(pattern=r"^\d{0,10}$")] = ""
    """What agents dial to hand a caller to it; empty: it is not offered as a target."""
    wrap_up: Literal["off", "optional", "required"] = "optional"
    """Time for the paperwork after each call: none, as the agent likes, or until a result is given."""
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    """Then it ends by itself; 0: no limit."""
    missed_limit: Annotated[int, Field(ge=0, le=20)] = 1
    """So many rings in a row without an answer make an agent not ready; 0: never."""


class ResultField(Section):
    """Something more to say with a result: the amount of an order, the day of a visit."""

    name: Name
    label: Annotated[str, Field(min_length=1, max_length=29)]
    kind: Literal["text", "number", "date", "choice"] = "text"
    is_required: bool = False
    choices: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    """Of kind ``choice``."""


class ResultCode(Section):
    code: Name
    """What is stored; never change it once it is on record."""
    label: Annotated[str, Field(min_length=1, max_length=29)]
    """What the agent picks."""
    fields: Annotated[tuple[ResultField, ...], Field(max_length=6)] = ()
    """Asked for when this result is picked."""


class ReasonCode(Section):
    code: Annotated[int, Field(ge=1, le=899)]
    """What is stored; never change it once it is on record. From 900 on they are the system's own."""
    label: Annotated[str, Field(min_length=1, max_length=29)]


class Desk(Section):
    """How agents work."""

    reasons: Annotated[tuple[ReasonCode, ...], Field(min_length=1, max_length=9)] = (
        ReasonCode(code=1, label="Break"),
        ReasonCode(code=2, label="Lunch"),
        ReasonCode(code=3, label="Meeting"),
        ReasonCode(code=4, label="Training"),
        ReasonCode(code=5, label="Paperwork"),
    )
    """Why an agent may be not ready; nine at most, for they are picked with the number keys."""
    is_ready_at_login: bool = False
    """Whoever logs in is ready at once; otherwise they say so when they sit down."""
    declined_is_pause: bool = True
    """Whoever declines a call is not ready from then on; otherwise it may be offered to them again."""
    wrap_up_extend_s: Seconds = 30.0
    """How much longer a wrap-up takes when an agent asks for more, up to five times."""
    reload_s: Seconds = 10.0
    """How long a desktop may be gone, as in a reload, before its agent is not ready."""
    log_out_after_s: Seconds = 3600.0
    """Without a desktop for so long, an agent is logged out."""


class Recording(Section):
    is_offered: bool = True
    """Agents may record a call from the console."""
    most_pause_s: Seconds = 120.0
    """A paused recording goes on by itself after this: forgotten ones are the rule (PCI asks for the pause, the record for the rest)."""


class Ivr(Section):
    host: Host = "127.0.0.1"
    """FastAGI is not encrypted: elsewhere only through a tunnel."""
    port: Port = 4573
    permit: Annotated[tuple[Network, ...], Field(min_length=1)] = ("127.0.0.1", "::1")
    """Addresses and networks a PBX may ask from."""
    flows: Path = Path("config/ivr")
    """The folder of flows; each is a file, and its name the file's."""
    flow: FlowName = ""
    """The flow for all lines that ``lines`` does not name; empty: they go straight to their queue."""
    lines: Mapping[Digits, FlowName] = {}
    """Dialled number -> flow; an empty name sends that line straight to its queue."""
    prompts: Path = Path("var/prompts")
    """Texts made into sounds are kept here; the PBX must be able to read it."""
    prompts_as_pbx: PbxPath = ""
    """The same folder as the PBX sees it, where that differs."""
    prompts_readers: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$|^$")] = ""
    """The group Asterisk runs in, which alone may then read the prompts; empty: every user of this machine may."""
    recordings: Path = Path("var/voicemail")
    """Messages are kept here; the PBX must be able to write into it."""
    recordings_as_pbx: PbxPath = ""
    sounds: tuple[Path, ...] = (Path("/var/lib/asterisk/sounds"), Path("/usr/share/asterisk/sounds"))
    """Where the PBX's own sounds are, to find a missing one before a caller does; none of them there: not looked."""
    voices: Mapping[str, str] = {}
    """Language -> voice of espeak-ng, where it is to be another than ours: ``en = "en-gb"``."""
    speed_wpm: Annotated[int, Field(ge=80, le=300)] = 150
    """How fast texts are spoken."""
    services: tuple[Origin, ...] = ()
    """Services inside the house that flows may ask, such as http://shop.internal:8080; those outside need no entry."""
    pin_tries: Annotated[int, Field(ge=1, le=20)] = 5
    """Wrong PINs of one customer within ``pin_lock_s``, and then none is taken for as long."""
    pin_tries_per_caller: Annotated[int, Field(ge=1, le=1000)] = 10
    """From one calling number in an hour."""
    pin_tries_overall: Annotated[int, Field(ge=10, le=1_000_000)] = 300
    """By all callers in an hour; beyond it somebody is trying PINs."""
    pin_lock_s: Seconds = 1800.0


class Toll(Section):
    allowed_countries: tuple[Country, ...] = ()
    """Where click-to-dial may call; empty: the site's country only."""
    premium: bool = False
    """May numbers be called that cost extra (premium rate, shared cost)?"""
    blocked: Annotated[tuple[Pattern, ...], Listed] = ()
    """Further numbers that may not be called, in E.164, as whole matches."""
    calls_per_hour: Annotated[int, Field(ge=1, le=1000)] = 60
    """From one agent's phone to the outside, placed or transferred by us; more is no person."""
    emergency_numbers: tuple[Digits, ...] = ("110", "112", "119")
    """Always dialled as they are, whatever else is forbidden."""


class AgentAccount(Section):
    id: AgentName
    """The log-in name; anything but ``me``."""
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
