"""Tell a restored database what people asked of their data after its backup was made."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.crypto import pseudonyms
from trustsvc.invitations.personal_data import lift_invitation_restriction, restrict_invitations
from trustsvc.orders.models import orders, privacy_requests
from trustsvc.orders.personal_data import (
    erase_orders,
    find_orders,
    lift_order_restriction,
    lock_orders,
)
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights.erasure import RULE as ERASED
from trustsvc.registry.models import pending_registrations, restrictions
from trustsvc.registry.opt_out import EVERY_SHOP
from trustsvc.reviews import withdraw
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import (
    anonymise_reviews,
    find_reviews,
    lift_review_restriction,
    restrict_reviews,
)
from trustsvc.storage import db
from trustsvc.storage.suppression_journal import JournalEntry
from trustsvc.transactional_mail.models import correspondence

__all__ = ["ERASED", "Subject", "anonymise", "erase", "restrict"]

Subject = tuple[bytes, int]

# Where an address waits to be written to: by erasing these go whole.
_WAITING: tuple[tuple[Table, Column[datetime]], ...] = (
    (correspondence, correspondence.c.asked_at),
    (pending_registrations, pending_registrations.c.asked_at),
    (my_data_links, my_data_links.c.at),
    (privacy_requests, privacy_requests.c.asked_at),
)


def restrict(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Restrict whoever asked for it, and lift what was lifted, in the order in which it was asked.

    A restriction is lifted only by a line that comes after it and is not older: where a clock was
    set back in between, the data stays frozen until its owner says it again.
    """
    since: dict[Subject, datetime] = {}
    lifted: dict[Subject, datetime] = {}
    for line in lines:
        place = (line.mark, line.shop_id)
        if line.kind == "restrict":
            since[place] = max(line.at, since.get(place, line.at))
            lifted.pop(place, None)
        elif line.at >= since.get(place, line.at):
            since.pop(place, None)
            lifted[place] = line.at
    _lift(session, lifted, now)
    if since:
        rows = [{"mark": mark, "shop_id": shop, "at": at} for (mark, shop), at in since.items()]
        session.execute(db.insert(restrictions).on_conflict_do_nothing(), rows)
    for shop_id, marks in _by_shop(since).items():
        placed, written = _theirs(session, shop_id, marks)
        lock_orders(session, placed)
        restrict_invitations(session, placed)
        restrict_reviews(session, written, now)


def anonymise(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Take the authors away from reviews that stay without them; one not yet published goes."""
    public = [line.mark.decode("ascii", "replace") for line in lines]
    ids = session.scalars(select(reviews.c.id).where(reviews.c.public_id.in_(public))).all()
    stay = anonymise_reviews(session, ids, now)
    withdraw.empty(session, set(ids) - stay, now)


def erase(session: Session, lines: Sequence[JournalEntry], placed: Sequence[int]) -> None:
    """Forget whoever was erased, as far as opt-outs and withdrawn reviews do not do it.

    `placed` are the orders of people who were erased. Links and letters that wait go too; one that
    was asked for after the erasure stays.
    """
    erased = [line for line in lines if line.reason == ERASED]
    if not erased:
        return
    erase_orders(session, placed)
    at: dict[Subject, datetime] = {}
    for line in erased:
        at[(line.mark, line.shop_id)] = max(line.at, at.get((line.mark, line.shop_id), line.at))
    shop_ids = {shop_id for _, shop_id in at}
    for table, moment in _WAITING:
        key = next(iter(table.primary_key))
        rows = session.execute(
            select(key, table.c.address, moment).where(table.c.address.is_not(None))
        ).all()
        gone = [
            row[0]
            for row in rows
            if any(row[2] <= at[place] for place in _places(row[1], shop_ids) if place in at)
        ]
        session.execute(delete(table).where(key.in_(gone)))


def _lift(session: Session, lifted: dict[Subject, datetime], now: datetime) -> None:
    rows = session.execute(
        select(restrictions).where(restrictions.c.mark.in_({mark for mark, _ in lifted}))
    ).all()
    gone = [row for row in rows if (at := lifted.get((row.mark, row.shop_id))) and row.at <= at]
    if not gone:
        return
    session.execute(delete(restrictions).where(restrictions.c.mark.in_([x.mark for x in gone])))
    for shop_id, marks in _by_shop({(row.mark, row.shop_id): row.at for row in gone}).items():
        placed, written = _theirs(session, shop_id, marks)
        lift_invitation_restriction(session, placed, now)
        lift_review_restriction(session, written)
    everywhere = {row.mark for row in gone if row.shop_id == EVERY_SHOP}
    lift_review_restriction(session, _frozen_of(session, everywhere))
    # Decided anew: who is restricted still waits again.
    waiting = select(orders.c.id).where(orders.c.state == "waiting").order_by(orders.c.id)
    lift_order_restriction(session, session.scalars(waiting).all())


def _frozen_of(session: Session, marks: set[bytes]) -> list[int]:
    """Find frozen reviews of people known by the registry's marks only: each is marked anew."""
    if not marks:
        return []
    rows = session.execute(
        select(reviews.c.id, reviews.c.email).where(
            reviews.c.frozen_at.is_not(None), reviews.c.email.is_not(None)
        )
    )
    return [
        row.id
        for row in rows
        if any(mark in marks for mark, shop in _places(row.email, set()) if shop == EVERY_SHOP)
    ]


def _theirs(session: Session, shop_id: int, marks: set[bytes]) -> tuple[set[int], set[int]]:
    placed = find_orders(session, [shop_id], marks)
    return placed, find_reviews(session, [shop_id], marks, placed)


def _by_shop(places: dict[Subject, datetime]) -> dict[int, set[bytes]]:
    """Put the marks of one shop together; those of the registry name no order."""
    marks: dict[int, set[bytes]] = defaultdict(set)
    for mark, shop_id in places:
        if shop_id != EVERY_SHOP:
            marks[shop_id].add(mark)
    return marks


def _places(address: str, shop_ids: set[int]) -> Iterator[Subject]:
    """Mark an address for the registry and for these shops."""
    try:
        yield from ((mark, EVERY_SHOP) for mark in pseudonyms.registry_pseudonyms(address))
        for shop_id in shop_ids - {EVERY_SHOP}:
            yield from ((mark, shop_id) for mark in pseudonyms.shop_pseudonyms(shop_id, address))
    except NotAnAddress:
        return
