"""URLs of outside services: filled in from a template, and looked at before anybody is asked."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

from yarl import URL

from cti.egress.addresses import is_public
from cti.errors import EgressRefused

_TEMPLATE: Final = re.compile(r"(https?://[^/?#{}]+)(/[^?#]*)?(\?[^#]*)?", re.IGNORECASE)
_PLACE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")
_NOT_IN_A_PATH: Final = re.compile(r"[\x00-\x1f\x7f/\\]")
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
"""A last label that is one makes the whole host an IPv4 address, however it is spelt (WHATWG URL, "ends in a number")."""


def names_in(template: str) -> frozenset[str]:
    """The names that ``url_of`` will ask for. Raises ValueError for what is no template: for looking at files when loaded."""
    parts = _TEMPLATE.fullmatch(template)
    if parts is None:
        raise ValueError("is no template of a URL: http:// or https://, a host without {}, then path and query")
    if set("{}") & set(_PLACE.sub("", template)):
        raise ValueError("holds a brace that belongs to no {name}")
    return frozenset(_PLACE.findall(template))


def url_of(template: str, values: Mapping[str, str]) -> str:
    """``template`` with ``values`` in its places: ``https://crm.example.org/orders/{order}?lang={language}``.

    A value never becomes more than one piece of the path or of the query. Raises EgressRefused for one that would (empty,
    ``..``, with a slash: servers undo ``%2F``) or that is missing, ValueError for a wrong template.
    """
    names_in(template)
    origin, path, query = (part or "" for part in _TEMPLATE.fullmatch(template).groups())  # type: ignore[union-attr]
    filled = "/".join(_segment(segment, values) for segment in path.split("/"))
    return origin + filled + _PLACE.sub(lambda place: quote(_value(place[1], values), safe=""), query)


def _segment(template: str, values: Mapping[str, str]) -> str:
    if not _PLACE.search(template):
        return template
    plain = _PLACE.sub(lambda place: _value(place[1], values), template)
    if plain in {"", ".", ".."} or _NOT_IN_A_PATH.search(plain):
        raise EgressRefused(f"what stands for {template} cannot be a part of a path")
    return _PLACE.sub(lambda place: quote(_value(place[1], values), safe=""), template)


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise EgressRefused(f"nothing is known for {{{name}}}")
    return values[name]


@dataclass(frozen=True, slots=True)
class Target:
    url: URL
    is_permitted: bool
    """The operator names this origin: its addresses may be private."""

    @property
    def host(self) -> str:
        return self.url.raw_host or ""


def target_of(text: str, *, ports: Collection[int | None], origins: Iterable[str]) -> Target:
    """Look at a URL. Raises EgressRefused; the words hold the host at most, for the rest may be secret."""
    if _UNSAFE.search(text):
        raise EgressRefused("the URL holds characters that belong percent-encoded, or a host's name that is not ASCII")
    url = _read(text)
    target = Target(url, _origin(url) in {_origin(_read(origin)) for origin in origins})
    if target.is_permitted:
        return target
    if url.port not in ports:
        raise EgressRefused(f"{target.host}: port {url.port} is not among those permitted")
    if not _is_name(target.host) and not is_public(target.host):
        raise EgressRefused(f"{target.host} is no public address")
    return target


def _read(text: str) -> URL:
    """As it stands, nothing quoted or normalised: what is looked at is what is sent."""
    try:
        url = URL(text, encoded=True)
        port = url.port  # looked at only now, and refused where there is no such port
    except ValueError:
        raise EgressRefused("this is no URL") from None
    if url.scheme not in {"http", "https"} or not url.raw_host or not port:
        raise EgressRefused("this is no http:// or https:// URL with a host")
    if "@" in url.raw_authority:
        raise EgressRefused(f"{url.raw_host}: a user's name or password does not belong into a URL")
    if not (_is_address_6(url.raw_host) if "[" in url.raw_authority else _is_name_or_address_4(url.raw_host)):
        raise EgressRefused("the host is neither a name nor an address in its usual spelling")
    return url


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.raw_host or "").lower(), url.port


def _is_name(host: str) -> bool:
    lower = host.lower()
    return bool(_NAME.fullmatch(lower)) and not _NUMBER.fullmatch(lower.rpartition(".")[2])


def _is_address_6(host: str) -> bool:
    """Without a zone: ``fe80::1%eth0`` is somebody's own network."""
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _is_name_or_address_4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return _is_name(host)
    return True
