"""A shop with reviews, and every form of its badge, for tests of files and who serves them."""

from tests.reviews.sample_reviews import review
from trustsvc import clock
from trustsvc.badge import refresh
from trustsvc.reviews import moderate, publish
from trustsvc.storage import db

CACHED = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
OF_PEOPLE = "public, max-age=120, must-revalidate"
HOURLY = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800"
FOR_EVER = "public, max-age=31536000, immutable"
# What lies below the public folder, what it says it is, and how long it may be kept.
KINDS = {
    "badge/v1/velo-fils.json": ("application/json", CACHED),
    "badge/v1/velo-fils.svg": ("image/svg+xml; charset=utf-8", CACHED),
    "badge/v1/velo-fils.html": ("text/html; charset=utf-8", CACHED),
    "badge/v1/velo-fils.png": ("image/png", CACHED),
    "badge/v1/velo-fils/shields.json": ("application/json", CACHED),
    "badge/v1/velo-fils/reviews.json": ("application/json", OF_PEOPLE),
    "badge/v1/velo-fils/feed.atom": ("application/atom+xml; charset=utf-8", OF_PEOPLE),
    "embed/v1.js": ("text/javascript; charset=utf-8", HOURLY),
    "embed/v1-list.js": ("text/javascript; charset=utf-8", HOURLY),
    "embed/1.0.0/badge.js": ("text/javascript; charset=utf-8", FOR_EVER),
    "embed/1.0.0/list.js": ("text/javascript; charset=utf-8", FOR_EVER),
    "embed/card.js": ("text/javascript; charset=utf-8", HOURLY),
}


def published(made, at=None, **more):
    """Have a review written and published; gives its public id."""
    at = at or clock.now()
    public_id = review(made, at=at, **more)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", at)
        publish.publish_approved(session, at)
    return public_id


def refreshed():
    """Do what refresh_badges does; gives how many files were written."""
    with db.reading() as session:
        return refresh.refresh_changed(session, clock.now())
