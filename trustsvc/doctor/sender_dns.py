"""Checks of the sender domain's DNS records: SPF, DKIM and DMARC.

Where the relay signs, only it knows the selector of its DKIM record: that record is not checked.
"""

import ipaddress
from collections.abc import Callable
from typing import Literal

import dns.exception
import dns.resolver

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured
from trustsvc.mail import dkim_keys

TIMEOUT_S = 4.0
LOCAL_TLDS = {"localhost", "test", "example", "invalid", "local"}
TxtLookup = Callable[[str], list[str] | None]


def txt_records(name: str) -> list[str] | None:
    """Look up the TXT records of a name; None when no resolver answers."""
    try:
        records = dns.resolver.resolve(f"{name}.", "TXT", lifetime=TIMEOUT_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(record.strings).decode("ascii", "replace") for record in records]


def sender(domain: str, lookup: TxtLookup = txt_records) -> list[Finding]:
    """Check what receivers will look up; sends no query for a domain that is not public."""
    signing, broken = _signing()
    if _is_local(domain):
        return [
            *broken,
            ok("sender", "SPF, DKIM and DMARC: not checked, the domain is not a public one"),
        ]
    spf, dmarc = lookup(domain), lookup(f"_dmarc.{domain}")
    if spf is None or dmarc is None:
        remedy = "run it where a resolver can be reached, or ask your mail provider"
        detail = "SPF, DKIM and DMARC: not checked, no resolver answers"
        return [*broken, warn("sender", detail, remedy)]
    return [_spf(spf), *(broken or _dkim(signing, domain, lookup)), _dmarc(dmarc)]


def _signing() -> tuple[tuple[dkim_keys.DkimKey, ...], list[Finding]]:
    """Give the keys that sign; or none, and what is wrong with their files."""
    try:
        return dkim_keys.in_use(), []
    except Misconfigured as problem:
        remedy = "no e-mail leaves unsigned: repair the key file, or remove it"
        return (), [fail("DKIM", problem.detail, remedy)]


def published(
    key: dkim_keys.DkimKey, domain: str, lookup: TxtLookup = txt_records
) -> Literal["published", "missing", "of another key", "not visible from here"]:
    """Say whether the DNS record of one of our keys is published, and is that key's."""
    records = lookup(f"{key.selector}._domainkey.{domain}")
    if records is None:
        return "not visible from here"
    if not records:
        return "missing"
    tags = "".join(records[0].split()).split(";")
    is_ours = len(records) == 1 and f"p={key.published}" in tags
    return "published" if is_ours else "of another key"


def _dkim(
    signing: tuple[dkim_keys.DkimKey, ...], sender_domain: str, lookup: TxtLookup
) -> list[Finding]:
    name, findings = "DKIM", []
    if not signing:
        remedy = "does your relay sign? else: trustsvc keys dkim make SELECTOR"
        return [warn(name, "e-mails are not signed here", remedy)]
    domain = dkim_keys.domain()
    for key in signing:
        state = published(key, domain, lookup)
        if state != "published":
            detail = f"the record of {key.selector} is {state}: receivers refuse what it signs"
            remedy = "publish what trustsvc keys dkim list prints, or end the key"
            findings.append(fail(name, detail, remedy))
    if all(key.kind == "ed25519" for key in signing):
        detail = "no RSA key signs, and most receivers know no other kind"
        findings.append(warn(name, detail, "add one: trustsvc keys dkim make SELECTOR"))
    if not _aligned(domain, sender_domain):
        detail = "it signs for another domain, which does not count for DMARC"
        remedy = "set TRUSTSVC_DKIM_DOMAIN to the domain of TRUSTSVC_MAIL_FROM, or one above it"
        findings.append(warn(name, detail, remedy))
    return findings or [ok(name, f"signed with {len(signing)} keys, whose records are published")]


def _aligned(signer: str, sender_domain: str) -> bool:
    one, other = f".{signer.lower()}", f".{sender_domain.lower()}"
    return one.endswith(other) or other.endswith(one)


def _spf(records: list[str]) -> Finding:
    policies = [text for text in records if text.lower().split(" ")[0] == "v=spf1"]
    if not policies:
        return warn("SPF", "the sender's domain has none", "add the TXT record of your relay")
    if len(policies) > 1:
        return warn("SPF", "there are several, which counts as none", "merge them into one")
    if policies[0].lower().endswith("+all"):
        return warn("SPF", "it lets everybody send", "end it with ~all or -all")
    return ok("SPF", "published")


def _dmarc(records: list[str]) -> Finding:
    policies = [text for text in records if text.lower().replace(" ", "").startswith("v=dmarc1")]
    if len(policies) != 1:
        detail = "the sender's domain has none, and large providers require it"
        return warn("DMARC", detail, "add a TXT record at _dmarc.<domain>: v=DMARC1; p=none")
    return ok("DMARC", "published")


def _is_local(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return "." not in domain or domain.rpartition(".")[2].lower() in LOCAL_TLDS
    return True
