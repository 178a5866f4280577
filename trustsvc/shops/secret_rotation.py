"""Give a shop a new secret; for a day the old one works too, so that nothing is refused."""

from datetime import datetime, timedelta

from sqlalchemy import false, or_, select, true, update
from sqlalchemy.orm import Session

from trustsvc.errors import Refused
from trustsvc.shops import directory, enrol
from trustsvc.shops.models import shops
from trustsvc.storage import event_log

OVERLAP = timedelta(hours=24)


def rotate_secret(
    session: Session, slug: str, given: str, now: datetime, *, revoke: bool = False
) -> str:
    """Give a shop its new secret, made here or given; it is shown once.

    The old one lives on for 24 hours, or ends at once with `revoke` (it leaked). While an old one
    lives a second rotation is refused, because it would cut off whoever still signs with it: of two
    at once one is. Raises NotFound, and Refused for that or a short secret.
    """
    shop = directory.by_slug(session, slug)
    secret = enrol.check_or_make_secret(shop.platform, given)
    is_free = or_(shops.c.old_secret_until.is_(None), shops.c.old_secret_until <= now)
    done = session.execute(
        update(shops)
        .where(shops.c.id == shop.id, or_(true() if revoke else false(), is_free))
        .values(
            # Copied inside the database: the expression is the column's sealed bytes as they are.
            old_secret=None if revoke else shops.c.secret,
            old_secret_until=None if revoke else now + OVERLAP,
            secret=secret,
        )
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise Refused(
            "The last rotation is less than 24 hours old: wait until the old secret has ended, "
            "or end it at once with --now."
        )
    event_log.record(session, "shop.rotated", shop.id, shop.id, now)
    return secret


def current_secret(session: Session, shop_id: int) -> str:
    """Give the newest secret of a shop, to sign its own example order."""
    found: str = session.scalars(select(shops.c.secret).where(shops.c.id == shop_id)).one()
    return found
