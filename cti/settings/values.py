"""What a single value must be: the types that the keys of the configuration have, each with its words of refusal."""

import ipaddress
import json
import re
import zoneinfo
from typing import Annotated, Literal
from urllib.parse import urlsplit

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from cti.settings.spelling import did_you_mean


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


def _country(text: str) -> str:
    if text not in phonenumbers.SUPPORTED_REGIONS:
        near = did_you_mean(text.upper(), phonenumbers.SUPPORTED_REGIONS)
        raise ValueError(f"is no country: two capital letters of ISO 3166-1, such as TW or DE{near}")
    return text


def _agent_name(text: str) -> str:
    if text == "me":
        raise ValueError("is whoever asks, in REST's paths: choose another")
    return text


def _time_zone(text: str) -> str:
    zones = zoneinfo.available_timezones()
    if text not in zones:
        raise ValueError(f"is no time zone of the IANA list, such as Asia/Taipei{did_you_mean(text, zones)}")
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


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"is neither an address nor a network: {error}") from None
    return text


def _database_url(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().startswith(("sqlite:///", "postgresql://")):
        raise ValueError("should begin with sqlite:/// or postgresql://")
    return secret


def _redis_url(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() and not secret.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("should begin with redis://, rediss:// or unix://")
    try:
        urlsplit(secret.get_secret_value()).port  # noqa: B018 - it is read when asked for
    except ValueError:
        raise ValueError("is no URL, or its port is none") from None
    return secret


def _records(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if "://" in text and text.partition(":")[0].partition("+")[0] not in {"postgresql", "mysql", "mariadb", "sqlite"}:
        raise ValueError("is neither a file nor the URL of a table, such as postgresql://user@host/asterisk#cdr")
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
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Origin = Annotated[str, AfterValidator(_origin)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
RecordsPlace = Annotated[SecretStr, AfterValidator(_records)]
"""A file, or a table's URL, in which there may be a password."""
Listed = BeforeValidator(_listed)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
AgentName = Annotated[Name, AfterValidator(_agent_name)]
FlowName = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,39})?$")]
Network = Annotated[str, AfterValidator(_network)]
PbxPath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_.-]+)*$")]
Digits = Annotated[str, Field(pattern=r"^\+?[0-9]{1,20}$")]
Device = Annotated[str, Field(pattern=r"^([A-Za-z0-9]+/[A-Za-z0-9_.-]+)?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]
Role = Literal["pbx", "push", "web"]
