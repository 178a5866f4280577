"""Verify the badges of a page: signed, for this page's domain, and with the numbers shown.

A hostile page or service gets a bounded number of requests, each bounded in bytes and seconds;
none of its text is returned but names of plain characters.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import idna
import msgspec

from trustsvc.badge.statement import badge_finder, key_set, signing, statement
from trustsvc.badge.statement.badge_addresses import MAX_HOST, bounded, joined, origin_of, shop_of
from trustsvc.config_values import is_loopback
from trustsvc.http import client

MAX_PAGE_BYTES = 2 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_NUMBERS = 6  # in a sentence: a score, of how many stars, from how many reviews
Fetch = Callable[[str], bytes]
# No badge has longer sentences, and searching a page for one would take hours.
BadgeText = Annotated[str, msgspec.Meta(max_length=200)]


class BadgeJson(msgspec.Struct):
    """The fields of a badge's JSON that are verified."""

    score: BadgeText = ""
    count: BadgeText = ""
    label: BadgeText = ""
    stars: float | None = None
    reviews: int | None = None
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one badge; `domain` and numbers are empty if nothing is signed."""

    origin: str
    shop: str
    verdict: str
    domain: str = ""
    score: float = 0.0
    count: int = 0

    @property
    def is_genuine(self) -> bool:
        return self.verdict == GENUINE


# A number as people write it; atomic, so that no text makes the search slow.
NUMBER = r"(?>\d(?:[\d.,'\u2019\u00a0\u202f ]{0,18}\d)?)"

GENUINE = "genuine"
OTHER_DOMAIN = "not this page's domain"
EXPIRED = "expired"
EARLY = "not valid yet"
WRONG = "signature wrong"
NONE = "no statement"
OTHER_NUMBERS = "other numbers"
OTHER_SERVICE = "another service"
UNREADABLE = "cannot be read"


def verify_page(address: str, service: str, now: datetime) -> list[Verdict]:
    """Check a page, or the JSON of one badge; `service` is the one origin that may sign, if given.

    Raises Unreachable when the page cannot be read, TooManyBadges and PageTooLarge for a page with
    more than real pages have.
    """
    if (shop := shop_of(address)) and urlsplit(address).path.endswith(".json"):
        badges = [badge_finder.Badge(origin_of(address), shop)]
        host = ""
    else:
        address, body = _follow(address)
        badges = badge_finder.find_badges(body.decode("utf-8", "replace"), address)
        host = host_of(address)
    fetch = _cached(lambda url: _get(url, address))
    return [_verdict(badge, host, service, fetch, now) for badge in badges]


def host_of(address: str) -> str:
    """The host of a page, written as a shop's domain: ASCII, with a port only if unusual.

    Raises Unreachable for an address without one.
    """
    return origin_of(normalise_address(address)).partition("://")[2]


def normalise_address(address: str) -> str:
    """Write an address with its host in ASCII (UTS 46), without credentials.

    Raises Unreachable if it is no address of a page.
    """
    try:
        parts = urlsplit(bounded(address))
        host = parts.hostname or ""
        if len(host) > MAX_HOST:
            raise client.Unreachable
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
        plain_host = f"[{host}]" if ":" in host else host
        netloc = f"{plain_host}:{parts.port}" if parts.port is not None else plain_host
    except ValueError:  # idna's errors are ValueErrors too
        raise client.Unreachable from None
    normal = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    if not origin_of(normal):
        raise client.Unreachable
    return normal


def is_domain(domain: str, host: str) -> bool:
    """Whether a page's host is the domain: `www.` is ignored, a port is not."""
    return domain.lower().rstrip(".").removeprefix("www.") == host.removeprefix("www.")


