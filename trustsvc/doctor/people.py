"""Whether somebody waits for an answer about their data, and for how long."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.privacy.rights import register

TODO = "answer them: /desk/requests"


def waiting(session: Session, now: datetime) -> Finding:
    """Warn from day 20 of an open request on, fail from day 30 (GDPR Art. 12(3))."""
    what = "requests of people"
    day = register.oldest_day(session, now)
    if day is None:
        return ok(what, "none waits")
    said = f"the oldest has waited for {day} of {register.DAYS} days"
    if day >= register.DAYS:
        return fail(what, said, TODO)
    return warn(what, said, TODO) if day >= register.ALARM_DAY else ok(what, said)
