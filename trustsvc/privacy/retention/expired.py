"""What has to go now: one SELECT a rule, of the keys of rows whose time is over."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select

from trustsvc.invitations.models import domain_throttles, invitations, messages
from trustsvc.orders.models import decisions, deliveries, orders, privacy_requests
from trustsvc.privacy.models import disclosure_log, my_data_links, request_log
from trustsvc.privacy.retention.rules import RULES
from trustsvc.registry.models import pending_registrations, restrictions
from trustsvc.reviews.models import reviews
from trustsvc.server_log.models import security_entries
from trustsvc.shops.directory import Shop
from trustsvc.shops.models import shops as shops_table
from trustsvc.staff.models import staff_links, staff_sessions
from trustsvc.storage.event_log import events
from trustsvc.transactional_mail.enqueue import DAY
from trustsvc.transactional_mail.models import UNSETTLED, correspondence

# The purge runs hourly: an entry must not reach its last day between two runs.
EARLY = timedelta(hours=2)
LONGEST = timedelta(days=365)  # whatever state an order is stuck in, nobody is kept longer
STANDING = ("pending", "approved", "published")
_UNSENT = ("due", "leased", "handed")


def unpaid(shops: Sequence[Shop], now: datetime) -> Select[Any]:
    """Orders that wait for their payment and are too old to be asked about."""
    too_old = [
        and_(orders.c.shop_id.in_(ids), orders.c.received_at <= now - timedelta(days=days))
        for days, ids in _by_days({shop.id: shop.max_age_days for shop in shops}).items()
    ]
    return select(orders.c.id).where(
        orders.c.state == "waiting",
        orders.c.email.is_not(None),
        or_(false(), *too_old),
        ~_restricted(),
    )


def invited(now: datetime) -> Select[Any]:
    """Orders that still hold a buyer whom nobody will write to, or hear from, any more."""
    limit = RULES["buyer_contact"].cutoff(now)
    of_invitation = messages.c.invitation_id == invitations.c.id
    last = (
        select(func.max(func.coalesce(messages.c.sent_at, messages.c.due_at)))
        .where(of_invitation, messages.c.state.in_(("sent", "unknown")))
        .scalar_subquery()
    )
    unsent = exists().where(of_invitation, messages.c.state.in_(_UNSENT))
    over = and_(~unsent, func.coalesce(last, orders.c.received_at) <= limit)
    return (
        select(orders.c.id)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id, isouter=True)
        .where(
            orders.c.email.is_not(None),
            ~_restricted(),
            or_(
                and_(orders.c.state == "settled", invitations.c.id.is_(None)),
                invitations.c.state.in_(("redeemed", "withdrawn")),
                and_(invitations.c.state == "open", over),
                orders.c.received_at <= now - LONGEST,
            ),
        )
    )


def marked(shops: Sequence[Shop], now: datetime) -> Select[Any]:
    """Orders whose buyer's keyed hash no longer keeps anybody from being asked too often."""
    days = RULES["frequency_cap"].days or 0
    of_order = exists().where(
        invitations.c.order_id == orders.c.id, messages.c.invitation_id == invitations.c.id
    )
    over = [
        and_(
            orders.c.shop_id.in_(ids),
            orders.c.received_at <= now - timedelta(days=kept),
            ~of_order.where(messages.c.sent_at > now - timedelta(days=kept)),
        )
        for kept, ids in _by_days({shop.id: max(days, shop.cap_days) for shop in shops}).items()
    ]
    return select(orders.c.id).where(
        orders.c.buyer.is_not(None),
        orders.c.email.is_(None),
        or_(false(), *over),
        ~_restricted(),
    )


def rejected(now: datetime) -> Select[Any]:
    """Rejected reviews that were not emptied since; one corrected meanwhile was decided on anew."""
    return select(reviews.c.id).where(
        reviews.c.state == "rejected",
        reviews.c.frozen_at.is_(None),
        reviews.c.decided_at <= RULES["review"].cutoff(now),
        or_(reviews.c.emptied_at.is_(None), reviews.c.emptied_at < reviews.c.decided_at),
    )


def told(now: datetime) -> Select[Any]:
    """Lines of the ledger."""
    return select(decisions.c.id).where(decisions.c.at <= RULES["decision_log"].cutoff(now))


