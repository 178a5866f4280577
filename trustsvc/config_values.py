"""Parse and validate the value of one setting each; an error says what to do.

No message repeats the value: it may be a secret.
"""

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from trustsvc.errors import Misconfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_LOG_DAYS = 90
MAX_RETURN_LOCAL_PART = (
    37  # with a plus and a code 64, the longest local part there may be (RFC 5321)
)
DRIVERS = ("sqlite", "postgresql", "postgresql+psycopg")
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9a-fA-F:.]+")


def is_loopback(host: str) -> bool:
    if host in {"localhost", ""} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split(name: str, text: str) -> SplitResult:
    """Parse a URL; raises Misconfigured for one that is none."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # is parsed only when it is read
    except ValueError:
        raise Misconfigured(f"TRUSTSVC_{name} is no address, or its port is none.") from None
    return parts


def integer(name: str, text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise Misconfigured(f"TRUSTSVC_{name} must be a whole number from {least} to {most}.")
    return number


def boolean(name: str, text: str) -> bool:
    if text not in {"", "0", "1"}:
        raise Misconfigured(f"TRUSTSVC_{name} must be 0 or 1.")
    return text == "1"


def word_list(text: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


def log_days(text: str) -> int:
    try:
        return integer("LOG_DAYS", text, 1, MAX_LOG_DAYS)
    except Misconfigured:
        raise Misconfigured(
            "TRUSTSVC_LOG_DAYS must be a whole number from 1 to 90: the server log is promised to "
            "be deleted after 90 days at the latest, so it can be shortened and never lengthened."
        ) from None


def base_url(text: str) -> str:
    parts = split("BASE_URL", text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise Misconfigured("TRUSTSVC_BASE_URL must look like https://reviews.example.com.")
    if not HOST.fullmatch(parts.hostname):
        raise Misconfigured("TRUSTSVC_BASE_URL must look like https://reviews.example.com.")
    if parts.path.strip("/"):
        raise Misconfigured("TRUSTSVC_BASE_URL must not have a path: give it a host of its own.")
    if parts.username or parts.password:
        raise Misconfigured("TRUSTSVC_BASE_URL must not hold a user name or a password.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Misconfigured(
            "TRUSTSVC_BASE_URL must begin with https:// unless it is a loopback address."
        )
    return text.rstrip("/")


def networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in word_list(text))
    except ValueError:
        raise Misconfigured(
            "TRUSTSVC_TRUSTED_PROXIES must be addresses or networks with commas between, "
            "such as 127.0.0.1,10.0.0.0/8."
        ) from None


def database_url(text: str, data: Path) -> str:
    url = text or f"sqlite:///{data / 'trustsvc.db'}"
    scheme = url.partition(":")[0]
    if scheme not in DRIVERS or "://" not in url:
        raise Misconfigured("TRUSTSVC_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    split("DATABASE_URL", url)
    if scheme == "sqlite" and not url.partition("://")[2].strip("/"):
        raise Misconfigured("TRUSTSVC_DATABASE_URL names no file: sqlite:////folder/file.db.")
    return f"postgresql+psycopg{url.removeprefix(scheme)}" if scheme == "postgresql" else url


def replica_url(text: str) -> str:
    if not text:
        return ""
    scheme = text.partition(":")[0]
    if not scheme.startswith("postgresql") or scheme not in DRIVERS or "://" not in text:
        raise Misconfigured("TRUSTSVC_DATABASE_REPLICA_URL must begin with postgresql://.")
    split("DATABASE_REPLICA_URL", text)
    return f"postgresql+psycopg{text.removeprefix(scheme)}"


def mail_url(text: str, data: Path) -> str:
    url = text or f"maildir:{data / 'mail'}"
    parts = split("MAIL_URL", url)
    if parts.scheme not in {"smtp", "smtps", "maildir"}:
        raise Misconfigured("TRUSTSVC_MAIL_URL must begin with smtp://, smtps:// or maildir:.")
    if parts.scheme != "maildir" and not parts.hostname:
        raise Misconfigured("TRUSTSVC_MAIL_URL names no mail server.")
    in_clear = parts.scheme == "smtp" and "starttls=never" in parts.query
    if in_clear and parts.password and not is_loopback(parts.hostname or ""):
        raise Misconfigured("TRUSTSVC_MAIL_URL would send a password without TLS.")
    return url


def mail_domain(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host or "localhost"
    return "localhost"


def address(name: str, text: str) -> str:
    local, at, domain = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not set(text) & set(' <>,;"()')
    if not (local and at and domain and plain):
        raise Misconfigured(f"TRUSTSVC_{name} must be one plain address: reviews@example.com.")
    return text


def return_address(text: str) -> str:
    """Check the return path of bounces; its local part gets a plus and 26 characters more."""
    if not text:
        return ""
    if len(address("MAIL_RETURN", text).rpartition("@")[0]) > MAX_RETURN_LOCAL_PART:
        raise Misconfigured(
            f"TRUSTSVC_MAIL_RETURN must have at most {MAX_RETURN_LOCAL_PART} signs before its @."
        )
    return text


def domain(name: str, text: str) -> str:
    if text and not DOMAIN.fullmatch(text.lower()):
        raise Misconfigured(f"TRUSTSVC_{name} must be a domain's name: shop.example.")
    return text.lower()


def domains(name: str, text: str) -> tuple[str, ...]:
    """Check a list of domains with commas between; a sign before one (@, *.) is left out."""
    words = tuple(word.lstrip("@*.") for word in word_list(text))
    if not all("." in word and DOMAIN.fullmatch(word) for word in words):
        raise Misconfigured(
            f"TRUSTSVC_{name} must be domains with commas between: relay.shop.example."
        )
    return words


def folder(text: str) -> Path:
    """Give the data folder; raises Misconfigured for none, and for one that is no folder."""
    if not text:
        raise Misconfigured("TRUSTSVC_DATA is empty: name a folder, or leave the setting away.")
    if set(text) & set("?#%"):
        raise Misconfigured("TRUSTSVC_DATA must not have ?, # or % in its name.")
    try:
        resolved = Path(text).expanduser().resolve()
    except RuntimeError:
        raise Misconfigured("TRUSTSVC_DATA names a user who is not there.") from None
    nearest = next(place for place in (resolved, *resolved.parents) if place.exists())
    if not nearest.is_dir():
        raise Misconfigured("TRUSTSVC_DATA must be a folder; something else lies on its path.")
    return resolved


def bind(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if text != "localhost":
            raise Misconfigured(
                "TRUSTSVC_BIND must be an address to listen on, such as 127.0.0.1 or 0.0.0.0."
            ) from None
    return text
