"""Tell a restored database who must not be asked, and who took that back, after its backup."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.backup import replay_rights
from trustsvc.backup.replay_rights import Subject
from trustsvc.crypto import pseudonyms
from trustsvc.invitations import redeem
from trustsvc.orders import buyer
from trustsvc.orders.models import orders
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import EVERY_SHOP
from trustsvc.storage import db
from trustsvc.storage.suppression_journal import JournalEntry

MOST_AT_ONCE = 500
_Any = TypeVar("_Any")
FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def replay(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    """Opt out whoever said so, and let be asked who took it back, in the order of the lines.

    One that was taken back still ends what came before it was said, as it did then: the buyer's
    contact was forgotten for it. What came after that moment is left alone. As with restrictions,
    it is taken back only by a line that comes after it and is not older.
    """
    stands, over = _in_force(lines)
    for some in _some(stands.values()):
        rows = [
            {"mark": x.mark, "shop_id": x.shop_id, "at": x.at, "reason": x.reason} for x in some
        ]
        session.execute(db.insert(opt_outs).on_conflict_do_nothing(), rows)
    _free(session, over)
    said: dict[Subject, datetime] = dict.fromkeys(stands, FOR_GOOD)
    for line in lines:
        place = (line.mark, line.shop_id)
        if line.kind == "opt_out" and said.get(place) != FOR_GOOD:
            said[place] = max(line.at, said.get(place, line.at))
    theirs = _theirs(session, said)
    for order_id, places in _everywhere(session, said).items():
        theirs.setdefault(order_id, set()).update(places)
    for some_ids in _some(sorted(theirs)):
        redeem.withdraw(session, some_ids, "opted_out", now)
    wishes = [line for line in lines if line.kind == "opt_out"]
    erased = {(line.mark, line.shop_id) for line in wishes if line.reason == replay_rights.ERASED}
    placed = [order_id for order_id, places in theirs.items() if not erased.isdisjoint(places)]
    replay_rights.erase(session, wishes, placed)


def _in_force(
    lines: Sequence[JournalEntry],
) -> tuple[dict[Subject, JournalEntry], dict[Subject, datetime]]:
    """Say which wishes hold, each as it was said first, and when the others were taken back."""
    stands: dict[Subject, JournalEntry] = {}
    newest: dict[Subject, datetime] = {}
    over: dict[Subject, datetime] = {}
    for line in lines:
        place = (line.mark, line.shop_id)
        if line.kind == "opt_out":
            stands.setdefault(place, line)
            newest[place] = max(line.at, newest.get(place, line.at))
            over.pop(place, None)
        elif line.at >= newest.get(place, line.at):
            stands.pop(place, None)
            over[place] = line.at
    return stands, over


def _free(session: Session, over: dict[Subject, datetime]) -> None:
    for some in _some(sorted(over)):
        marks = [mark for mark, _ in some]
        rows = session.execute(
            select(opt_outs.c.mark, opt_outs.c.shop_id, opt_outs.c.at).where(
                opt_outs.c.mark.in_(marks)
            )
        ).all()
        gone = [x.mark for x in rows if (at := over.get((x.mark, x.shop_id))) and x.at <= at]
        # A mark is of one shop, or of the registry: its key says which.
        session.execute(delete(opt_outs).where(opt_outs.c.mark.in_(gone)))


def _theirs(session: Session, said: dict[Subject, datetime]) -> dict[int, set[Subject]]:
    """Find orders by the shops' marks, as far as each wish reaches."""
    found: dict[int, set[Subject]] = {}
    for some in _some(sorted(mark for mark, shop_id in said if shop_id != EVERY_SHOP)):
        rows = session.execute(
            select(orders.c.id, orders.c.shop_id, orders.c.buyer, orders.c.received_at).where(
                orders.c.buyer.in_(some)
            )
        )
        for row in rows:
            place = (bytes(row.buyer), row.shop_id)
            if place in said and row.received_at <= said[place]:
                found[row.id] = {place}
    return found


def _everywhere(session: Session, said: dict[Subject, datetime]) -> dict[int, set[Subject]]:
    """Find orders of people known by the registry's marks only: each address is marked anew."""
    found: dict[int, set[Subject]] = {}
    if not any(shop_id == EVERY_SHOP for _, shop_id in said):
        return found
    known = session.execute(
        select(orders.c.id, orders.c.received_at).where(orders.c.email.is_not(None))
    ).all()
    received = {row.id: row.received_at for row in known}
    for some in _some(sorted(received)):
        for order_id, one in buyer.read(session, some).items():
            try:
                marks = pseudonyms.registry_pseudonyms(one.email)
            except NotAnAddress:
                continue
            places = {(mark, EVERY_SHOP) for mark in marks}
            reach = {x for x in places & said.keys() if received[order_id] <= said[x]}
            if reach:
                found[order_id] = reach
    return found


def _some(everything: Iterable[_Any]) -> Iterator[list[_Any]]:
    every = list(everything)
    for start in range(0, len(every), MOST_AT_ONCE):
        yield every[start : start + MOST_AT_ONCE]
