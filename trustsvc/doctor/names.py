"""What the sender's domain says in the DNS about who may send in its name: SPF, DMARC.

DKIM's record lies under a name that only the signing relay knows, so it is not looked for.
"""

import ipaddress
from collections.abc import Callable

import dns.exception
import dns.resolver

from trustsvc.doctor.finding import Finding, ok, warn

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
    if _is_local(domain):
        return [ok("sender", "SPF, DKIM and DMARC: not checked, the domain is not a public one")]
    spf, dmarc = ask(domain), ask(f"_dmarc.{domain}")
    if spf is None or dmarc is None:
        todo = "run it where a resolver can be reached, or ask your mail provider"
        return [warn("sender", "SPF, DKIM and DMARC: not checked, no resolver answers", todo)]
    return [_spf(spf), _dmarc(dmarc), ok("DKIM", "not checked: only your relay knows its name")]


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
