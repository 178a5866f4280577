"""Requests out of the house that cannot reach inside (SSRF, OWASP ASVS 1.3.6).

A host is resolved once, every address it has must be a public one, and the connection goes to the
address that was checked, so a second answer of the name server changes nothing. No redirects, a
time limit, a size limit, no proxy from the environment.
"""

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.errors import Refused

TIMEOUT_S = (3.05, 10)
MOST_BYTES = 64 * 1024
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(Refused):
    title = "The address cannot be reached from here"


class _Pinned(HTTPAdapter):
    """Connects to a checked address, and holds the certificate to the name."""

    def __init__(self, name: str, *, tls: bool) -> None:
        self._tls: dict[str, Any] = (
            {"server_hostname": name, "assert_hostname": name} if tls else {}
        )
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **(kwargs | self._tls))


def get(url: str) -> bytes:
    """Fetch a small file. Raises Unreachable, which does not say what was found on the way.

    https only; a service that itself runs on loopback (a demo, a test) may also ask loopback.
    """
    parts = urlsplit(url)
    name = parts.hostname or ""
    at_home = config.current().is_loopback and is_loopback(name)
    if parts.scheme != "https" and not (at_home and parts.scheme == "http"):
        raise Unreachable("Only https addresses are fetched.")
    address = _checked(name, parts.port or (443 if parts.scheme == "https" else 80), at_home)
    place = f"[{address}]" if ":" in address else address
    pinned = urlunsplit(parts._replace(netloc=f"{place}:{parts.port}" if parts.port else place))
    with requests.Session() as session:
        session.trust_env = False
        session.mount(f"{parts.scheme}://", _Pinned(name, tls=parts.scheme == "https"))
        try:
            answer = session.get(
                pinned,
                headers={"Host": parts.netloc, "User-Agent": "trustsvc"},
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            )
            body = answer.raw.read(MOST_BYTES + 1, decode_content=False)
        except (requests.RequestException, OSError):
            raise Unreachable from None
    if answer.status_code != 200 or len(body) > MOST_BYTES:
        raise Unreachable
    return bytes(body)


def _checked(name: str, port: int, at_home: bool) -> str:
    if at_home:
        return "127.0.0.1"
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise Unreachable from None
    if not found or not all(is_public(address) for address in found):
        raise Unreachable
    return min(found)


def is_public(text: str) -> bool:
    """Say whether an address is out in the world: not ours, not a neighbour's, not disguised."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address in NAT64 or address.sixtofour or address.teredo:
            return False
    return address.is_global and not address.is_multicast
