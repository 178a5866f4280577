"""Write down that somebody does not want to be asked, or take it back."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import and_, delete, or_
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP


def opt_out(
    session: Session,
    who: str | bytes,
    shop_id: int,
    reason: str,
    now: datetime,
    *,
    journal_again: bool = False,
) -> bool:
    """Never ask this person again, for one shop or (EVERY_SHOP) for all.

    `who` is an address, or a mark made before the address was forgotten: the shop's own mark for
    one shop, the registry's for all. Gives whether it is new: twice changes nothing, the first
    moment and reason stay. Works on the next letter, because letters are leased in a transaction
    that reads this table. Written into the file of suppressions too, before the commit, so that a
    restored backup knows of it; a line too many only stops a letter. With `journal_again` that is
    done for a known one too: by a door that must take as long for anybody, and by an erasure that
    comes after a stop. Raises NotAnAddress, and Unavailable when that file cannot be written.
    """
    mark = who if isinstance(who, bytes) else _mark(who, shop_id)
    statement = db.insert(opt_outs).values(pseudonym=mark, shop_id=shop_id, at=now, reason=reason)
    is_new = statement.on_conflict_do_nothing().returning(opt_outs.c.pseudonym)
    done = session.execute(is_new).first() is not None
    if done or journal_again:
        suppression_journal.append(
            [suppression_journal.JournalEntry("opt_out", mark, shop_id, now, reason)]
        )
    return done


def remove_opt_outs(
    session: Session, places: Mapping[int, Collection[bytes]], now: datetime
) -> set[int]:
    """Let these marks be asked again, each at its shop, or (EVERY_SHOP) at all but those with one.

    Gives at which there was an opt-out, whatever it came from: the person's word ends what a mail
    server said, too. Twice changes nothing. Works on the next order; what was withdrawn stays so.
    A restored backup knows of it from the file of suppressions, as it knows of the opt-out.
    """
    at = [
        and_(opt_outs.c.shop_id == shop_id, opt_outs.c.pseudonym.in_(marks))
        for shop_id, marks in places.items()
    ]
    if not at:
        return set()
    mine = delete(opt_outs).where(or_(*at)).returning(opt_outs.c.pseudonym, opt_outs.c.shop_id)
    gone = session.execute(mine).all()
    lines = [
        suppression_journal.JournalEntry(
            "opt_in_again", row.pseudonym, row.shop_id, now, "taken back"
        )
        for row in gone
    ]
    suppression_journal.append_after_commit(session, lines)
    return {row.shop_id for row in gone}


def _mark(address: str, shop_id: int) -> bytes:
    if shop_id == EVERY_SHOP:
        return pseudonyms.registry_pseudonym(address)
    return pseudonyms.shop_pseudonym(shop_id, address)
