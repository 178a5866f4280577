"""How many messages of a kind an hour may leave to addresses that anybody could have typed."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.transactional_mail.models import transactional_messages

HOUR = timedelta(hours=1)
RETRY_DELAY = timedelta(minutes=10)  # of what waits for the next hour's messages
# Messages to an address that nothing proves: they ask its reader to confirm.
UNPROVEN = frozenset({"register", "my_data_link", "object_all", "object_shop"})


def is_reached(session: Session, template: str, now: datetime, shop_id: int | None = None) -> bool:
    """Say whether the hour's messages of a kind are all written; one shop gets half of them.

    The limit is TRUSTSVC_CONFIRMATIONS_HOURLY, for each kind: a flood of one stops no other.
    """
    most = config.current().confirmations_hourly
    if not most:
        return False
    table = transactional_messages.c
    if _written(session, template, now, most) >= most:
        return True
    if shop_id is None:
        return False
    of_shop = (most + 1) // 2
    return _written(session, template, now, of_shop, table.shop_id == shop_id) >= of_shop


def _written(
    session: Session, template: str, now: datetime, most: int, *where: ColumnElement[bool]
) -> int:
    """Count the messages of the past hour, no further than `most`."""
    table = transactional_messages.c
    rows = (
        select(table.id)
        .where(table.created_at > now - HOUR, table.template == template, *where)
        .limit(most)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(rows)) or 0
