"""Checks of what concerns single shops: lost seals, conflicting webhook deliveries."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.orders import idempotency
from trustsvc.shops import domain_recheck
from trustsvc.storage.event_log import events

CONFLICTS_SINCE = timedelta(days=7)


def seals(session: Session) -> Finding:
    lost = domain_recheck.count_lost_proofs(session)
    if not lost:
        return ok("seals", "every domain that was proven still is")
    remedy = "trustsvc shop list names them; trustsvc shop prove SLUG says which line belongs where"
    return warn("seals", f"{lost} shops lost it: the proof is gone from their domain", remedy)


def delivery_conflicts(session: Session, now: datetime) -> list[Finding]:
    """Warn of signed delivery ids that were sent again with another body; none is no line."""
    number = session.scalar(
        select(func.count(func.distinct(events.c.shop_id))).where(
            events.c.kind == idempotency.CONFLICT, events.c.at > now - CONFLICTS_SINCE
        )
    )
    if not number:
        return []
    detail = f"{number} shops sent a known delivery id with another body this week"
    remedy = "ask whether that was them; if not: trustsvc shop rotate SLUG --now"
    return [warn("webhooks", detail, remedy)]
