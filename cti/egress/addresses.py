"""Which addresses belong to the public Internet. Everything else is ours, or somebody's inside (trust: H36).

The tables are those of IANA's special-purpose registries; the standard library's ``is_global`` changes between versions.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NOT_PUBLIC: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public number, and Azure's own platform behind it
        "169.254.0.0/16",  # link-local; 169.254.169.254 is every cloud's metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, ORCHID and other protocols' own
        "2001:db8::/32",
        "3fff::/20",  # documentation, as the one before (RFC 9637)
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """``text`` as a resolver gives it. An IPv6 address that carries an IPv4 one is what it carries."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public_4(address) if isinstance(address, IPv4Address) else _is_public_6(address)


def _is_public_4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC)


def _is_public_6(address: IPv6Address) -> bool:
    carried = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        carried = IPv4Address(address.packed[-4:])
    if carried is not None:
        return _is_public_4(carried)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_6)
