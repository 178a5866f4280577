"""Look at everything, and say what to do."""

from datetime import datetime

from trustsvc import config
from trustsvc.doctor import files, mail_server, sender_dns, stores
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured
from trustsvc.mail import dkim_keys


def check(now: datetime) -> list[Finding]:
    """Look at everything; changes nothing, and a part that is broken hides no other."""
    try:
        settings = config.current()
    except Misconfigured as problem:
        return [fail("settings", problem.detail, "then run trustsvc doctor again")]
    return [
        ok("settings", "each makes sense"),
        files.folder(),
        files.disk(),
        *files.key_ring(now),
        *stores.database(now),
        stores.bell(),
        mail_server.mail_server(),
        *sender_dns.sender(settings.mail_from.rpartition("@")[2]),
        _base_url(settings),
        _one_click(settings),
        files.log_files(now),
        files.who_said_stop(),
    ]


def _base_url(settings: config.Settings) -> Finding:
    if settings.is_loopback:
        todo = "set TRUSTSVC_BASE_URL to the https:// address people reach it at"
        return warn("base URL", "links in letters open on this machine only", todo)
    return ok("base URL", "https")


def _one_click(settings: config.Settings) -> Finding:
    """Look at what mail programs ask of a button to unsubscribe (RFC 8058 section 4)."""
    what = "one-click"
    if settings.is_loopback:
        todo = "set TRUSTSVC_BASE_URL to an https:// address"
        return warn(what, "mail programs show no button to unsubscribe: links are not https", todo)
    try:
        signed = bool(dkim_keys.in_use())
    except Misconfigured as problem:
        return fail(what, problem.detail, "see the line of DKIM")
    if not signed:
        said = "counts only when your relay's DKIM signs both fields of it"
        todo = "let it sign List-Unsubscribe and List-Unsubscribe-Post, or see trustsvc keys dkim"
        return warn(what, said, todo)
    return ok(what, "https, both fields in each letter, signed by us")