def stripped(now: datetime) -> Select[Any]:
    """Orders that hold nobody, of which nothing is told any more and no review stands."""
    stands = (
        exists()
        .where(invitations.c.order_id == orders.c.id, reviews.c.invitation_id == invitations.c.id)
        .where(
            or_(
                reviews.c.state.in_(STANDING),
                and_(reviews.c.state == "rejected", reviews.c.emptied_at.is_(None)),
            )
        )
    )
    return select(orders.c.id).where(
        orders.c.received_at <= RULES["decision_log"].cutoff(now),
        orders.c.email.is_(None),
        orders.c.buyer.is_(None),
        ~exists().where(decisions.c.order_id == orders.c.id),
        ~stands,
    )


def delivered(now: datetime) -> Select[Any]:
    """Ids of deliveries."""
    old = deliveries.c.at <= RULES["webhook_delivery"].cutoff(now)
    return select(deliveries.c.shop_id, deliveries.c.mark).where(old)


def paced(now: datetime) -> Select[Any]:
    """Domains that no letter went to lately."""
    return select(domain_throttles.c.mark).where(domain_throttles.c.forget_at <= now)


def answered(now: datetime) -> Select[Any]:
    """Letters that should have answered somebody, and never left."""
    old = correspondence.c.asked_at <= RULES["transactional_mail"].cutoff(now)
    return select(correspondence.c.id).where(old, correspondence.c.state.in_(UNSETTLED))


def settled(now: datetime) -> Select[Any]:
    """Letters that are settled, whose mark no longer keeps anybody from being written to often."""
    old = correspondence.c.asked_at <= now - DAY
    return select(correspondence.c.id).where(old, ~correspondence.c.state.in_(UNSETTLED))


def unconfirmed(now: datetime) -> Select[Any]:
    """Registrations that were asked for, confirmed or not: the link works no longer."""
    old = pending_registrations.c.asked_at <= RULES["pending_registration"].cutoff(now)
    return select(pending_registrations.c.id).where(old)


def asked(now: datetime) -> Select[Any]:
    """Questions that nothing could be done about for as long as their address may be kept."""
    return select(privacy_requests.c.id).where(
        privacy_requests.c.asked_at <= RULES["transactional_mail"].cutoff(now)
    )


def linked(now: datetime) -> Select[Any]:
    """Links to one's own data that were asked for, with the copies behind them."""
    return select(my_data_links.c.link).where(
        my_data_links.c.at <= RULES["transactional_mail"].cutoff(now)
    )


def registered(now: datetime) -> Select[Any]:
    """Requests in the register that were answered; an open one stays until it is."""
    return select(request_log.c.id).where(
        request_log.c.settled_at <= RULES["request_log"].cutoff(now)
    )


def happened(now: datetime) -> Select[Any]:
    """Rows of the outbox."""
    return select(events.c.id).where(events.c.at <= RULES["event_log"].cutoff(now))


def listed(now: datetime) -> Select[Any]:
    """Lines that say that people were listed."""
    old = disclosure_log.c.at <= RULES["disclosure_log"].cutoff(now)
    return select(disclosure_log.c.id).where(old)


def rotated(now: datetime) -> Select[Any]:
    """Shops whose old secret has ended."""
    return select(shops_table.c.id).where(shops_table.c.old_secret_until <= now)


def suspected(before: datetime) -> Select[Any]:
    """Entries of the security database."""
    return select(security_entries.c.id).where(security_entries.c.minute <= before)


def links(now: datetime) -> Select[Any]:
    """One-time links of staff that have ended."""
    return select(staff_links.c.link).where(staff_links.c.expires_at <= now)


def sessions(now: datetime) -> Select[Any]:
    """Sessions of staff that have ended."""
    return select(staff_sessions.c.session).where(staff_sessions.c.expires_at <= now)


def _restricted() -> ColumnElement[bool]:
    """Whether the buyer restricted: then the data is kept for the person's sake (Art. 18(1))."""
    return exists().where(
        restrictions.c.mark == orders.c.buyer, restrictions.c.shop_id == orders.c.shop_id
    )


def _by_days(days_of_shop: dict[int, int]) -> dict[int, list[int]]:
    """Put shops with the same number of days together: the SQL grows with the numbers only."""
    shops_of: dict[int, list[int]] = defaultdict(list)
    for shop_id, days in days_of_shop.items():
        shops_of[days].append(shop_id)
    return shops_of
