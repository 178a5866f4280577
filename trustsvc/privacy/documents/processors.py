"""Processors by the live settings, each with the categories it gets (GDPR Art. 28)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from trustsvc import redis_url
from trustsvc.config import Settings
from trustsvc.config_values import is_loopback
from trustsvc.privacy.documents import data_inventory

IN_MAIL = ("name", "address", "pseudonym")  # links count as pseudonyms
# All that a visitor types into a form, and the visitor's IP address.
THROUGH_PROXY = ("name", "address", "place", "order", "opinion", "pseudonym", "traffic")
Location = Literal["here", "stated", "unstated"]


@dataclass(frozen=True, slots=True)
class Processor:
    """`clear` and `encrypted` are categories; the key folder is needed to decrypt."""

    kind: Literal["mail", "database", "redis", "proxy"]
    host: str
    place: Location
    clear: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()


def list_processors(settings: Settings) -> list[Processor]:
    """List mail server, database, Redis and proxies that are not on this machine."""
    return [*_mail(settings), *_database(settings), *_redis(settings), *_proxies(settings)]


def location(host: str, settings: Settings) -> Location:
    """Say where a host is: here, in the EU as the operator states, or not stated."""
    if is_loopback(host):
        return "here"
    return "stated" if host.lower() in settings.eu_only else "unstated"


def _mail(settings: Settings) -> Iterator[Processor]:
    host = urlsplit(settings.mail_url).hostname
    if host:
        yield Processor("mail", host, location(host, settings), clear=IN_MAIL)


def _database(settings: Settings) -> Iterator[Processor]:
    found = [*_database_at(settings.database_url, settings)]
    yield from found
    for replica in _database_at(settings.database_replica_url, settings):
        if replica not in found:
            yield replica


def _database_at(url: str, settings: Settings) -> Iterator[Processor]:
    parts = urlsplit(url)
    host = parts.hostname or (parse_qs(parts.query).get("host") or [""])[0]
    if not url or parts.scheme.startswith("sqlite") or is_loopback(host) or host.startswith("/"):
        return
    columns = data_inventory.personal()
    encrypted = {
        column.info["category"] for column in columns if data_inventory.is_encrypted(column)
    }
    clear = {
        column.info["category"] for column in columns if not data_inventory.is_encrypted(column)
    }
    yield Processor(
        "database", host, location(host, settings), tuple(sorted(clear)), tuple(sorted(encrypted))
    )


def _redis(settings: Settings) -> Iterator[Processor]:
    for host in redis_url.hosts(settings.redis_url):
        if not is_loopback(host):
            yield Processor("redis", host, location(host, settings))


def _proxies(settings: Settings) -> Iterator[Processor]:
    for network in settings.trusted_proxies:
        host = str(network).removesuffix("/32").removesuffix("/128")
        if not network.is_loopback:
            yield Processor("proxy", host, location(host, settings), clear=THROUGH_PROXY)
