"""The suppression list: opt out of invitations, and opt in again."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.registry.models import form_objections, opt_outs
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import JournalEntry


def opt_out(
    session: Session,
    who: str | bytes,
    shop_id: int,
    reason: str,
    now: datetime,
    *,
    journal_again: bool = False,
) -> bool:
    """Never invite this person again, for one shop or (EVERY_SHOP) for all.

    `who` is an address, or a pseudonym made before the address was erased: the shop's for one shop,
    the registry's for all. Gives whether it is new; called twice, the first moment and reason stay,
    unless the first was by a typed address (opt_out_typed): that one is taken over.
    Effective for the next message, because leases are taken in a transaction that reads this table.
    Also appended to the suppression journal, before the commit, for restored backups; a superfluous
    entry only prevents a message. `journal_again` appends a known opt-out too: for an erasure after
    an opt-out. Raises NotAnAddress, and Unavailable when the journal cannot be written.
    """
    pseudonym = who if isinstance(who, bytes) else _pseudonym(who, shop_id)
    is_new = _insert(session, pseudonym, shop_id, reason, now)
    is_taken_over = not is_new and _take_over(session, pseudonym, shop_id, reason, now)
    if not (is_new or is_taken_over):  # it may have been undone meanwhile
        is_new = _insert(session, pseudonym, shop_id, reason, now)
    if is_new or is_taken_over or journal_again:
        _journal(session, pseudonym, shop_id, reason, now)
    return is_new


def opt_out_typed(session: Session, address: str, shop_id: int, reason: str, now: datetime) -> None:
    """Opt out an address that anybody could have typed; it may be taken back by its moment.

    Same work whether it is known or not, so that no timing tells. Called twice, the first moment
    and reason stay. Raises NotAnAddress, and Unavailable when the journal cannot be written.
    """
    pseudonym = _pseudonym(address, shop_id)
    _insert(session, pseudonym, shop_id, reason, now)
    lock(session, pseudonym, shop_id)
    _insert(session, pseudonym, shop_id, reason, now)  # it may have been undone meanwhile
    _journal(session, pseudonym, shop_id, reason, now)


def _insert(session: Session, pseudonym: bytes, shop_id: int, reason: str, now: datetime) -> bool:
    statement = db.insert(opt_outs).values(
        pseudonym=pseudonym, shop_id=shop_id, at=now, reason=reason
    )
    is_new = statement.on_conflict_do_nothing().returning(opt_outs.c.pseudonym)
    return session.execute(is_new).first() is not None


def _journal(session: Session, pseudonym: bytes, shop_id: int, reason: str, now: datetime) -> None:
    suppression_journal.append(session, [JournalEntry("opt_out", pseudonym, shop_id, now, reason)])


def lock(session: Session, pseudonym: bytes, shop_id: int) -> None:
    """Keep an opt-out from being undone, and an objection from missing it, until the commit."""
    mine = and_(opt_outs.c.pseudonym == pseudonym, opt_outs.c.shop_id == shop_id)
    session.execute(select(opt_outs.c.at).where(mine).with_for_update()).all()


def _take_over(
    session: Session, pseudonym: bytes, shop_id: int, reason: str, now: datetime
) -> bool:
    typed = exists().where(
        form_objections.c.pseudonym == opt_outs.c.pseudonym,
        form_objections.c.shop_id == opt_outs.c.shop_id,
        form_objections.c.at == opt_outs.c.at,
    )
    mine = and_(opt_outs.c.pseudonym == pseudonym, opt_outs.c.shop_id == shop_id, typed)
    done = session.execute(update(opt_outs).where(mine).values(at=now, reason=reason))
    return db.row_count(done) > 0


def move_opt_out(
    session: Session, shop_id: int, pseudonym: bytes, of: datetime, to: datetime
) -> None:
    """Give the opt-out of one moment to another objection of the same person; none is nothing."""
    mine = and_(opt_outs.c.pseudonym == pseudonym, opt_outs.c.shop_id == shop_id)
    session.execute(update(opt_outs).where(mine, opt_outs.c.at == of).values(at=to))


def mark_buyers(session: Session, pseudonyms: Collection[bytes]) -> None:
    """Mark the objections of these people, who ordered at the shop: they hold without a link.

    For an order that is refused because of the objection: its buyer is erased, and whoever answers
    the objection later would take it for a stranger's and take it back. Safe to repeat.
    """
    mine = and_(form_objections.c.pseudonym.in_(pseudonyms), ~form_objections.c.is_buyer)
    session.execute(update(form_objections).where(mine).values(is_buyer=True))


def remove_opt_outs(
    session: Session,
    by_shop: Mapping[int, Collection[bytes]],
    now: datetime,
    *,
    of: datetime | None = None,
) -> set[int]:
    """Remove the opt-outs of these pseudonyms, by shop; EVERY_SHOP: the one for all shops only.

    Gives the shops at which there was one, whatever its reason: the person's decision also ends an
    opt-out caused by a mail server. Called twice, it changes nothing. Effective for the next order;
    withdrawn invitations stay withdrawn. Appended to the suppression journal for restored backups.
    `of`: only an opt-out of this very moment, not one that the person made before or after.
    """
    conditions = [
        and_(opt_outs.c.shop_id == shop_id, opt_outs.c.pseudonym.in_(theirs))
        for shop_id, theirs in by_shop.items()
    ]
    if not conditions:
        return set()
    which = [or_(*conditions)] if of is None else [or_(*conditions), opt_outs.c.at == of]
    removed = session.execute(
        delete(opt_outs).where(*which).returning(opt_outs.c.pseudonym, opt_outs.c.shop_id)
    ).all()
    entries = [
        JournalEntry("opt_in_again", row.pseudonym, row.shop_id, now, "taken back")
        for row in removed
    ]
    suppression_journal.append_after_commit(session, entries)
    return {row.shop_id for row in removed}


def _pseudonym(address: str, shop_id: int) -> bytes:
    if shop_id == EVERY_SHOP:
        return pseudonyms.registry_pseudonym(address)
    return pseudonyms.shop_pseudonym(shop_id, address)
