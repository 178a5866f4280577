"""Where a buyer lives and reads, and whether the shop erased the buyer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from trustsvc import address_rules, time_zones
from trustsvc.orders.platforms import fields, locales


@dataclass(frozen=True, slots=True)
class Place:
    """`zone`: one or more time zones, joined by "+"; "" where nothing tells."""

    locale: str
    zone: str


def place(languages: Iterable[str], billed_to: str, sent_to: str) -> Place:
    """Give language and time zone; the countries are hints and are not kept."""
    locale = locales.locale_of(languages, billed_to)
    return Place(locale, time_zones.zone_of(sent_to or billed_to, locale))


def is_anonymised(tree: fields.Tree, *paths: str) -> bool:
    """Whether the shop's software put a stand-in where the buyer's address was."""
    return any(address_rules.is_anonymised(fields.text(tree, path)) for path in paths)
