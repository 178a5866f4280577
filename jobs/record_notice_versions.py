"""Write down which privacy notice is in force, where it is another than before."""

from trustsvc import clock, config
from trustsvc.privacy.documents import notice_history
from trustsvc.storage import db


def record_notice_versions() -> None:
    """Compare while reading, so that nobody waits; doubled or late does no harm."""
    with db.reading() as session:
        new = notice_history.changed_notices(session, config.current())
    if new:
        with db.transaction() as session:
            notice_history.record(session, new, clock.now())
