"""Replay erasures, restrictions and anonymised reviews on a restored database."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.crypto.pseudonyms import registry_pseudonyms, shop_pseudonyms
from trustsvc.invitations.personal_data import lift_invitation_restriction, restrict_invitations
from trustsvc.orders.models import orders
from trustsvc.orders.personal_data import (
    erase_orders,
    find_orders,
    lift_order_restriction,
    lock_orders,
)
from trustsvc.orders.request_models import privacy_requests
from trustsvc.orders.state import OrderState
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights.erasure import ERASURE
from trustsvc.registry.models import pending_registrations, restrictions
from trustsvc.reviews import withdraw
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import (
    AUTHOR,
    OTHERS,
    anonymise_reviews,
    find_reviews,
    lift_review_restriction,
    restrict_reviews,
)
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import JournalEntry
from trustsvc.transactional_mail import personal_data
from trustsvc.transactional_mail.models import transactional_messages

SubjectAtShop = tuple[bytes, int]

# Rows with an address that waits for an e-mail; an erasure deletes them.
_WAITING: tuple[tuple[Table, Column[datetime]], ...] = (
    (transactional_messages, transactional_messages.c.created_at),
    (pending_registrations, pending_registrations.c.requested_at),
    (my_data_links, my_data_links.c.at),
    (privacy_requests, privacy_requests.c.requested_at),
)


def restrict(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Restrict, and lift what was lifted, in the order of the entries.

    A restriction ends only by an entry that comes after it and is not older. If a clock was set
    back in between, the data stays restricted until its owner lifts the restriction again.
    """
    since: dict[SubjectAtShop, datetime] = {}
    lifted: dict[SubjectAtShop, datetime] = {}
    for line in lines:
        subject = (line.subject, line.shop_id)
        if line.kind == "restrict":
            since[subject] = max(line.at, since.get(subject, line.at))
            lifted.pop(subject, None)
        elif line.at >= since.get(subject, line.at):
            since.pop(subject, None)
            lifted[subject] = line.at
    _lift(session, lifted, now)
    if since:
        rows = [
            {"pseudonym": pseudonym, "shop_id": shop_id, "at": at}
            for (pseudonym, shop_id), at in since.items()
        ]
        session.execute(db.insert(restrictions).on_conflict_do_nothing(), rows)
    for shop_id, pseudonyms in _by_shop(since).items():
        placed, written = _data_of(session, shop_id, pseudonyms)
        lock_orders(session, placed)
        restrict_invitations(session, placed)
        restrict_reviews(session, written, now)


def anonymise(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Remove the authors of reviews that stay without them.

    Where the author asked, an unpublished one is withdrawn; where others did, it stays as well.
    """
    for by in (OTHERS, AUTHOR):
        public = [x.subject.decode("ascii", "replace") for x in lines if x.reason == by]
        ids = session.scalars(select(reviews.c.id).where(reviews.c.public_id.in_(public))).all()
        stay = anonymise_reviews(session, ids, now, by=by)
        if by == AUTHOR:
            withdraw.clear_content(session, set(ids) - stay, now)


def erase(session: Session, lines: Sequence[JournalEntry], placed: Sequence[int]) -> None:
    """Erase whoever was erased, as far as opt-outs and withdrawn reviews do not.

    `placed` are the orders of erased people. Waiting links and e-mails go too, unless they were
    requested after the erasure.
    """
    erased = [line for line in lines if line.reason == ERASURE]
    if not erased:
        return
    erase_orders(session, placed)
    at: dict[SubjectAtShop, datetime] = {}
    for line in erased:
        at[(line.subject, line.shop_id)] = max(
            line.at, at.get((line.subject, line.shop_id), line.at)
        )
    shop_ids = {shop_id for _, shop_id in at}
    for table, moment in _WAITING:
        key = next(iter(table.primary_key))
        rows = session.execute(
            select(key, table.c.address, moment).where(table.c.address.is_not(None))
        ).all()
        gone = [
            row[0]
            for row in rows
            if any(
                row[2] <= at[subject] for subject in _subjects(row[1], shop_ids) if subject in at
            )
        ]
        if table is transactional_messages:
            personal_data.erase_messages(session, gone)
        else:
            session.execute(delete(table).where(key.in_(gone)))


def _lift(session: Session, lifted: dict[SubjectAtShop, datetime], now: datetime) -> None:
    rows = session.execute(
        select(restrictions).where(restrictions.c.pseudonym.in_({key for key, _ in lifted}))
    ).all()
    gone = [
        row for row in rows if (at := lifted.get((row.pseudonym, row.shop_id))) and row.at <= at
    ]
    if not gone:
        return
    session.execute(
        delete(restrictions).where(restrictions.c.pseudonym.in_([x.pseudonym for x in gone]))
    )
    for shop_id, pseudonyms in _by_shop(
        {(row.pseudonym, row.shop_id): row.at for row in gone}
    ).items():
        placed, written = _data_of(session, shop_id, pseudonyms)
        lift_invitation_restriction(session, placed, now)
        lift_review_restriction(session, written)
    everywhere = {row.pseudonym for row in gone if row.shop_id == EVERY_SHOP}
    lift_review_restriction(session, _restricted_reviews(session, everywhere))
    # Decided again; whoever is still restricted waits again.
    waiting = select(orders.c.id).where(orders.c.state == OrderState.WAITING).order_by(orders.c.id)
    lift_order_restriction(session, session.scalars(waiting).all())


def _restricted_reviews(session: Session, pseudonyms: set[bytes]) -> list[int]:
    """Find restricted reviews of people known by registry pseudonyms only."""
    if not pseudonyms:
        return []
    rows = session.execute(
        select(reviews.c.id, reviews.c.email).where(
            reviews.c.restricted_at.is_not(None), reviews.c.email.is_not(None)
        )
    )
    return [
        row.id
        for row in rows
        if any(
            pseudonym in pseudonyms
            for pseudonym, shop in _subjects(row.email, set())
            if shop == EVERY_SHOP
        )
    ]


def _data_of(session: Session, shop_id: int, pseudonyms: set[bytes]) -> tuple[set[int], set[int]]:
    placed = find_orders(session, [shop_id], pseudonyms)
    return placed, find_reviews(session, [shop_id], pseudonyms, placed)


def _by_shop(subjects: dict[SubjectAtShop, datetime]) -> dict[int, set[bytes]]:
    """Group the pseudonyms by shop; those of the registry name no order."""
    pseudonyms: dict[int, set[bytes]] = defaultdict(set)
    for pseudonym, shop_id in subjects:
        if shop_id != EVERY_SHOP:
            pseudonyms[shop_id].add(pseudonym)
    return pseudonyms


def _subjects(address: str, shop_ids: set[int]) -> Iterator[SubjectAtShop]:
    """Give the pseudonyms of an address in the registry and at these shops."""
    try:
        yield from ((pseudonym, EVERY_SHOP) for pseudonym in registry_pseudonyms(address))
        for shop_id in shop_ids - {EVERY_SHOP}:
            yield from ((pseudonym, shop_id) for pseudonym in shop_pseudonyms(shop_id, address))
    except NotAnAddress:
        return
