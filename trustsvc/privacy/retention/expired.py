"""Which orders and reviews are past their retention: one SELECT a rule, of primary keys."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select

from trustsvc.invitations.models import invitations, message_of_invitation
from trustsvc.invitations.planning import frequency_cap
from trustsvc.invitations.state import InvitationState
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import SENT, UNKNOWN, UNSETTLED
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.state import OrderState
from trustsvc.privacy.retention.rules import RULES
from trustsvc.registry.models import restrictions
from trustsvc.reviews.models import reviews
from trustsvc.reviews.state import ReviewState
from trustsvc.shops.directory import Shop

MAX_RETENTION = timedelta(days=365)  # of a buyer's contact, whatever state the order is stuck in
KEPT_STATES = (ReviewState.PENDING, ReviewState.APPROVED, ReviewState.PUBLISHED)


def waiting_orders(shops: Sequence[Shop], now: datetime) -> Select[Any]:
    """Orders that wait for news and are too old for an invitation."""
    too_old = [
        and_(orders.c.shop_id.in_(ids), orders.c.received_at <= now - timedelta(days=days))
        for days, ids in _by_days({shop.id: shop.max_age_days for shop in shops}).items()
    ]
    return select(orders.c.id).where(
        orders.c.state == OrderState.WAITING,
        orders.c.email.is_not(None),
        or_(false(), *too_old),
        ~_restricted(),
    )


def buyer_contacts(now: datetime) -> Select[Any]:
    """Orders that still hold a contact although no message or answer is expected any more."""
    limit = RULES["buyer_contact"].cutoff(now)
    last = (
        select(func.max(func.coalesce(messages.c.sent_at, messages.c.due_at)))
        .where(message_of_invitation, messages.c.state.in_((SENT, UNKNOWN)))
        .scalar_subquery()
    )
    unsent = exists().where(message_of_invitation, messages.c.state.in_(UNSETTLED))
    over = and_(~unsent, func.coalesce(last, orders.c.received_at) <= limit)
    return (
        select(orders.c.id)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id, isouter=True)
        .where(
            orders.c.email.is_not(None),
            ~_restricted(),
            or_(
                and_(orders.c.state == OrderState.SETTLED, invitations.c.id.is_(None)),
                invitations.c.state.in_((InvitationState.REDEEMED, InvitationState.WITHDRAWN)),
                and_(invitations.c.state == InvitationState.OPEN, over),
                orders.c.received_at <= now - MAX_RETENTION,
            ),
        )
    )


def buyer_pseudonyms(shops: Sequence[Shop], now: datetime) -> Select[Any]:
    """Orders whose buyer's pseudonym the frequency cap needs no longer."""
    days = RULES["frequency_cap"].days or 0
    of_order = exists().where(invitations.c.order_id == orders.c.id, message_of_invitation)
    over = [
        and_(
            # A sum: SQLite would go through all of a shop's pseudonyms, not through the old ones.
            (orders.c.shop_id + 0).in_(ids),
            orders.c.received_at <= now - timedelta(days=kept),
            ~of_order.where(messages.c.sent_at > now - timedelta(days=kept)),
            # Who did not answer twice in a row is asked less and less (frequency_cap.py).
            ~of_order.where(
                invitations.c.unanswered > 1, messages.c.sent_at > now - frequency_cap.LONGEST
            ),
        )
        for kept, ids in _by_days({shop.id: max(days, shop.cap_days) for shop in shops}).items()
    ]
    return select(orders.c.id).where(
        orders.c.buyer_pseudonym.is_not(None),
        orders.c.email.is_(None),
        or_(false(), *over),
        ~_restricted(),
    )


def rejected_reviews(now: datetime) -> Select[Any]:
    """Rejected reviews not emptied since the last decision; a correction is decided again."""
    return select(reviews.c.id).where(
        reviews.c.state == ReviewState.REJECTED,
        reviews.c.restricted_at.is_(None),
        reviews.c.decided_at <= RULES["review"].cutoff(now),
        or_(reviews.c.emptied_at.is_(None), reviews.c.emptied_at < reviews.c.decided_at),
    )


def orders_without_person(now: datetime) -> Select[Any]:
    """Old orders that hold no person, have no decision log and no standing review."""
    stands = (
        exists()
        .where(invitations.c.order_id == orders.c.id, reviews.c.invitation_id == invitations.c.id)
        .where(
            or_(
                reviews.c.state.in_(KEPT_STATES),
                and_(reviews.c.state == ReviewState.REJECTED, reviews.c.emptied_at.is_(None)),
            )
        )
    )
    return select(orders.c.id).where(
        orders.c.received_at <= RULES["decision_log"].cutoff(now),
        orders.c.email.is_(None),
        orders.c.buyer_pseudonym.is_(None),
        ~exists().where(decisions.c.order_id == orders.c.id),
        ~stands,
    )


def _restricted() -> ColumnElement[bool]:
    """Whether the buyer restricted the data: then it is kept for the person (Art. 18(1))."""
    return exists().where(
        restrictions.c.pseudonym == orders.c.buyer_pseudonym,
        restrictions.c.shop_id == orders.c.shop_id,
    )


def _by_days(days_of_shop: dict[int, int]) -> dict[int, list[int]]:
    """Group shops by number of days, so that the SQL grows with the numbers, not the shops."""
    shops_of: dict[int, list[int]] = defaultdict(list)
    for shop_id, days in days_of_shop.items():
        shops_of[days].append(shop_id)
    return shops_of
