"""What the purge takes: by which rule, which rows, and how they go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, select, tuple_, update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.invitations.models import domain_throttles, invitations, mail_reports, messages
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.models import decisions, deliveries, orders, privacy_requests
from trustsvc.privacy import request_log
from trustsvc.privacy.models import disclosure_log, my_data_links
from trustsvc.privacy.models import request_log as requests
from trustsvc.privacy.retention import expired
from trustsvc.registry.models import pending_registrations
from trustsvc.reviews.models import reviews
from trustsvc.server_log.models import security_entries
from trustsvc.shops import directory
from trustsvc.shops.models import shops as shops_table
from trustsvc.staff.models import staff_links, staff_sessions
from trustsvc.storage import db
from trustsvc.storage.event_log import events
from trustsvc.transactional_mail.enqueue import DAY
from trustsvc.transactional_mail.models import correspondence

# As the register of requests calls what a question asks for.
ASKED_FOR = {
    "my_data": "see",
    "object": "object",
    "tell": "copy",
    "forget": "erase",
    "forget_shop": "erase",
}


@dataclass(frozen=True, slots=True)
class PurgeStep:
    """A part of the purge: by which rule, which rows, and how they go."""

    rule: str
    table: Table
    due: Select[Any]
    key: ColumnElement[Any]
    let_go: Callable[[Session, Sequence[Any], datetime], int]
    before: datetime | None = None  # where a setting shortens the rule


def steps(now: datetime) -> list[PurgeStep]:
    with db.reading() as session:
        shops = directory.all_shops(session)
    delivery = tuple_(deliveries.c.shop_id, deliveries.c.mark)
    log_before = now - timedelta(days=config.current().log_days) + expired.EARLY
    suspected = _plain(
        "security_events", expired.suspected(log_before), security_entries, security_entries.c.id
    )
    return [
        replace(suspected, before=log_before),
        PurgeStep("buyer_contact", orders, expired.unpaid(shops, now), orders.c.id, _settle_unpaid),
        PurgeStep("buyer_contact", orders, expired.invited(now), orders.c.id, _forget_buyers),
        PurgeStep("frequency_cap", orders, expired.marked(shops, now), orders.c.id, _forget_marks),
        PurgeStep("review", reviews, expired.rejected(now), reviews.c.id, _empty),
        _plain("decision_log", expired.told(now), decisions, decisions.c.id),
        PurgeStep("decision_log", orders, expired.stripped(now), orders.c.id, _delete_orders),
        _plain("webhook_delivery", expired.delivered(now), deliveries, delivery),
        _plain("domain_throttle", expired.paced(now), domain_throttles, domain_throttles.c.mark),
        _plain("transactional_mail", expired.answered(now), correspondence, correspondence.c.id),
        replace(
            _plain("transactional_mail", expired.settled(now), correspondence, correspondence.c.id),
            before=now - DAY,
        ),
        PurgeStep(
            "transactional_mail",
            privacy_requests,
            expired.asked(now),
            privacy_requests.c.id,
            _unanswered,
        ),
        _plain("transactional_mail", expired.linked(now), my_data_links, my_data_links.c.link),
        _plain("request_log", expired.registered(now), requests, requests.c.id),
        _plain(
            "pending_registration",
            expired.unconfirmed(now),
            pending_registrations,
            pending_registrations.c.id,
        ),
        _plain("event_log", expired.happened(now), events, events.c.id),
        _plain("disclosure_log", expired.listed(now), disclosure_log, disclosure_log.c.id),
        PurgeStep(
            "previous_secret", shops_table, expired.rotated(now), shops_table.c.id, _end_secrets
        ),
        _plain("staff_session", expired.links(now), staff_links, staff_links.c.link),
        _plain("staff_session", expired.sessions(now), staff_sessions, staff_sessions.c.session),
    ]


def _plain(rule: str, due: Select[Any], table: Table, key: ColumnElement[Any]) -> PurgeStep:
    """Make the part of a table whose rows are simply deleted."""

    def let_go(session: Session, keys: Sequence[Any], _now: datetime) -> int:
        return _count(session.execute(delete(table).where(key.in_(keys))))

    return PurgeStep(rule, table, due, key, let_go)


def _unanswered(session: Session, ids: Sequence[int], _now: datetime) -> int:
    """Delete questions that never could be answered, and have staff answer them in time.

    Whose they were is gone with the address, as it must be; that somebody waits is not.
    """
    gone = delete(privacy_requests).where(privacy_requests.c.id.in_(ids))
    rows = session.execute(
        gone.returning(
            privacy_requests.c.kind, privacy_requests.c.shop_id, privacy_requests.c.asked_at
        )
    ).all()
    for row in rows:
        request_log.record_open(session, ASKED_FOR[row.kind], row.shop_id, row.asked_at)
    return len(rows)


def _settle_unpaid(session: Session, ids: Sequence[int], now: datetime) -> int:
    """A payment that comes later finds a settled order and changes nothing."""
    still_waiting = (
        update(orders)
        .where(orders.c.id.in_(ids), orders.c.state == "waiting")
        .values(state="settled", buyer=None)
        .returning(orders.c.id)
    )
    settled = session.scalars(still_waiting).all()
    line = decision_log.DecisionLogEntry(0, "purge", "never_paid", "forgotten", now)
    decision_log.write(session, [replace(line, order_id=order_id) for order_id in settled])
    return buyer.forget(session, settled)


def _forget_buyers(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return buyer.forget(session, ids)


def _forget_marks(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return _count(session.execute(update(orders).where(orders.c.id.in_(ids)).values(buyer=None)))


def _empty(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Empty rejected reviews; that there was one, and why it was rejected, stays for the counts."""
    nothing = {"title": "", "text": "", "name": "", "city": ""}
    nobody = {"email": None, "reference": None, "buyer": None}
    emptied = (
        update(reviews).where(reviews.c.id.in_(ids)).values(**nothing, **nobody, emptied_at=now)
    )
    return _count(session.execute(emptied))


def _delete_orders(session: Session, ids: Sequence[int], _now: datetime) -> int:
    """Delete orders with their invitations and letters; what is left of a review stands alone."""
    theirs = select(invitations.c.id).where(invitations.c.order_id.in_(ids))
    session.execute(
        update(reviews).where(reviews.c.invitation_id.in_(theirs)).values(invitation_id=None)
    )
    of_letter = select(messages.c.id).where(messages.c.invitation_id.in_(theirs))
    session.execute(delete(mail_reports).where(mail_reports.c.letter_id.in_(of_letter)))
    session.execute(delete(messages).where(messages.c.invitation_id.in_(theirs)))
    session.execute(delete(invitations).where(invitations.c.order_id.in_(ids)))
    return _count(session.execute(delete(orders).where(orders.c.id.in_(ids))))


def _end_secrets(session: Session, ids: Sequence[int], _now: datetime) -> int:
    ended = update(shops_table).where(shops_table.c.id.in_(ids))
    return _count(session.execute(ended.values(old_secret=None, old_secret_until=None)))


def _count(result: Any) -> int:
    return int(result.rowcount)
