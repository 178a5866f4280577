"""Write down that somebody does not want to be asked."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc import db, fingerprints, suppressions
from trustsvc.registry.models import opt_outs

EVERY_SHOP = 0


def opt_out(
    session: Session,
    who: str | bytes,
    shop_id: int,
    reason: str,
    now: datetime,
    *,
    silently: bool = False,
) -> bool:
    """Never ask this person again, for one shop or (EVERY_SHOP) for all.

    `who` is an address, or a mark made before the address was forgotten: the shop's own mark for
    one shop, the registry's for all. Gives whether it is new: twice changes nothing, the first
    moment and reason stay. Works on the next letter, because letters are leased in a transaction
    that reads this table. Written into the file of suppressions too, before the commit, so that a
    restored backup knows of it; a line too many only stops a letter. `silently` waits for the disk
    the second time too: at a door that takes an address no time must tell who has objected before.
    Raises NotAnAddress, and Unavailable when that file cannot be written.
    """
    mark = who if isinstance(who, bytes) else _mark(who, shop_id)
    statement = db.insert(opt_outs).values(mark=mark, shop_id=shop_id, at=now, reason=reason)
    is_new = statement.on_conflict_do_nothing().returning(opt_outs.c.mark)
    made = session.execute(is_new).first() is not None
    if made or silently:
        suppressions.write([suppressions.Line("opt_out", mark, shop_id, now, reason)])
    return made


def _mark(address: str, shop_id: int) -> bytes:
    if shop_id == EVERY_SHOP:
        return fingerprints.registry_mark(address)
    return fingerprints.shop_mark(shop_id, address)
