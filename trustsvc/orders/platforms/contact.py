"""Who a buyer is, where they live and read, and whether the shop erased them. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trustsvc import address_rules, countries
from trustsvc.orders.platforms import fields, locales

_LEGAL_FORMS = """
    bv nv bvba vof cv commv gmbh mbh ag kg kgaa ohg gbr ug ek ev eg og se ltd limited llc llp inc
    incorporated corp corporation plc co cie company sarl sas sasu sa eurl sprl srl spa asbl vzw
    sl slu sro doo oy oyj ab as aps pty holding & und and et en
"""
LEGAL_FORMS = frozenset(_LEGAL_FORMS.split())


@dataclass(frozen=True, slots=True)
class Place:
    """`zone`: one or more time zones, joined by "+"; "" where nothing tells."""

    locale: str
    zone: str


def place(languages: Iterable[str], billed_to: str, sent_to: str) -> Place:
    """Give language and time zone; the countries are hints and are not kept.

    The buyer lives where the bill goes: a parcel may be a gift to another country.
    """
    locale = locales.locale_of(languages, billed_to)
    return Place(locale, countries.zone_of(billed_to or sent_to, locale))


def email(tree: fields.Tree, own: Sequence[str], others: Sequence[str] = ()) -> str:
    """Give the address of the order: where its own field stands there, no other one counts.

    An address that was emptied in the order may still stand in the customer's record.
    """
    return fields.email(tree, *(own if names_address(tree, own) else others))


def names_address(tree: fields.Tree, paths: Iterable[str]) -> bool:
    """Whether one of these fields stands in the body, or what held it does and was emptied.

    A body without any, such as a webhook that sends some fields only, says nothing of the buyer.
    """
    for path in paths:
        above, _, key = path.rpartition(".")
        holder = fields.at(tree, above) if above else tree
        if isinstance(holder, dict) and key in holder:
            return True
        if above and above in tree and not tree[above]:
            return True
    return False


def name(tree: fields.Tree, parts: Sequence[str], companies: Iterable[str] = ()) -> str:
    """Give the name to greet with, or "" where it is only that of one of these companies."""
    found = fields.name(tree, *parts)
    stated = (fields.text(tree, path) for path in companies)
    return "" if any(_is_of_company(found, company) for company in stated) else found


def is_anonymised(tree: fields.Tree, *paths: str) -> bool:
    """Whether the shop's software put a stand-in where the buyer's address was."""
    return any(address_rules.is_anonymised(fields.text(tree, path)) for path in paths)


def _is_of_company(name: str, company: str) -> bool:
    """Whether a name begins with a company's, whose legal form may be left out."""
    words = _words(company)
    while words and words[-1] in LEGAL_FORMS:
        words.pop()
    return bool(words) and _words(name)[: len(words)] == words


def _words(text: str) -> list[str]:
    written = text.casefold().replace(".", "").replace("/", "")  # B.V., A/S
    return re.findall(r"&|[^\W_]+(?:['\u2019][^\W_]+)*", written)
