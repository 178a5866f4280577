"""Announce a changed privacy notice to those who were given an earlier version.

They are buyers whose address is held and who got an invitation before the version was in force, and
authors of reviews. Later invitations carry the new notice. Registered buyers are known by pseudonym
only and cannot be written to; the page shows them the new version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select, union
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.errors import Refused
from trustsvc.invitations.models import INVITATION, invitations, message_of_invitation
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import SENT, UNKNOWN
from trustsvc.orders.models import orders
from trustsvc.privacy.documents import notice_history
from trustsvc.privacy.models import notice_versions
from trustsvc.registry.models import registered_buyers
from trustsvc.reviews.models import reviews
from trustsvc.shops.directory import Shop
from trustsvc.shops.models import shops
from trustsvc.transactional_mail import enqueue

KIND = "notice_changed"
MAX_A_DAY = 100  # one address may have bought at many shops that change with one setting


@dataclass(frozen=True, slots=True)
class NoticeRecipient:
    """One person to write to, once, however many orders they placed."""

    address: str = field(repr=False)
    name: str = field(repr=False)
    language: str


@dataclass(frozen=True, slots=True)
class Audience:
    buyers: int
    authors: int
    by_pseudonym_only: int
    people: Sequence[NoticeRecipient] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unannounced:
    """A version of a shop's notice that was not announced, and how many people it concerns."""

    slug: str
    version: int
    people: int


def audience(session: Session, shop: Shop, since: datetime) -> Audience:
    """Find the people whose data was held when a version came into force."""
    buyers = _buyers(session, shop.id, since)
    authors = _authors(session, shop.id, since)
    # The newest row decides the language; two spellings of an address are one person.
    people = {one.address.casefold(): one for one in [*buyers, *authors]}
    registered = session.scalar(select(func.count()).select_from(registered_buyers)) or 0
    return Audience(len(buyers), len(authors), registered, list(people.values()))


def unannounced(session: Session) -> list[Unannounced]:
    """Find current versions that were not announced, and how many people they concern.

    Counts pseudonyms, without decrypting an address; leaves out first versions and shops that hold
    nobody.
    """
    kept = notice_versions.c
    newest = (
        select(
            kept.shop_id,
            func.max(kept.version).label("version"),
            func.max(kept.since).label("since"),
        )
        .group_by(kept.shop_id)
        .subquery()
    )
    was_announced = exists().where(
        kept.shop_id == newest.c.shop_id,
        kept.version == newest.c.version,
        kept.announced_at.is_not(None),
    )
    changed = select(newest).where(newest.c.version > 1, ~was_announced)
    if session.execute(changed.limit(1)).first() is None:
        return []  # without going through everybody
    since = changed.subquery()
    buyers = _invited_before(
        select(orders.c.shop_id, orders.c.buyer_pseudonym), since.c.since
    ).join(since, since.c.shop_id == orders.c.shop_id)
    authors = (
        select(reviews.c.shop_id, reviews.c.buyer_pseudonym)
        .join(since, since.c.shop_id == reviews.c.shop_id)
        .where(reviews.c.email.is_not(None), reviews.c.submitted_at < since.c.since)
    )
    people = union(buyers, authors).subquery()
    rows = session.execute(
        select(shops.c.slug, since.c.version, func.count())
        .join_from(people, since, since.c.shop_id == people.c.shop_id)
        .join(shops, shops.c.id == people.c.shop_id)
        .group_by(shops.c.slug, since.c.version)
        .order_by(shops.c.slug)
    )
    return [Unannounced(*row) for row in rows]


def announce(session: Session, shop: Shop, version: int, now: datetime) -> int:
    """Write to everybody concerned and mark the version announced; gives how many.

    All in the caller's transaction. Raises Refused the second time and for a first version,
    NotFound for a version that was never in force.
    """
    notice = notice_history.get(session, shop.id, version, "en")
    if version == 1:
        raise Refused("The first version changes nothing: there is nobody to tell.")
    if not notice_history.mark_announced(session, shop.id, version, now):
        raise Refused("The people concerned were informed of this version already.")
    people = audience(session, shop, notice.since).people
    link = f"{config.current().base_url}/privacy/{shop.slug}"
    for one in people:
        message = enqueue.TransactionalMessage(
            KIND, one.language, one.address, one.name, shop.id, {"link": link}
        )
        enqueue.write(session, message, now, most=MAX_A_DAY)
    return len(people)


def _buyers(session: Session, shop_id: int, since: datetime) -> list[NoticeRecipient]:
    buyers = _invited_before(select(orders.c.email, orders.c.name, invitations.c.language), since)
    rows = session.execute(buyers.where(orders.c.shop_id == shop_id).order_by(orders.c.id))
    return _distinct(rows)


def _invited_before(buyers: Select[Any], since: datetime | ColumnElement[Any]) -> Select[Any]:
    """Restrict to buyers whose address is held and whose invitation carried an earlier notice."""
    of_invitation = message_of_invitation & messages.c.state.in_((SENT, UNKNOWN))
    return (
        buyers.join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, of_invitation)
        .where(
            orders.c.email.is_not(None),
            messages.c.kind == INVITATION,
            messages.c.sent_at < since,
        )
    )


def _authors(session: Session, shop_id: int, since: datetime) -> list[NoticeRecipient]:
    rows = session.execute(
        select(reviews.c.email, reviews.c.name, reviews.c.language)
        .where(
            reviews.c.shop_id == shop_id,
            reviews.c.email.is_not(None),
            reviews.c.submitted_at < since,
        )
        .order_by(reviews.c.id)
    )
    return _distinct(rows)


def _distinct(rows: Iterable[Row[str, str, str]]) -> list[NoticeRecipient]:
    return list({row[0].casefold(): NoticeRecipient(*row) for row in rows}.values())
