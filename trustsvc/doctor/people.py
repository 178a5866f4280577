"""Whether somebody waits for an answer about their data, and for how long."""

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from trustsvc import db
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.privacy.rights import register

TODO = "answer them: /desk/requests"


def waiting(now: datetime) -> Finding:
    """Warn from day 20 of an open request on, fail from day 30 (GDPR Art. 12(3))."""
    what = "requests of people"
    try:
        with db.reading() as session:
            day = register.oldest_day(session, now)
    except (SQLAlchemyError, OSError):
        return warn(what, "not known, the database does not answer", "see above")
    if day is None:
        return ok(what, "none waits")
    said = f"the oldest has waited for {day} of {register.DAYS} days"
    if day >= register.DAYS:
        return fail(what, said, TODO)
    return warn(what, said, TODO) if day >= register.ALARM_DAY else ok(what, said)
