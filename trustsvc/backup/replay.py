"""Tell a restored database what people wished after its backup was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import db, fingerprints, keys, suppressions
from trustsvc.backup import rights
from trustsvc.backup.manifest import Manifest
from trustsvc.invitations import redeem
from trustsvc.orders import buyer, cancel
from trustsvc.orders.models import orders
from trustsvc.registry.models import opt_outs, registered
from trustsvc.registry.opt_out import EVERY_SHOP
from trustsvc.reviews import withdraw
from trustsvc.reviews.models import reviews
from trustsvc.suppressions import Line

MOST_AT_ONCE = 500
# What a database knew of cancelled orders when it was copied need not be told again; a clock that
# was set in between is allowed for.
MARGIN = timedelta(days=2)

_Any = TypeVar("_Any")


def doubts(manifest: Manifest, book: suppressions.Book | None) -> str | None:
    """Say why the file of wishes may not know of everybody, as a code; None when it does.

    The file must be the one of that house, have the lines it had when the backup was made, all that
    came since must be readable, and the keys its marks were made with must be here.
    """
    if book is None:
        return "no_suppressions"
    if book.id != manifest.suppressions_id:
        return "other_suppressions"
    if len(book.lines) < manifest.suppressions_lines:
        return "older_suppressions"
    if book.damaged > manifest.suppressions_damaged:
        return "damaged_suppressions"
    if not all(_has_key(line) for line in book.lines):
        return "unknown_keys"
    return None


def _has_key(line: Line) -> bool:
    """Whether the key a mark was made with is here: without it nobody is recognised by it."""
    if line.kind in {"withdraw", "anonymise"} or len(line.mark) < 2:
        return True
    number = line.mark[1]  # see fingerprints.py
    kind = "lookup" if line.shop_id else "registry"
    return any(key.version == number for key in keys.living(kind))


def replay(session: Session, book: suppressions.Book, manifest: Manifest, now: datetime) -> int:
    """Carry out every wish of the file in a restored database; gives how many lines there were.

    All lines, not only the newer ones: what is there already stays as it is, so twice does no harm.
    What is open for the people concerned is withdrawn and their contact forgotten. Who registered
    again after having left stays registered.
    """
    of: dict[str, list[Line]] = {kind: [] for kind in suppressions.KINDS}
    for line in book.lines:
        of[line.kind].append(line)
    frozen = [line for line in book.lines if line.kind in {"restrict", "lift"}]
    for some in _some(of["anonymise"]):
        rights.anonymise(session, some, now)
    _opt_out(session, of["opt_out"], now)
    _leave(session, of["leave"])
    _take_back(session, of["withdraw"], now)
    rights.restrict(session, frozen, now)
    since = datetime.fromisoformat(manifest.at) - MARGIN
    _cancel(session, [line for line in of["cancel"] if line.at >= since], now)
    return len(book.lines)


def _opt_out(session: Session, lines: Sequence[Line], now: datetime) -> None:
    for some in _some(lines):
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
            _withdraw(session, theirs, "opted_out", now)
    everywhere = {line.mark for line in lines if line.shop_id == EVERY_SHOP}
    whose = _whose(session, everywhere) if everywhere else {}
    erased = {line.mark for line in lines if line.reason == rights.ERASED}
    _withdraw(session, sorted(whose), "opted_out", now)
    placed = [order_id for order_id, marks in whose.items() if not erased.isdisjoint(marks)]
    rights.erase(session, lines, placed)


def _whose(session: Session, marks: set[bytes]) -> dict[int, set[bytes]]:
    """Find the orders of people known by the registry's marks only: each address is marked anew."""
    ids = session.scalars(
        select(orders.c.id).where(orders.c.email.is_not(None)).order_by(orders.c.id)
    ).all()
    found: dict[int, set[bytes]] = {}
    for some in _some(ids):
        for order_id, one in buyer.read(session, some).items():
            try:
                theirs = fingerprints.registry_marks(one.email)
            except fingerprints.NotAnAddress:
                continue
            if known := marks.intersection(theirs):
                found[order_id] = known
    return found


def _leave(session: Session, lines: Sequence[Line]) -> None:
    left: dict[bytes, datetime] = {}
    for line in lines:
        left[line.mark] = max(line.at, left.get(line.mark, line.at))
    for some in _some(sorted(left)):
        rows = session.execute(
            select(registered.c.mark, registered.c.at).where(registered.c.mark.in_(some))
        )
        gone = [row.mark for row in rows if row.at <= left[bytes(row.mark)]]
        session.execute(delete(registered).where(registered.c.mark.in_(gone)))


def _take_back(session: Session, lines: Sequence[Line], now: datetime) -> None:
    for some in _some(lines):
        public = [line.mark.decode("ascii", "replace") for line in some]
        ids = session.scalars(select(reviews.c.id).where(reviews.c.public_id.in_(public))).all()
        withdraw.empty(session, ids, now)


def _cancel(session: Session, lines: Sequence[Line], now: datetime) -> None:
    for some in _some(lines):
        _withdraw(session, cancel.again(session, some, now), "cancelled", now)


def _withdraw(session: Session, ids: Sequence[int], reason: str, now: datetime) -> None:
    for some in _some(ids):
        redeem.withdraw(session, some, reason, now)


def _some(everything: Sequence[_Any]) -> Iterator[Sequence[_Any]]:
    for start in range(0, len(everything), MOST_AT_ONCE):
        yield everything[start : start + MOST_AT_ONCE]
