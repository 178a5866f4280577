"""Run every health check."""

from collections.abc import Sequence
from datetime import datetime

from trustsvc import config
from trustsvc.doctor import (
    database_replica,
    files,
    mail_server,
    readiness,
    redis_server,
    sender_dns,
    stores,
    suppressions,
)
from trustsvc.doctor.finding import Finding, fail, ok, run_checks, warn
from trustsvc.errors import Misconfigured
from trustsvc.mail import dkim_keys


def run_all(now: datetime) -> list[Finding]:
    """Give every finding, and one broken part hides no other.

    Changes nothing, apart from a heartbeat of its own and a key in Redis for a minute, which show
    that both can be written.
    """
    try:
        settings = config.current()
    except Misconfigured as wrong:
        again = "then run trustsvc doctor again"
        return [fail("settings", problem, again) for problem in wrong.problems]
    return run_checks(
        {
            "settings": lambda: ok("settings", "valid"),
            "data folder": files.folder,
            "disk": lambda: _disk(now),
            "keys": lambda: files.key_ring(now),
            "database": lambda: stores.database(now),
            database_replica.CHECK: database_replica.database_replica,
            "redis": lambda: redis_server.redis_server(now).findings,
            "sentinels": redis_server.sentinels,
            mail_server.CHECK: mail_server.mail_server,
            "sender": lambda: sender_dns.sender(settings.mail_from.rpartition("@")[2]),
            "base URL": lambda: _base_url(settings),
            "proxy": lambda: _proxy(settings),
            "one-click": lambda: _one_click(settings),
            "server log": lambda: files.log_files(now),
            "suppressions": lambda: suppressions.journal(now).findings,
        }
    )


def _disk(now: datetime) -> Sequence[Finding]:
    free = files.disk()
    if not config.current().data.is_dir():
        return [free]
    result = readiness.disk(now)
    return [free] if result.status == "ok" else result.findings


def _base_url(settings: config.Settings) -> Finding:
    if settings.is_loopback:
        remedy = "set TRUSTSVC_BASE_URL to the https:// address people reach it at"
        return warn("base URL", "links in e-mails open on this machine only", remedy)
    return ok("base URL", "https")


def _proxy(settings: config.Settings) -> Finding:
    """Check that a proxy is trusted: https means one, and all visitors have its address."""
    if settings.is_loopback:
        return ok("proxy", "none is needed on this machine")
    if not settings.trusted_proxies:
        return warn(
            "proxy",
            "no proxy is trusted: all visitors count as one network, and share its hourly limits",
            "set TRUSTSVC_TRUSTED_PROXIES to the address your proxy comes from; 127.0.0.1 for one "
            "on this machine",
        )
    return ok("proxy", "each visitor counts by the address that a trusted proxy gives")


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
