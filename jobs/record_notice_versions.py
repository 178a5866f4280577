"""Record the privacy notices that changed."""

from trustsvc import clock, config
from trustsvc.privacy.documents import notice_history
from trustsvc.storage import db


def record_notice_versions() -> None:
    """Compare while reading, so that no writer waits; two runs at once do no harm."""
    with db.reading() as session:
        new = notice_history.changed_notices(session, config.current())
    if new:
        with db.transaction() as session:
            notice_history.record(session, new, clock.now())
