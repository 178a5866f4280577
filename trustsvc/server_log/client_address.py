"""The client's address behind trusted proxies."""

import ipaddress
from collections.abc import Sequence

from trustsvc.config_values import Network

UNKNOWN = "-"
MAX_PROXIES = 20

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address, or "-" where the server knows none (a unix socket).

    Each proxy appends its peer, so the header is read from the right while the sender is trusted;
    everything left of the first untrusted one may be forged. A part that is no address ends it.
    """
    client = _read(peer)
    if client is None:
        return UNKNOWN
    for part in reversed(forwarded_for.rsplit(",", MAX_PROXIES)):
        if not any(client in network for network in trusted):
            break
        before = _read(part)
        if before is None:
            break
        client = before
    return str(client)


def _read(text: str) -> Address | None:
    plain = text.strip().strip('"')
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
