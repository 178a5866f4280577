"""Addresses that no invitation is written to, and why. Pure.

The marketplaces' relays are in facts/marketplace_relays.toml; it is read once.
"""

import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import idna

FILE = Path(__file__).parent / "facts" / "marketplace_relays.toml"

RESERVED = "address_reserved"
OWN_DOMAIN = "address_own_domain"
MARKETPLACE = "address_marketplace"

# Names at which nobody gets mail: RFC 2606 and 6761 (.invalid .localhost example.com), RFC 6762
# (.local, and in appendix G those that private networks use), RFC 7686 (.onion), RFC 9476 (.alt),
# ICANN 2024-07-29 (.internal), RFC 8375 (home.arpa). `.test` and `.example` are written to: tests
# and demos use them.
_RESERVED_NAMES = (
    "invalid local localhost localdomain internal intranet private corp home lan arpa onion alt "
    "example.com example.net example.org"
)
_RESERVED = frozenset(_RESERVED_NAMES.split())
# Providers at which a buyer has a mailbox: a shop that names one as its domain does not own it.
_PROVIDER_NAMES = (
    "gmail.com googlemail.com outlook.com hotmail.com hotmail.nl hotmail.be hotmail.fr hotmail.de "
    "live.com live.nl live.be live.fr msn.com yahoo.com yahoo.fr yahoo.de icloud.com me.com "
    "mac.com aol.com proton.me protonmail.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de "
    "freenet.de mail.de posteo.de orange.fr wanadoo.fr free.fr sfr.fr laposte.net ziggo.nl "
    "kpnmail.nl kpnplanet.nl planet.nl hetnet.nl home.nl casema.nl chello.nl xs4all.nl upcmail.nl "
    "telenet.be skynet.be proximus.be bluewin.ch"
)
_MAIL_PROVIDERS = frozenset(_PROVIDER_NAMES.split())
# What shop systems write over the address of a buyer who was erased.
_ANONYMOUS_ADDRESSES = frozenset({"deleted@site.invalid", "anonymous@psgdpr.com"})
_ANONYMOUS_WORDS = (
    "deleted", "anonym", "redacted", "removed", "erased", "gdpr", "dsgvo", "rgpd", "avg",
)  # fmt: skip
_BRACKETS = "[](){}<>* "


def why_not_writable(
    email: str, shop_domain: str, extra_relays: Collection[str] = ()
) -> str | None:
    """Give the reason code why nothing is written to an address; None if it may be.

    `shop_domain` and what lies below it are the shop's own; `extra_relays` are domains like those
    of that file. Looks at the domain only; case, a final full stop and IDN make no difference.
    """
    names = list(_suffixes(_domain(email.rpartition("@")[2])))
    if not _RESERVED.isdisjoint(names):
        return RESERVED
    if any(_is_relay(name) for name in names) or not {
        _domain(relay.strip().lstrip("@*.")) for relay in extra_relays
    }.isdisjoint(names):
        return MARKETPLACE
    own = _domain(shop_domain).removeprefix("www.")
    if "." in own and own not in _MAIL_PROVIDERS and own in names:
        return OWN_DOMAIN
    return None


def is_anonymised(email: str) -> bool:
    """Say whether a shop's system wrote this over the address of an erased buyer.

    WordPress and WooCommerce write deleted@site.invalid, PrestaShop anonymous@psgdpr.com; others
    write such a word in brackets, or at a domain that cannot exist. An empty text is none of it.
    """
    written = email.strip().lower()
    if written in _ANONYMOUS_ADDRESSES:
        return True
    local, at, domain = written.rpartition("@")
    if not at:
        return written.strip(_BRACKETS) != written and _is_anonymous_word(written.strip(_BRACKETS))
    name = _domain(domain)
    if _RESERVED.isdisjoint(_suffixes(name)):
        return False
    return _is_anonymous_word(local) or _is_anonymous_word(name)


def _is_anonymous_word(text: str) -> bool:
    return text.startswith(_ANONYMOUS_WORDS)


def _is_relay(name: str) -> bool:
    exact, with_any_ending = _relays()
    return name in exact or any(
        name.startswith(f"{start}.") and name.count(".", len(start) + 1) <= 1
        for start in with_any_ending
    )


@cache
def _relays() -> tuple[frozenset[str], tuple[str, ...]]:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["relay"]
    domains = [domain for row in rows for domain in row["domains"]]
    return (
        frozenset(domain for domain in domains if not domain.endswith(".*")),
        tuple(domain.removesuffix(".*") for domain in domains if domain.endswith(".*")),
    )


def _suffixes(domain: str) -> Iterator[str]:
    """Give a domain and every domain it lies under."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _domain(text: str) -> str:
    """Write a domain for comparing: lower case, ASCII, no final full stop."""
    small = text.strip().lower().rstrip(".")
    if small.isascii():
        return small
    try:
        return idna.encode(small, uts46=True).decode("ascii").lower().rstrip(".")
    except (idna.IDNAError, UnicodeError):
        return small
