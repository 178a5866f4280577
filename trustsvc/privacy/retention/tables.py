"""The purge of the database as a table: rule, rows that are due, and how they are removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Select, Table, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.invitations import redeem
from trustsvc.invitations.models import MESSAGE_KINDS, invitations
from trustsvc.mail.outbox import pending
from trustsvc.mail.outbox.models import domain_throttles
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import decisions, orders, webhook_deliveries
from trustsvc.orders.request_models import privacy_requests
from trustsvc.orders.state import OrderState, order_states
from trustsvc.orders.webhook_health.models import webhook_counts
from trustsvc.privacy.models import disclosure_log, my_data_links, request_log
from trustsvc.privacy.request_log import RIGHT_OF, record_open
from trustsvc.privacy.retention import expired
from trustsvc.privacy.retention.rules import MARGIN, RULES
from trustsvc.registry.models import form_objections, pending_registrations
from trustsvc.reviews.models import NOBODY, reviews
from trustsvc.server_log.models import security_entries
from trustsvc.shops import directory
from trustsvc.shops.models import shops
from trustsvc.staff.models import staff_links, staff_sessions
from trustsvc.storage import db
from trustsvc.storage.event_log import events
from trustsvc.transactional_mail import personal_data
from trustsvc.transactional_mail.enqueue import DAY
from trustsvc.transactional_mail.models import transactional_messages

# Removes the rows of these keys: what `due` selected, alone or as tuples.
Removal = Callable[[Session, Sequence[object], datetime], int]
_RemovalOfIds = Callable[[Session, Sequence[int], datetime], int]

TOO_LONG = "waited_too_long"


@dataclass(frozen=True, slots=True)
class PurgeStep:
    """One table by one rule: `due` selects the keys, `remove` deletes or empties these rows."""

    rule: str
    table: Table
    due: Select[Any]
    key: ColumnElement[Any]
    remove: Removal
    cutoff: datetime

    def count_due(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(self.due.subquery())) or 0


def steps(now: datetime) -> list[PurgeStep]:
    """List all steps at a moment, in the order in which they must run."""
    with db.reading() as session:
        every = directory.all_shops(session)
    log_cutoff = now - timedelta(days=config.current().log_days) + MARGIN
    mail = transactional_messages.c
    return [
        _rows("security_events", security_entries.c.minute, log_cutoff),
        _orders("buyer_contact", expired.waiting_orders(every, now), _settle_waiting, now),
        _orders("buyer_contact", expired.buyer_contacts(now), _erase_contacts, now),
        _orders("frequency_cap", expired.buyer_pseudonyms(every, now), _erase_pseudonyms, now),
        replace(
            _rows("review", reviews.c.decided_at, RULES["review"].cutoff(now)),
            due=expired.rejected_reviews(now),
            remove=_of_ids(_empty_reviews),
        ),
        _aged("decision_log", decisions.c.at, now),
        _orders("decision_log", expired.orders_without_person(now), _delete_orders, now),
        _aged("webhook_delivery", webhook_deliveries.c.at, now),
        _aged("webhook_counts", webhook_counts.c.day, now),
        _aged("domain_throttle", domain_throttles.c.forget_at, now),
        replace(_aged("transactional_mail", mail.created_at, now), remove=_of_ids(_erase_messages)),
        # Settled messages only count how often an address is written to a day.
        replace(
            _rows("transactional_mail", mail.created_at, now - DAY, mail.address.is_(None)),
            remove=_of_ids(_erase_messages),
        ),
        replace(
            _aged("transactional_mail", privacy_requests.c.requested_at, now),
            remove=_of_ids(_log_unanswered),
        ),
        _aged("transactional_mail", my_data_links.c.at, now),
        _aged("transactional_mail", form_objections.c.at, now),
        _aged("request_log", request_log.c.answered_at, now),
        _aged("pending_registration", pending_registrations.c.requested_at, now),
        _aged("event_log", events.c.at, now),
        _aged("disclosure_log", disclosure_log.c.at, now),
        replace(
            _aged("previous_secret", shops.c.old_secret_until, now), remove=_of_ids(_end_secrets)
        ),
        _closed_shops(now),
        _aged("staff_session", staff_links.c.expires_at, now),
        _aged("staff_session", staff_sessions.c.expires_at, now),
    ]


def _aged(
    rule: str, moment: Column[datetime], now: datetime, *where: ColumnElement[bool]
) -> PurgeStep:
    return _rows(rule, moment, RULES[rule].cutoff(now), *where)


def _rows(
    rule: str, moment: Column[datetime], cutoff: datetime, *where: ColumnElement[bool]
) -> PurgeStep:
    """Delete the rows whose moment is not after the cutoff."""
    table = moment.table
    assert isinstance(table, Table)
    columns = list(table.primary_key)
    key = columns[0] if len(columns) == 1 else tuple_(*columns)
    due = select(*columns).where(moment <= cutoff, *where)

    def remove(session: Session, keys: Sequence[object], _now: datetime) -> int:
        return db.row_count(session.execute(delete(table).where(key.in_(keys))))

    return PurgeStep(rule, table, due, key, remove, cutoff)


def _closed_shops(now: datetime) -> PurgeStep:
    """Delete the API credentials of shops whose enrolment ended."""
    key = api_connections.c.shop_id
    due = select(key).join(shops, shops.c.id == key).where(shops.c.closed_at <= now)

    def remove(session: Session, keys: Sequence[object], _now: datetime) -> int:
        return db.row_count(session.execute(delete(api_connections).where(key.in_(keys))))

    return PurgeStep("api_credentials", api_connections, due, key, remove, now)


def _orders(
    rule: str,
    due: Select[Any],
    remove: _RemovalOfIds,
    now: datetime,
) -> PurgeStep:
    return PurgeStep(rule, orders, due, orders.c.id, _of_ids(remove), RULES[rule].cutoff(now))


def _of_ids(remove: _RemovalOfIds) -> Removal:
    """Take keys for what they are in these steps: ids."""
    return lambda session, keys, now: remove(session, cast("Sequence[int]", keys), now)


def _log_unanswered(session: Session, ids: Sequence[int], _now: datetime) -> int:
    """Delete requests that could not be answered and log them as open, for staff to answer.

    The address must go; that a request is open stays.
    """
    gone = delete(privacy_requests).where(privacy_requests.c.id.in_(ids))
    rows = session.execute(
        gone.returning(
            privacy_requests.c.kind, privacy_requests.c.shop_id, privacy_requests.c.requested_at
        )
    ).all()
    for row in rows:
        record_open(session, RIGHT_OF[row.kind], row.shop_id, row.requested_at)
    return len(rows)


def _erase_messages(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return personal_data.erase_messages(session, ids)


def _settle_waiting(session: Session, ids: Sequence[int], now: datetime) -> int:
    """End the waiting of orders that waited too long; later news finds an order without a buyer."""
    still_waiting = (
        order_states.update(orders, [OrderState.WAITING], OrderState.SETTLED)
        .where(orders.c.id.in_(ids))
        .values(buyer_pseudonym=None)
        .returning(orders.c.id)
    )
    ended = session.scalars(still_waiting).all()
    entry = decision_log.DecisionLogEntry(0, DecisionStep.PURGE, TOO_LONG, Outcome.FORGOTTEN, now)
    decision_log.write(session, [replace(entry, order_id=order_id) for order_id in ended])
    gone = buyer.erase(session, ended)
    redeem.withdraw(session, ended, TOO_LONG, now)
    return gone


def _erase_contacts(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return buyer.erase(session, ids)


def _erase_pseudonyms(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return db.row_count(
        session.execute(update(orders).where(orders.c.id.in_(ids)).values(buyer_pseudonym=None))
    )


def _empty_reviews(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Empty rejected reviews; that they existed, and the reason, stays for the counts."""
    emptied = (
        update(reviews)
        .where(reviews.c.id.in_(ids))
        .values(title="", text="", emptied_at=now, **NOBODY)
    )
    return db.row_count(session.execute(emptied))


def _delete_orders(session: Session, ids: Sequence[int], _now: datetime) -> int:
    """Delete orders with their invitations and messages; the rest of a review stays alone."""
    theirs = select(invitations.c.id).where(invitations.c.order_id.in_(ids))
    session.execute(
        update(reviews).where(reviews.c.invitation_id.in_(theirs)).values(invitation_id=None)
    )
    pending.remove(session, MESSAGE_KINDS, session.scalars(theirs).all())
    session.execute(delete(invitations).where(invitations.c.order_id.in_(ids)))
    return db.row_count(session.execute(delete(orders).where(orders.c.id.in_(ids))))


def _end_secrets(session: Session, ids: Sequence[int], _now: datetime) -> int:
    ended = update(shops).where(shops.c.id.in_(ids))
    return db.row_count(session.execute(ended.values(old_secret=None, old_secret_until=None)))
