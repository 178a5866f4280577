"""Look at everything, and say what to do."""

from datetime import datetime

from trustsvc import config
from trustsvc.doctor import files, mail_server, names, stores
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured


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
        *names.sender(settings.mail_from.rpartition("@")[2]),
        _base_url(settings),
        files.log_files(now),
        files.who_said_stop(),
    ]


def _base_url(settings: config.Settings) -> Finding:
    if settings.is_loopback:
        todo = "set TRUSTSVC_BASE_URL to the https:// address people reach it at"
        return warn("base URL", "links in letters open on this machine only", todo)
    return ok("base URL", "https")
