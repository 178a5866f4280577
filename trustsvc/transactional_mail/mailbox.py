"""Fold an address to its mailbox, for counting only: many addresses, one person who reads them.

What a provider ignores is left out. Nobody is written to, found or registered by it: there every
sign of an address counts.
"""

from trustsvc.address import normalise
from trustsvc.crypto import pseudonyms
from trustsvc.storage.columns import EVERY_SHOP

# Providers that ignore full stops, by each of their domains.
_IGNORE_STOPS = {
    "gmail.com": "gmail.com",
    "googlemail.com": "gmail.com",
    "proton.me": "proton.me",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
}


def folded(address: str) -> str:
    """Give the mailbox of an address: lower case, no +tag, no full stops at the big providers.

    Raises NotAnAddress.
    """
    local, _, domain = normalise(address).rpartition("@")
    untagged = local.partition("+")[0] or local
    provider = _IGNORE_STOPS.get(domain)
    if provider:
        return f"{untagged.replace('.', '') or untagged}@{provider}"
    return f"{untagged}@{domain}"


def mailbox_hash(address: str) -> bytes:
    """Give the keyed hash of a mailbox; raises NotAnAddress."""
    return pseudonyms.text_pseudonym(EVERY_SHOP, f"mailbox {folded(address)}")
