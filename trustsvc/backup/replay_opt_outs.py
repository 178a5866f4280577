"""Replay opt-outs, and opt-outs that were ended, on a restored database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.backup import replay_rights
from trustsvc.backup.replay_rights import SubjectAtShop
from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.invitations import redeem
from trustsvc.orders import buyer
from trustsvc.orders.models import orders
from trustsvc.privacy.rights.erasure import ERASURE
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db
from trustsvc.storage.batches import batches
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import JournalEntry

IN_FORCE = datetime.max.replace(tzinfo=UTC)


def replay(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Opt out whoever did so, and end opt-outs that were ended, in the order of the entries.

    An ended opt-out still covers what came before it, as it did then: the contact was erased for
    it. Later orders are left alone. As with restrictions, an opt-out ends only by an entry that
    comes after it and is not older.
    """
    in_force, newest, ended = _in_force(lines)
    for batch in batches(in_force.values()):
        rows = [
            {"pseudonym": x.subject, "shop_id": x.shop_id, "at": x.at, "reason": x.reason}
            for x in batch
        ]
        session.execute(db.insert(opt_outs).on_conflict_do_nothing(), rows)
    _move_to_newest(session, in_force, newest)
    _end_opt_outs(session, ended)
    until: dict[SubjectAtShop, datetime] = dict.fromkeys(in_force, IN_FORCE)
    for line in lines:
        subject = (line.subject, line.shop_id)
        if line.kind == "opt_out" and until.get(subject) != IN_FORCE:
            until[subject] = max(line.at, until.get(subject, line.at))
    orders_of = _orders_by_shop(session, until)
    for order_id, subjects in _orders_by_registry(session, until).items():
        orders_of.setdefault(order_id, set()).update(subjects)
    for ids in batches(sorted(orders_of)):
        redeem.withdraw(session, ids, "opted_out", now)
    opted_out = [line for line in lines if line.kind == "opt_out"]
    erased = {(line.subject, line.shop_id) for line in opted_out if line.reason == ERASURE}
    placed = [
        order_id for order_id, subjects in orders_of.items() if not erased.isdisjoint(subjects)
    ]
    replay_rights.erase(session, opted_out, placed)


def _in_force(
    lines: Sequence[JournalEntry],
) -> tuple[
    dict[SubjectAtShop, JournalEntry], dict[SubjectAtShop, datetime], dict[SubjectAtShop, datetime]
]:
    """Say which opt-outs hold, each by its first entry; the newest entries; when others ended."""
    in_force: dict[SubjectAtShop, JournalEntry] = {}
    newest: dict[SubjectAtShop, datetime] = {}
    ended: dict[SubjectAtShop, datetime] = {}
    for line in lines:
        subject = (line.subject, line.shop_id)
        if line.kind == "opt_out":
            in_force.setdefault(subject, line)
            newest[subject] = max(line.at, newest.get(subject, line.at))
            ended.pop(subject, None)
        elif line.at >= newest.get(subject, line.at):
            in_force.pop(subject, None)
            ended[subject] = line.at
    return in_force, newest, ended


def _move_to_newest(
    session: Session,
    in_force: Collection[SubjectAtShop],
    newest: Mapping[SubjectAtShop, datetime],
) -> None:
    """Give an opt-out that was asked for again its newest moment.

    So it is not taken back with the typed objection of its first moment, as it would not have been
    before the restore.
    """
    mine = and_(opt_outs.c.pseudonym == bindparam("who"), opt_outs.c.shop_id == bindparam("shop"))
    moved = update(opt_outs).where(mine, opt_outs.c.at < bindparam("newest"))
    for batch in batches(in_force):
        values = [{"who": who, "shop": shop, "newest": newest[who, shop]} for who, shop in batch]
        session.connection().execute(moved.values(at=bindparam("newest")), values)


def _end_opt_outs(session: Session, ended: dict[SubjectAtShop, datetime]) -> None:
    for batch in batches(sorted(ended)):
        pseudonyms = [pseudonym for pseudonym, _ in batch]
        rows = session.execute(
            select(opt_outs.c.pseudonym, opt_outs.c.shop_id, opt_outs.c.at).where(
                opt_outs.c.pseudonym.in_(pseudonyms)
            )
        ).all()
        gone = [
            x.pseudonym for x in rows if (at := ended.get((x.pseudonym, x.shop_id))) and x.at <= at
        ]
        # A pseudonym belongs to one shop or to the registry: its key says which.
        session.execute(delete(opt_outs).where(opt_outs.c.pseudonym.in_(gone)))


def _orders_by_shop(
    session: Session, until: dict[SubjectAtShop, datetime]
) -> dict[int, set[SubjectAtShop]]:
    """Find orders by the shops' pseudonyms, as far as each opt-out reaches."""
    subjects_of: dict[int, set[SubjectAtShop]] = {}
    for batch in batches(
        sorted(pseudonym for pseudonym, shop_id in until if shop_id != EVERY_SHOP)
    ):
        rows = session.execute(
            select(
                orders.c.id, orders.c.shop_id, orders.c.buyer_pseudonym, orders.c.received_at
            ).where(orders.c.buyer_pseudonym.in_(batch))
        )
        for row in rows:
            subject = (bytes(row.buyer_pseudonym), row.shop_id)
            if subject in until and row.received_at <= until[subject]:
                subjects_of[row.id] = {subject}
    return subjects_of


def _orders_by_registry(
    session: Session, until: dict[SubjectAtShop, datetime]
) -> dict[int, set[SubjectAtShop]]:
    """Find orders of people known by registry pseudonyms: each address is hashed again."""
    subjects_of: dict[int, set[SubjectAtShop]] = {}
    if not any(shop_id == EVERY_SHOP for _, shop_id in until):
        return subjects_of
    known = session.execute(
        select(orders.c.id, orders.c.received_at).where(orders.c.email.is_not(None))
    ).all()
    received = {row.id: row.received_at for row in known}
    for batch in batches(sorted(received)):
        for order_id, one in buyer.read(session, batch).items():
            try:
                pseudonyms = registry_pseudonyms(one.email)
            except NotAnAddress:
                continue
            subjects = {(pseudonym, EVERY_SHOP) for pseudonym in pseudonyms}
            reach = {x for x in subjects & until.keys() if received[order_id] <= until[x]}
            if reach:
                subjects_of[order_id] = reach
    return subjects_of
