"""Publish what was approved, in batches, and take down what may no longer be shown."""

from trustsvc import clock
from trustsvc.reviews import publish
from trustsvc.storage import db


def publish_reviews() -> None:
    """Drain approved reviews; running twice finds nothing more to do."""
    with db.transaction() as session:
        publish.take_down_unpublishable(session, clock.now())
    more = True
    while more:
        with db.transaction() as session:
            more = publish.publish_approved(session, clock.now()) > 0
