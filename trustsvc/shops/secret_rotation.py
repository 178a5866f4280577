"""Rotate a shop's secret; the old one works for another day, so that no webhook is refused."""

from datetime import datetime, timedelta

from sqlalchemy import false, or_, select, true, update
from sqlalchemy.orm import Session

from trustsvc.errors import Refused
from trustsvc.shops import directory, enrol, webhook_auth
from trustsvc.shops.models import shops
from trustsvc.storage import db, event_log

OVERLAP = timedelta(hours=24)


def rotate_secret(
    session: Session, slug: str, given: str, now: datetime, *, revoke: bool = False
) -> str:
    """Set a shop's new secret, given or made here; it is returned once.

    The old secret stays valid for 24 hours, or ends within a second with `revoke` (it leaked).
    Until then a second rotation is refused, because it would cut off senders that still sign with
    the old one; of two concurrent calls one is refused. Raises NotFound, and Refused for that or a
    short secret.
    """
    shop = directory.by_slug(session, slug)
    secret = enrol.check_or_make_secret(shop.platform, given)
    is_free = or_(shops.c.old_secret_until.is_(None), shops.c.old_secret_until <= now)
    updated = session.execute(
        update(shops)
        .where(shops.c.id == shop.id, or_(true() if revoke else false(), is_free))
        .values(
            # Copied inside the database: the encrypted bytes stay as they are.
            old_secret=None if revoke else shops.c.secret,
            old_secret_until=None if revoke else now + OVERLAP,
            secret=secret,
        )
    )
    if not db.row_count(updated):
        raise Refused(
            "The last rotation is less than 24 hours old: wait until the old secret has ended, "
            "or end it within a second with --now."
        )
    event_log.record(session, "shop.rotated", shop.id, shop.id, now)
    db.after_commit(session, webhook_auth.forget)
    return secret


def current_secret(session: Session, shop_id: int) -> str:
    """Return a shop's newest secret, to sign its own example order."""
    secret: str = session.scalars(select(shops.c.secret).where(shops.c.id == shop_id)).one()
    return secret
