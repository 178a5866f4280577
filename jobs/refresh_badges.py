"""Render the badges whose score, seal or words changed."""

from trustsvc import clock, db
from trustsvc.badge import refresh


def refresh_badges() -> None:
    """Write the files that differ; a bell rung twice writes nothing the second time."""
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())