def _verdict(
    badge: badge_finder.Badge, host: str, service: str, fetch: Fetch, now: datetime
) -> Verdict:
    verdict = Verdict(badge.origin, badge.shop, NONE)
    if not badge.origin or not badge.shop:
        return verdict
    if service and badge.origin != service:
        return replace(verdict, verdict=OTHER_SERVICE)
    try:
        body = fetch(f"{badge.origin}/badge/v1/{badge.shop}.json")
        shown = msgspec.json.decode(body, type=BadgeJson)
        if not shown.proof:
            return verdict
        keys = key_set.read(fetch(f"{badge.origin}{signing.KEYS_PATH}"))
        signed = statement.decode(shown.proof, keys)
    except client.Unreachable:
        return replace(verdict, verdict=UNREADABLE)
    except (ValueError, RecursionError):  # NotSigned, no JSON of a badge, no set of keys
        return replace(verdict, verdict=WRONG)
    domain = signed.sub if re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", signed.sub) else ""
    verdict = replace(verdict, domain=domain, score=signed.score, count=signed.count)
    return replace(verdict, verdict=next(_wrong(badge, signed, shown, host, now), GENUINE))


def _wrong(
    badge: badge_finder.Badge,
    signed: statement.Statement,
    shown: BadgeJson,
    host: str,
    now: datetime,
) -> Iterator[str]:
    if (origin_of(signed.iss), signed.shop) != (badge.origin, badge.shop):
        yield WRONG  # a valid signature, but of another badge
    if statement.is_expired(signed, now):
        yield EXPIRED
    if statement.is_not_yet_valid(signed, now):
        yield EARLY
    if host and not is_domain(signed.sub, host):
        yield OTHER_DOMAIN
    if not (_matches(shown, signed) and _page_matches(badge, shown)):
        yield OTHER_NUMBERS


def _matches(shown: BadgeJson, signed: statement.Statement) -> bool:
    """Whether the texts and the numbers of the JSON are the signed ones."""
    score = _number(shown.score) if signed.count else 0.0
    return (
        (shown.stars is None or round(shown.stars, 2) == signed.score)
        and (shown.reviews is None or shown.reviews == signed.count)
        and (int(re.sub(r"\D", "", shown.count)[:15] or 0) == signed.count)
        and abs(score - (signed.score if signed.count else 0.0)) < 0.06  # one decimal of two
    )


def _page_matches(badge: badge_finder.Badge, shown: BadgeJson) -> bool:
    """Whether the text that the page shows in the badge matches the service's JSON.

    Numbers are recognised by the text around them: the service's sentence with other numbers is
    another score. The shop's own text is ignored; the fragment has none.
    """
    ours = {_spaced(one) for one in (shown.score, shown.count, shown.label)}
    if not ours.issuperset(map(_spaced, badge.printed)):
        return False
    printed = _spaced(" ".join(badge.words))
    for sentence in (shown.label, shown.count):
        plain = _spaced(sentence)
        if not re.search(r"\d", plain):
            continue
        parts = [re.escape(part) for part in re.split(NUMBER, plain)]
        if len(parts) > MAX_NUMBERS:
            return False
        if any(one[0] != plain for one in re.finditer(NUMBER.join(parts), printed)):
            return False
    return all(_number(one) == _number(shown.score) for one in badge.scores if one.strip())


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return -1.0


def _follow(address: str) -> tuple[str, bytes]:
    """Fetch a page over a few redirects; returns its final address. Raises Unreachable."""
    first = address = normalise_address(address)
    for _ in range(MAX_REDIRECTS):
        try:
            return address, _get(address, first, MAX_PAGE_BYTES)
        except client.Redirected as moved:
            address = normalise_address(joined(address, moved.to))
    raise client.Unreachable


def _get(url: str, because_of: str, most: int = client.MAX_BYTES) -> bytes:
    """Fetch an address; one named by a public page is never fetched from this machine."""
    try:
        inside = is_loopback(urlsplit(url).hostname or "")
        from_inside = is_loopback(urlsplit(because_of).hostname or "")
    except ValueError:
        raise client.Unreachable from None
    if inside and not from_inside:
        raise client.Unreachable
    return client.get(url, most)


def _cached(fetch: Fetch) -> Fetch:
    """Fetch each address once, for all badges."""
    known: dict[str, bytes | None] = {}

    def once(url: str) -> bytes:
        if url not in known:
            try:
                known[url] = fetch(url)
            except client.Unreachable:
                known[url] = None
        body = known[url]
        if body is None:
            raise client.Unreachable
        return body

    return once
