"""Requests out of the house that cannot reach inside (SSRF, OWASP ASVS 1.3.6).

A host is resolved once, every address it has must be a public one, and the connection goes to the
address that was checked, so a second answer of the name server changes nothing. No redirects, a
time limit for all of it, a size limit, no proxy from the environment.
"""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.errors import Refused

TIMEOUT_S = (3.05, 10)
TOTAL_TIMEOUT_S = 20.0  # a server that says a byte now and then is no reason to wait for days
MAX_BYTES = 64 * 1024
# What IANA gave to the world (ipv6-address-space); the rest is inside, or IPv4 in disguise: NAT64
# (RFC 6052, 8215), ::/96 and ::ffff:0:0/96 among it.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class Unreachable(Refused):
    title = "The address cannot be reached from here"


class Redirected(Unreachable):
    """The address names another one, which is not followed here."""

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to = to


class _Line:
    """The connection, so that it can be cut from outside when its time is over."""

    def __init__(self) -> None:
        self.end: socket.socket | None = None
        self.is_over = False

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if self.end:
                self.end.close()

    def hold(self, made: socket.socket) -> None:
        self.end = made.dup()  # TLS takes the first handle for itself
        if self.is_over:
            self.cut()

    def cut(self) -> None:
        self.is_over = True
        if self.end:
            with suppress(OSError):
                self.end.shutdown(socket.SHUT_RDWR)


class _Pinned(HTTPAdapter):
    """Connects to a checked address, and holds the certificate to the name."""

    def __init__(self, name: str, line: _Line, *, tls: bool) -> None:
        self._tls: dict[str, Any] = (
            {"server_hostname": name, "assert_hostname": name} if tls else {}
        )
        self._line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **(kwargs | self._tls))
        line = self._line

        class Held:
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()  # type: ignore[misc]
                line.hold(made)
                return made

        plain = type("Plain", (Held, HTTPConnection), {})
        secure = type("Secure", (Held, HTTPSConnection), {})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


def get(url: str, max_bytes: int = MAX_BYTES, timeout_s: float = TOTAL_TIMEOUT_S) -> bytes:
    """Fetch a small file. Raises Unreachable, which does not say what was found on the way.

    https only; a service that itself runs on loopback (a demo, a test) may also ask loopback.
    Raises Moved, which is Unreachable too, for a redirect.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable from None
    at_home = config.current().is_loopback and is_loopback(name)
    if parts.scheme != "https" and not (at_home and parts.scheme == "http"):
        raise Unreachable("Only https addresses are fetched.")
    address = _checked(name, port or (443 if parts.scheme == "https" else 80), at_home)
    place = f"[{address}]" if ":" in address else address
    pinned = urlunsplit(parts._replace(netloc=f"{place}:{port}" if port else place))
    line = _Line()
    with requests.Session() as session, line.limited(timeout_s):
        session.trust_env = False
        session.mount(f"{parts.scheme}://", _Pinned(name, line, tls=parts.scheme == "https"))
        try:
            answer = session.get(
                pinned,
                headers={
                    "Host": parts.netloc,
                    "User-Agent": "trustsvc",
                    "Accept-Encoding": "identity",  # what comes is not unpacked
                },
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            )
            body = answer.raw.read(max_bytes + 1, decode_content=False)
        except (requests.RequestException, HTTPError, OSError):
            raise Unreachable from None
    if answer.is_redirect and not line.is_over:
        raise Redirected(answer.headers["Location"])
    if answer.status_code != 200 or len(body) > max_bytes or line.is_over:
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
        if address not in GLOBAL_UNICAST or address.sixtofour or address.teredo:
            return False
    return address.is_global and not address.is_multicast
