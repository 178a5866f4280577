"""How an e-mail address is written for comparing: rule 1 of fingerprints.py, pure.

A file of its own because parsers need it too, and parsers know no keys and no settings.
"""

import unicodedata

import idna

from trustsvc.errors import Refused

MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its two brackets


class NotAnAddress(Refused):
    title = "This is not an e-mail address we can use"


def normalise(address: str) -> str:
    """Write an address in the one way rule 1 knows; normalising twice changes nothing.

    Raises NotAnAddress, which does not repeat the address.
    """
    text = unicodedata.normalize("NFC", address.strip())
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or len(text) > MOST_CHARACTERS:
        raise NotAnAddress
    local = unicodedata.normalize("NFC", local.lower())
    if unicodedata.normalize("NFKC", local) != local or "@" in local:
        raise NotAnAddress
    if any(letter.isspace() or unicodedata.category(letter)[0] == "C" for letter in local):
        raise NotAnAddress
    if set(local) & set('<>()[],;:"\\'):
        raise NotAnAddress
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise NotAnAddress from None
    if "." not in domain.strip("."):
        raise NotAnAddress
    return f"{local}@{domain.rstrip('.')}"
