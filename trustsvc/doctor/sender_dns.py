"""What the sender's domain says in the DNS about who may send in its name: SPF, DKIM, DMARC.

Where the relay signs, only it knows the name of DKIM's record: then that is not looked for.
"""

import ipaddress
from collections.abc import Callable
from typing import Literal

import dns.exception
import dns.resolver

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured
from trustsvc.mail import dkim_keys

PATIENCE_S = 4.0
Ask = Callable[[str], list[str] | None]


def texts(name: str) -> list[str] | None:
    """Give the TXT records of a name; None when no resolver answers."""
    try:
        found = dns.resolver.resolve(f"{name}.", "TXT", lifetime=PATIENCE_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(record.strings).decode("ascii", "replace") for record in found]


def sender(domain: str, ask: Ask = texts) -> list[Finding]:
    """Say what receivers will find; asks nothing for a domain that is of this machine only."""
    try:
        signing = dkim_keys.in_use()
    except Misconfigured as problem:
        return [fail("DKIM", problem.detail, "no letter leaves unsigned: mend it, or take it away")]
    if _is_local(domain):
        return [ok("sender", "SPF, DKIM and DMARC: not checked, the domain is not a public one")]
    spf, dmarc = ask(domain), ask(f"_dmarc.{domain}")
    if spf is None or dmarc is None:
        todo = "run it where a resolver can be reached, or ask your mail provider"
        return [warn("sender", "SPF, DKIM and DMARC: not checked, no resolver answers", todo)]
    return [_spf(spf), *_dkim(signing, domain, ask), _dmarc(dmarc)]


def published(
    key: dkim_keys.DkimKey, domain: str, ask: Ask = texts
) -> Literal["there", "missing", "of another key", "not to be seen from here"]:
    """Say whether the record of a key of ours can be found, and is its own."""
    records = ask(f"{key.selector}._domainkey.{domain}")
    if records is None:
        return "not to be seen from here"
    if not records:
        return "missing"
    said = "".join(records[0].split()).split(";")
    return "there" if len(records) == 1 and f"p={key.published}" in said else "of another key"


def _dkim(signing: tuple[dkim_keys.DkimKey, ...], sender_domain: str, ask: Ask) -> list[Finding]:
    if not signing:
        todo = "does your relay sign? else: trustsvc keys dkim make SELECTOR"
        return [warn("DKIM", "letters are not signed here", todo)]
    domain, wrong = dkim_keys.domain(), []
    for key in signing:
        state = published(key, domain, ask)
        if state != "there":
            todo = "publish what trustsvc keys dkim list prints, or end the key"
            said = f"the record of {key.selector} is {state}"
            wrong.append(fail("DKIM", f"{said}: receivers refuse what it signs", todo))
    if wrong:
        return wrong
    if all(key.kind == "ed25519" for key in signing):
        todo = "add one: trustsvc keys dkim make SELECTOR"
        return [warn("DKIM", "no key of RSA signs, and most receivers know no other", todo)]
    if not _aligned(domain, sender_domain):
        todo = "let TRUSTSVC_DKIM_DOMAIN be the domain of TRUSTSVC_MAIL_FROM, or one above it"
        return [warn("DKIM", "it signs for another domain, which does not count for DMARC", todo)]
    return [ok("DKIM", f"{len(signing)} of our keys signs, and its record is there")]


def _aligned(signer: str, sender_domain: str) -> bool:
    one, other = f".{signer.lower()}", f".{sender_domain.lower()}"
    return one.endswith(other) or other.endswith(one)


def _spf(records: list[str]) -> Finding:
    found = [text for text in records if text.lower().split(" ")[0] == "v=spf1"]
    if not found:
        return warn("SPF", "the sender's domain has none", "add the TXT record of your relay")
    if len(found) > 1:
        return warn("SPF", "there are several, which counts as none", "make one of them")
    if found[0].lower().endswith("+all"):
        return warn("SPF", "it lets everybody send", "end it with ~all or -all")
    return ok("SPF", "there is one")


def _dmarc(records: list[str]) -> Finding:
    found = [text for text in records if text.lower().replace(" ", "").startswith("v=dmarc1")]
    if len(found) != 1:
        todo = "add a TXT record at _dmarc.<domain>: v=DMARC1; p=none"
        return warn("DMARC", "the sender's domain has none, and large providers ask for it", todo)
    return ok("DMARC", "there is one")


def _is_local(domain: str) -> bool:
    ending = domain.rpartition(".")[2].lower()
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return "." not in domain or ending in {"localhost", "test", "example", "invalid", "local"}
    return True
