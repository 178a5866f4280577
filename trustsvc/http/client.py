"""Outgoing requests that cannot reach the internal network (SSRF, OWASP ASVS 1.3.6).

A host is resolved once, every one of its addresses must be public, and the connection goes to the
checked address, so a second DNS answer changes nothing. No redirects, one time-out for the whole
request, a size limit, no proxy from the environment.
"""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit, urlunsplit

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.errors import Refused
from trustsvc.http.exchange import HttpAnswer, HttpRequest

TIMEOUT_S = (3.05, 10)
TOTAL_TIMEOUT_S = 20.0  # for a server that sends a byte now and then
MAX_BYTES = 64 * 1024
# Global unicast by IANA (ipv6-address-space); the rest is internal or embeds IPv4: NAT64
# (RFC 6052, 8215), ::/96 and ::ffff:0:0/96 among it.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class Unreachable(Refused):
    title = "The address cannot be reached from here"


class Redirected(Unreachable):
    """The server redirects, which is not followed."""

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to = to


class AnswerTooLarge(Unreachable):
    """The answer has more bytes than asked for."""


def get(url: str, max_bytes: int = MAX_BYTES, timeout_s: float = TOTAL_TIMEOUT_S) -> bytes:
    """Fetch a small file; raises Unreachable, also for an answer other than 200.

    Raises Redirected, which is Unreachable too, for a redirect.
    """
    answer = send(HttpRequest(url), max_bytes, timeout_s)
    if answer.status != 200:
        raise Unreachable
    return answer.body


def send(
    wanted: HttpRequest, max_bytes: int = MAX_BYTES, timeout_s: float = TOTAL_TIMEOUT_S
) -> HttpAnswer:
    """Send a request and read its whole answer; raises Unreachable, without details.

    https only; a service that itself runs on loopback (demo, tests) may also use loopback. Raises
    Redirected for a redirect, so that no credentials follow it, and AnswerTooLarge.
    """
    parts, name, pinned = _pin(wanted.url)
    # A tenth of the start of a command, and most of them ask nobody.
    import requests
    from urllib3.exceptions import HTTPError

    from trustsvc.http.pinned_connection import Deadline, PinnedAdapter

    deadline = Deadline()
    with requests.Session() as session, deadline.limited(timeout_s):
        session.trust_env = False
        adapter = PinnedAdapter(name, deadline, tls=parts.scheme == "https")
        session.mount(f"{parts.scheme}://", adapter)
        try:
            response = session.request(
                wanted.method,
                pinned,
                headers={
                    **wanted.headers,
                    "Host": parts.netloc,
                    "User-Agent": "trustsvc",
                    "Accept-Encoding": "identity",  # nothing is decompressed
                },
                data=wanted.body,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            )
            body = response.raw.read(max_bytes + 1, decode_content=False)
            if len(body) <= max_bytes:
                response.raw.read(1)  # raises where the answer ended before its length
        except (requests.RequestException, HTTPError, OSError):
            raise Unreachable from None
    if response.is_redirect and not deadline.is_over:
        raise Redirected(response.headers["Location"])
    if deadline.is_over:
        raise Unreachable
    if len(body) > max_bytes:
        raise AnswerTooLarge
    headers = {header.lower(): value for header, value in response.headers.items()}
    return HttpAnswer(response.status_code, headers, bytes(body))


def _pin(url: str) -> tuple[SplitResult, str, str]:
    """Give the address's parts, its host, and the address with the host's checked IP address."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable from None
    allow_loopback = config.current().is_loopback and is_loopback(name)
    if parts.scheme != "https" and not (allow_loopback and parts.scheme == "http"):
        raise Unreachable("Only https addresses are fetched.")
    address = _resolve_public(
        name, port or (443 if parts.scheme == "https" else 80), allow_loopback
    )
    host = f"[{address}]" if ":" in address else address
    return parts, name, urlunsplit(parts._replace(netloc=f"{host}:{port}" if port else host))


def _resolve_public(name: str, port: int, allow_loopback: bool) -> str:
    if allow_loopback:
        return "127.0.0.1"
    try:
        addresses = {
            str(one[4][0]) for one in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        }
    except (OSError, UnicodeError):
        raise Unreachable from None
    if not addresses or not all(is_public(address) for address in addresses):
        raise Unreachable
    return min(addresses)


def is_public(text: str) -> bool:
    """Say whether an address is public: not internal, and no IPv4 embedded in IPv6."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address not in GLOBAL_UNICAST or address.sixtofour or address.teredo:
            return False
    return address.is_global and not address.is_multicast
