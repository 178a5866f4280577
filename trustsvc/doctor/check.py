"""Run every health check."""

from datetime import datetime

from trustsvc import config
from trustsvc.doctor import files, mail_server, sender_dns, stores
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured
from trustsvc.mail import dkim_keys


def check(now: datetime) -> list[Finding]:
    """Give every finding; changes nothing, and one broken part hides no other."""
    try:
        settings = config.current()
    except Misconfigured as problem:
        return [fail("settings", problem.detail, "then run trustsvc doctor again")]
    return [
        ok("settings", "valid"),
        *files.folder(),
        files.disk(),
        *files.key_ring(now),
        *stores.database(now),
        *stores.redis_server(),
        mail_server.mail_server(),
        *sender_dns.sender(settings.mail_from.rpartition("@")[2]),
        _base_url(settings),
        *_one_click(settings),
        *files.log_files(now),
        files.suppressions(),
    ]


def _base_url(settings: config.Settings) -> Finding:
    if settings.is_loopback:
        remedy = "set TRUSTSVC_BASE_URL to the https:// address people reach it at"
        return warn("base URL", "links in e-mails open on this machine only", remedy)
    return ok("base URL", "https")


def _one_click(settings: config.Settings) -> list[Finding]:
    """Check what mail programs require for an unsubscribe button (RFC 8058 section 4)."""
    name, findings = "one-click", []
    if settings.is_loopback:
        detail = "mail programs show no unsubscribe button: links are not https"
        findings.append(warn(name, detail, "set TRUSTSVC_BASE_URL to an https:// address"))
    try:
        if not dkim_keys.in_use():
            detail = "counts only when your relay's DKIM signs both its header fields"
            remedy = (
                "let it sign List-Unsubscribe and List-Unsubscribe-Post, or see trustsvc keys dkim"
            )
            findings.append(warn(name, detail, remedy))
    except Misconfigured as problem:
        findings.append(fail(name, problem.detail, "see the line on DKIM"))
    return findings or [ok(name, "https, both header fields in each e-mail, signed by us")]
