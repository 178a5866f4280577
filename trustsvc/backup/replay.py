"""Tell a restored database who said stop after its backup was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import db, suppressions
from trustsvc.backup.manifest import Manifest
from trustsvc.invitations import redeem
from trustsvc.orders.models import orders
from trustsvc.registry.models import opt_outs, registered

MOST_AT_ONCE = 500


def doubts(manifest: Manifest, book: suppressions.Book | None) -> str | None:
    """Say why the file of suppressions may not know of everybody, as a code; None when it does.

    The file must be the one of that house, have the lines it had when the backup was made, and all
    of them readable.
    """
    if book is None:
        return "no_suppressions"
    if book.id != manifest.suppressions_id:
        return "other_suppressions"
    if len(book.lines) < manifest.suppressions_lines:
        return "older_suppressions"
    if book.damaged:
        return "damaged_suppressions"
    return None


def replay(session: Session, book: suppressions.Book, now: datetime) -> int:
    """Write down every opt-out and take back every registration of the file; gives how many.

    All lines, not only the newer ones: what is there already stays as it is, so twice does no harm.
    What is open for the people concerned is withdrawn and their contact forgotten. Who registered
    again after having left stays registered.
    """
    for some in _some([line for line in book.lines if line.kind == "opt_out"]):
        session.execute(
            db.insert(opt_outs).on_conflict_do_nothing(),
            [{"mark": x.mark, "shop_id": x.shop_id, "at": x.at, "reason": x.reason} for x in some],
        )
        for shop_id in {line.shop_id for line in some if line.shop_id}:
            theirs = session.scalars(
                select(orders.c.id)
                .where(
                    orders.c.shop_id == shop_id,
                    orders.c.buyer.in_([line.mark for line in some if line.shop_id == shop_id]),
                )
                .order_by(orders.c.id)
            ).all()
            for start in range(0, len(theirs), MOST_AT_ONCE):
                redeem.withdraw(session, theirs[start : start + MOST_AT_ONCE], "opted_out", now)
    for some in _some([line for line in book.lines if line.kind == "leave"]):
        left = {line.mark: line.at for line in some}
        rows = session.execute(
            select(registered.c.mark, registered.c.at).where(registered.c.mark.in_(left))
        )
        gone = [row.mark for row in rows if row.at <= left[row.mark]]
        session.execute(delete(registered).where(registered.c.mark.in_(gone)))
    return len(book.lines)


def _some(lines: Sequence[suppressions.Line]) -> Iterator[Sequence[suppressions.Line]]:
    for start in range(0, len(lines), MOST_AT_ONCE):
        yield lines[start : start + MOST_AT_ONCE]
