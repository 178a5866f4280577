"""Checks of what authors may expect: a decision on each review, within a week."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.reviews import lookup

DECIDED_WITHIN = timedelta(days=7)


def pending(session: Session, now: datetime) -> Finding:
    """Warn while a review waits for more than a week; the public page shows that it does."""
    name = "pending reviews"
    since = lookup.pending_since(session)
    if since is None:
        return ok(name, "none waits")
    detail = f"the oldest waits for a decision since {since:%Y-%m-%d}"
    if now - since <= DECIDED_WITHIN:
        return ok(name, detail)
    return warn(
        name, f"{detail}, and each shop's page shows it", "decide at /desk/, or by trustsvc reviews"
    )
