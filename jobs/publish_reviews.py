"""Publish what was approved, in batches, and take down what may no longer be shown."""

from trustsvc import clock
from trustsvc.reviews import publish
from trustsvc.storage import db

# By this process: the row id of the last review. A worker that is restarted often, or a tick,
# begins anywhere, so that each publication has its turn.
_looked_at: int | None = None


def publish_reviews() -> None:
    """Publish approved reviews; running twice finds nothing more to do.

    Each run also checks the next 2,000 publications, and takes down what may no longer be shown.
    """
    global _looked_at  # noqa: PLW0603 - one round a process
    with db.reading() as session:  # a reader keeps no writer waiting
        if _looked_at is None:
            _looked_at = publish.anywhere(session)
        window = publish.next_window(session, _looked_at)
        is_needed = publish.has_unpublishable(session, window)
    if is_needed:
        with db.transaction() as session:
            publish.take_down_unpublishable(session, clock.now(), window)
    _looked_at = window.to or 0
    more = True
    while more:
        with db.transaction() as session:
            more = publish.publish_approved(session, clock.now()) > 0
