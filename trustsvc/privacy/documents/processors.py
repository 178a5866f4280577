"""Who else handles data, by the live settings: each with what it gets to hold (GDPR Art. 28)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from trustsvc.config import Settings
from trustsvc.config_values import is_loopback
from trustsvc.privacy.documents import data_inventory

LETTER = ("name", "address", "pseudonym")  # what a letter holds; links in it are pseudonyms
# A page through a proxy: all that a visitor types into a form, and whence.
PASSING = ("name", "address", "place", "order", "opinion", "pseudonym", "traffic")
Location = Literal["here", "stated", "unstated"]


@dataclass(frozen=True, slots=True)
class Processor:
    """`clear` and `sealed` are categories; what is sealed cannot be read without our key folder."""

    kind: Literal["mail", "database", "redis", "proxy"]
    host: str
    place: Location
    clear: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()


def list_processors(settings: Settings) -> list[Processor]:
    """List them: the mail server, a database, Redis and proxies that are not this machine's own."""
    return [*_mail(settings), *_database(settings), *_redis(settings), *_proxies(settings)]


def location(host: str, settings: Settings) -> Location:
    """Say where a host is: ours, in the EU as the operator states, or not stated."""
    if is_loopback(host):
        return "here"
    return "stated" if host.lower() in settings.eu_only else "unstated"


def _mail(settings: Settings) -> Iterator[Processor]:
    host = urlsplit(settings.mail_url).hostname
    if host:
        yield Processor("mail", host, location(host, settings), clear=LETTER)


def _database(settings: Settings) -> Iterator[Processor]:
    parts = urlsplit(settings.database_url)
    host = parts.hostname or (parse_qs(parts.query).get("host") or [""])[0]
    if parts.scheme.startswith("sqlite") or is_loopback(host) or host.startswith("/"):
        return
    columns = data_inventory.personal()
    sealed = {column.info["category"] for column in columns if data_inventory.is_encrypted(column)}
    clear = {
        column.info["category"] for column in columns if not data_inventory.is_encrypted(column)
    }
    yield Processor(
        "database", host, location(host, settings), tuple(sorted(clear)), tuple(sorted(sealed))
    )


def _redis(settings: Settings) -> Iterator[Processor]:
    parts = urlsplit(settings.redis_url)
    if parts.scheme in {"redis", "rediss"} and not is_loopback(parts.hostname or ""):
        yield Processor("redis", parts.hostname or "", location(parts.hostname or "", settings))


def _proxies(settings: Settings) -> Iterator[Processor]:
    for network in settings.trusted_proxies:
        host = str(network).removesuffix("/32").removesuffix("/128")
        if not network.is_loopback:
            yield Processor("proxy", host, location(host, settings), clear=PASSING)
