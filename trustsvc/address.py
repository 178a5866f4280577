"""Normalise an e-mail address for comparing: rule 1 of crypto/pseudonyms.py. Pure.

A file of its own because parsers need it, and parsers use no keys and no settings.

There are no rules of single providers: a rule that folds more would merge two people where it is
wrong about a provider (docs/adr/0013-no-provider-rules.md). Mail goes to the address as written.
"""

import re
import unicodedata
from functools import lru_cache

import idna

from trustsvc import input_limits
from trustsvc.errors import Refused

MAX_CHARACTERS = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its two brackets
MAX_RAW_CHARACTERS = 4 * MAX_CHARACTERS  # before accents are composed (NFC)
# A local part of these signs is folded by lower() alone; most addresses have no others.
_plain_local_part = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+").fullmatch


class NotAnAddress(Refused):
    title = "This is not an e-mail address we can use"


def normalise(address: str) -> str:
    """Give the one spelling of an address by rule 1; normalising twice changes nothing.

    Raises NotAnAddress, which does not repeat the address.
    """
    text = address.strip()
    local, _, domain = text.rpartition("@")
    if len(text) <= MAX_CHARACTERS and domain.isascii() and domain and _plain_local_part(local):
        return f"{local.lower()}@{_domain(domain)}"
    return _normalise_any(text)


def _normalise_any(text: str) -> str:
    if len(text) > MAX_RAW_CHARACTERS or not input_limits.is_stream_safe(text):
        raise NotAnAddress
    text = unicodedata.normalize("NFC", text)
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or len(text) > MAX_CHARACTERS:
        raise NotAnAddress
    local = unicodedata.normalize("NFC", local.lower())
    if unicodedata.normalize("NFKC", local) != local or "@" in local:
        raise NotAnAddress
    if any(sign.isspace() or unicodedata.category(sign)[0] == "C" for sign in local):
        raise NotAnAddress
    if set(local) & set('<>()[],;:"\\'):
        raise NotAnAddress
    return f"{local}@{_domain(domain)}"


@lru_cache(maxsize=4096)  # most addresses are of few domains
def _domain(written: str) -> str:
    """Give a domain as DNS writes it (UTS 46); raises NotAnAddress."""
    try:
        domain = idna.encode(written, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise NotAnAddress from None
    if "." not in domain.strip("."):
        raise NotAnAddress
    return domain.rstrip(".")
