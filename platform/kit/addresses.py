"""Which addresses lie outside: the special-use registries of IPv4 and IPv6 (RFC 6890), whatever Python calls public.

An IPv6 address is outside only within 2000::/3. That leaves out every spelling that carries an IPv4 address but 6to4
and Teredo, which stand in the list: mapped, compatible, NAT64, SIIT.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_SPECIAL_V6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)  # fmt: skip


UNKNOWN = "unknown"


def is_outside(address: str) -> bool:
    """Say whether a literal address belongs to the public internet. What does not parse does not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _SPECIAL_V4)
    return _is_outside_v6(parsed)


def is_loopback(address: str) -> bool:
    """Say whether a literal address is this computer."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """Return the network that an address is in: 24 bits of IPv4, 48 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))


def network_of(text: str) -> str | None:
    """Return the network as `network` names it that an address, or a network no wider than it, is in; else None."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    if found.prefixlen < (24 if found.version == 4 else 48):
        return None
    return network(str(found.network_address))


def _is_outside_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _SPECIAL_V6)
