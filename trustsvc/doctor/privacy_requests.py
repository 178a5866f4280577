"""Whether somebody waits for an answer about their data, or to be told of a changed notice."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.privacy import request_log
from trustsvc.privacy.documents import announcement

MOST_NAMED = 5
TODO = "answer them: /desk/requests"


def waiting(session: Session, now: datetime) -> Finding:
    """Warn from day 20 of an open request on, fail from day 30 (GDPR Art. 12(3))."""
    what = "requests of people"
    day = request_log.oldest_open_days(session, now)
    if day is None:
        return ok(what, "none waits")
    said = f"the oldest has waited for {day} of {request_log.DAYS} days"
    if day >= request_log.DAYS:
        return fail(what, said, TODO)
    return warn(what, said, TODO) if day >= request_log.ALARM_DAY else ok(what, said)


def untold(session: Session) -> list[Finding]:
    """Warn of changed notices that nobody was told of; none is no line."""
    found = announcement.unannounced(session)
    if not found:
        return []
    named = "; ".join(
        f"version {one.version} of {one.slug}: {one.people} people" for one in found[:MOST_NAMED]
    )
    more = f"; {len(found) - MOST_NAMED} shops more" if len(found) > MOST_NAMED else ""
    todo = "tell them: trustsvc privacy announce --shop SLUG --send"
    return [warn("notice", f"not announced yet: {named}{more}", todo)]
