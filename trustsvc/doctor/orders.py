"""Check of orders that wait because a date of theirs cannot be read."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState
from trustsvc.shops.models import shops


def unreadable_dates(session: Session) -> list[Finding]:
    """Give a finding for each shop that sends dates in a shape nobody reads."""
    rows = session.execute(
        select(shops.c.slug, func.count())
        .join(orders, orders.c.shop_id == shops.c.id)
        .where(orders.c.state == OrderState.WAITING, orders.c.date_unreadable)
        .group_by(shops.c.slug)
        .order_by(shops.c.slug)
    )
    findings = [
        warn(
            "dates of orders",
            f"{number} orders of {slug} wait: a date of theirs cannot be read",
            "send dates as 2026-11-28T10:00:00Z, then send the orders again",
        )
        for slug, number in rows
    ]
    return findings or [ok("dates of orders", "all can be read")]
