"""Render the badges whose score, seal, words or day changed, and the keys they are signed with."""

from trustsvc import clock
from trustsvc.badge import refresh
from trustsvc.badge.statement import signing
from trustsvc.storage import db


def refresh_badges() -> None:
    """Write the files that differ; running twice writes nothing the second time."""
    signing.publish_keys(clock.now())  # first: whoever finds a new signature finds its key
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())
