"""TRUSTSVC_REDIS_URL: one server, or Sentinels that know which server is the primary.

redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database], rediss+sentinel://
for TLS to both. The Sentinels' own user and password follow a question mark.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from trustsvc.config_values import is_loopback, split
from trustsvc.errors import Misconfigured

NAME = "REDIS_URL"
SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
SENTINEL_PORT = 26379
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password", "ssl_ca_certs")
SERVICE = re.compile(r"[A-Za-z0-9._-]+")  # what Sentinel itself allows


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """Where the Sentinels are, which service they are asked for, and how to sign in to both."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    has_tls: bool
    login: dict[str, str]
    sentinel_login: dict[str, str]
    tls: dict[str, str]


def checked(text: str) -> str:
    """Give the URL as it is; raises Misconfigured, without a value of it, for one of no use."""
    if not text:
        return ""
    if is_sentinel(text):
        parsed = parse_sentinel(text)
        has_password, hosts = "password" in parsed.login, [host for host, _ in parsed.sentinels]
    else:
        has_password, hosts = _checked_server(text)
    if not has_password and not all(map(is_loopback, hosts)):
        raise Misconfigured("TRUSTSVC_REDIS_URL names a server beyond loopback without a password.")
    return text


def is_sentinel(url: str) -> bool:
    return url.partition("://")[0] in SENTINEL_SCHEMES


def is_open(url: str) -> bool:
    """Say whether this Redis needs no password over TCP; sockets have file modes."""
    if is_sentinel(url):
        return "password" not in parse_sentinel(url).login
    parts = urlsplit(url)
    return parts.scheme in {"redis", "rediss"} and not parts.password


def hosts(url: str) -> tuple[str, ...]:
    """Name the servers of a URL; those of Sentinels, which alone know where Redis is. Or none."""
    if is_sentinel(url):
        return tuple(dict.fromkeys(host for host, _ in parse_sentinel(url).sentinels))
    parts = urlsplit(url)
    return (parts.hostname,) if parts.scheme != "unix" and parts.hostname else ()


def parse_sentinel(url: str) -> SentinelUrl:
    """Take the URL of Sentinels apart; raises Misconfigured for one that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Misconfigured(f"TRUSTSVC_{NAME} is no address: encode [ and ] in it.") from None
    login, _, places = parts.netloc.rpartition("@")
    service, _, database = parts.path.removeprefix("/").partition("/")
    if not SERVICE.fullmatch(service) or not re.fullmatch(r"\d{0,4}", database):
        raise Misconfigured(
            "TRUSTSVC_REDIS_URL must name the Sentinels' service after its servers: "
            "redis+sentinel://host:26379,host:26379/service."
        )
    user, _, password = login.partition(":")
    options = _options(parts)
    own = {
        "username": options.get("sentinel_username"),
        "password": options.get(SENTINEL_OPTIONS[1]),
    }
    return SentinelUrl(
        sentinels=tuple(_place(place) for place in places.split(",")),
        service=service,
        database=int(database or 0),
        has_tls=parts.scheme.startswith("rediss"),
        login=_filled({"username": unquote(user), "password": unquote(password)}),
        sentinel_login=_filled(own),
        tls=_filled({"ssl_ca_certs": options.get("ssl_ca_certs")}),
    )


def _checked_server(text: str) -> tuple[bool, list[str]]:
    parts = split(NAME, text)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise Misconfigured(
            "TRUSTSVC_REDIS_URL must begin with redis://, rediss://, unix://, redis+sentinel:// or "
            "rediss+sentinel://."
        )
    if parse_qs(parts.query).keys() & {"host", "port", "path"}:
        raise Misconfigured("TRUSTSVC_REDIS_URL must name its server before the question mark.")
    return bool(parts.password), [] if parts.scheme == "unix" else [parts.hostname or ""]


def _place(text: str) -> tuple[str, int]:
    parts = split(NAME, f"redis://{text}")
    if not parts.hostname:
        raise Misconfigured("TRUSTSVC_REDIS_URL names no Sentinel between two commas.")
    return parts.hostname, parts.port or SENTINEL_PORT


def _options(parts: SplitResult) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if options.keys() - set(SENTINEL_OPTIONS):
        known = ", ".join(SENTINEL_OPTIONS)
        raise Misconfigured(
            f"TRUSTSVC_REDIS_URL of Sentinels knows after its question mark: {known}."
        )
    return options


def _filled(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
