"""Objections by the page that takes any address: how many come, from where, and undo a burst.

One click holds at one shop and proves nothing, so many of them are an attack or an error. They go
on to hold at once; what cannot be taken back (contact and invitation) waits until somebody looked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, and_, delete, func, not_, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.errors import TooMany
from trustsvc.orders.personal_data import find_orders
from trustsvc.orders.received import RequestWait
from trustsvc.orders.request_models import privacy_requests
from trustsvc.privacy import request_log
from trustsvc.privacy.rights.burst_policy import (
    DAY,
    HOUR,
    MOST_COUNTED,
    Recent,
    Treatment,
    treatment,
)
from trustsvc.registry import opt_out
from trustsvc.registry.models import form_objections
from trustsvc.reviews.personal_data import find_reviews
from trustsvc.storage.batches import batches
from trustsvc.work_queue import job_queue

HOLD = timedelta(hours=24)  # shorter than the three days after which a request is left to staff
MAX_NETWORKS = 20  # that are shown
JOB = "answer_privacy_requests"


@dataclass(frozen=True, slots=True)
class Burst:
    """Objections of a day: how many, of the busiest networks, and how many wait for a look."""

    number: int
    held: int
    last_hour: int
    first_at: datetime | None
    networks: Sequence[tuple[str, int]]
    is_alarming: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing a burst did: objections, opt-outs that ended, and these by shop."""

    objections: int
    ended: Sequence[tuple[int, bytes]]


def record(session: Session, address: str, shop_id: int, network: str, now: datetime) -> Treatment:
    """Record an objection by the page, and say how it is treated.

    Decided by numbers alone, whoever the address is of. Raises TooMany for a network over its
    limit.
    """
    hashed = pseudonyms.network_pseudonym(network)
    hour, day = (_recent(session, hashed, shop_id, now - period) for period in (HOUR, DAY))
    decided = treatment(hour, day)
    if decided.is_refused:
        raise TooMany
    session.execute(
        form_objections.insert().values(
            pseudonym=pseudonyms.shop_pseudonym(shop_id, address),
            shop_id=shop_id,
            network=hashed,
            shown_network=network,
            at=now,
            is_buyer=_is_known(session, address, shop_id),
        )
    )
    return decided


def _is_known(session: Session, address: str, shop_id: int) -> bool:
    """Say whether the person ordered or wrote at the shop; asks the same of any address."""
    whose = pseudonyms.shop_pseudonyms(shop_id, address)
    placed = find_orders(session, [shop_id], whose)
    return bool(placed | find_reviews(session, [shop_id], whose, placed))


def is_of_buyer(session: Session, whose: Collection[bytes], at: datetime) -> bool:
    """Say whether the objection of this moment is of somebody whom the shop knew, then or since."""
    table = form_objections.c
    mine = select(table.id).where(table.pseudonym.in_(whose), table.at == at, table.is_buyer)
    return session.scalar(mine.limit(1)) is not None


def forget(session: Session, whose: Collection[bytes]) -> bool:
    """Forget from where these people's objections came; gives whether any did.

    After they confirmed by a link, no undoing may take their objection back.
    """
    gone = delete(form_objections).where(form_objections.c.pseudonym.in_(whose))
    return bool(session.execute(gone.returning(form_objections.c.id)).first())


def current(session: Session, now: datetime) -> Burst:
    """Give the objections of the past day, and whether those that no one looked at are an alarm."""
    table = form_objections.c
    hour, day = (_peak(session, now - period) for period in (HOUR, DAY))
    number, first_at = session.execute(
        select(func.count(), func.min(table.at)).where(table.at > now - DAY)
    ).one()
    held = session.scalar(select(func.count()).where(_is_held(now))) or 0
    return Burst(
        number=number,
        held=held,
        last_hour=session.scalar(select(func.count()).where(table.at > now - HOUR)) or 0,
        first_at=first_at,
        networks=_busiest(session, now),
        is_alarming=bool(held) or treatment(hour, day).is_alarm,
    )


def _most(session: Session, by: Column[Any], since: datetime) -> int:
    """Give the largest number of objections that have the same value."""
    table, number = form_objections.c, func.count().label("number")
    groups = select(number).where(table.at > since, ~table.is_kept).group_by(by)
    return session.scalar(groups.order_by(number.desc()).limit(1)) or 0


def _busiest(session: Session, now: datetime) -> list[tuple[str, int]]:
    table, number = form_objections.c, func.count().label("number")
    counted = session.execute(
        select(func.max(table.id).label("id"), number)
        .where(table.at > now - DAY)
        .group_by(table.network)
        .order_by(number.desc())
        .limit(MAX_NETWORKS)
    ).all()
    ids = [row.id for row in counted]
    shown = session.execute(select(table.id, table.shown_network).where(table.id.in_(ids))).all()
    name_of = {row.id: row.shown_network for row in shown}
    return [(name_of[row.id], row.number) for row in counted]


def undo(
    session: Session, since: datetime, until: datetime, network: str, now: datetime, by: str
) -> Undone:
    """End the opt-outs of a burst, by its time and (unless empty) its network; twice is once.

    An objection that its owner confirmed by a link stays, and the opt-out of a buyer who objected
    from another network or at another time, too. The others are asked to confirm: each one
    that waits is answered again, by a message with a link. Each opt-out that ends is a line of the
    request log. Invitations that were withdrawn before the alarm stay withdrawn.
    """
    table = form_objections.c
    # First, as the job that answers them does: two that lock in one order wait in no circle.
    _release_requests(session, since, until, network, now)
    burst = select(form_objections).where(*_of_burst(since, until, network)).order_by(table.id)
    rows = session.execute(burst).all()
    ended: list[tuple[int, bytes]] = []
    for row in rows:
        opt_out.lock(session, row.pseudonym, row.shop_id)
        if other := _other_objection(session, row, since, until, network):
            opt_out.move_opt_out(session, row.shop_id, row.pseudonym, row.at, other)
        elif opt_out.remove_opt_outs(session, {row.shop_id: [row.pseudonym]}, now, of=row.at):
            request_log.record_answered(session, request_log.Right.AGAIN, row.shop_id, by, now)
            ended.append((row.shop_id, row.pseudonym))
    for ids in batches([row.id for row in rows]):
        session.execute(delete(form_objections).where(table.id.in_(ids)))
    return Undone(len(rows), ended)


def _other_objection(
    session: Session, row: Row[Any], since: datetime, until: datetime, network: str
) -> datetime | None:
    table = form_objections.c
    same_person = and_(table.pseudonym == row.pseudonym, table.shop_id == row.shop_id)
    not_of_burst = not_(and_(*_of_burst(since, until, network)))
    moment: datetime | None = session.scalar(
        select(func.max(table.at)).where(same_person, not_of_burst, table.is_buyer)
    )
    return moment


def release(session: Session, since: datetime, until: datetime, network: str, now: datetime) -> int:
    """Let the objections of a burst that wait be answered now; gives how many.

    They count no more towards an alarm, or to have the next ones held.
    """
    number = _release_requests(session, since, until, network, now)
    kept = update(form_objections).where(*_of_burst(since, until, network))
    session.execute(kept.values(is_kept=True))
    return number


def _release_requests(
    session: Session, since: datetime, until: datetime, network: str, now: datetime
) -> int:
    held = privacy_requests.c
    which = [held.waits_for == RequestWait.LOOK]
    which += [held.requested_at >= since, held.requested_at <= until]
    if network:
        which.append(held.network == pseudonyms.network_pseudonym(network))
    due = update(privacy_requests).where(*which).values(due_at=now, waits_for=None)
    number = len(session.execute(due.returning(held.id)).all())
    job_queue.enqueue(session, JOB)
    return number


def _is_held(now: datetime) -> ColumnElement[bool]:
    table = privacy_requests.c
    return and_(table.waits_for == RequestWait.LOOK, table.due_at > now)


def _of_burst(since: datetime, until: datetime, network: str) -> list[ColumnElement[bool]]:
    table = form_objections.c
    which = [table.at >= since, table.at <= until]
    return [*which, table.network == pseudonyms.network_pseudonym(network)] if network else which


def _recent(session: Session, network: bytes, shop_id: int, since: datetime) -> Recent:
    table = form_objections.c
    return Recent(
        network=_number(session, since, table.network == network),
        shop=_number(session, since, table.shop_id == shop_id),
        in_all=_number(session, since),
    )


def _peak(session: Session, since: datetime) -> Recent:
    """Give the numbers of the busiest network and of the busiest shop."""
    return Recent(
        network=_most(session, form_objections.c.network, since),
        shop=_most(session, form_objections.c.shop_id, since),
        in_all=_number(session, since),
    )


def _number(session: Session, since: datetime, *where: ColumnElement[bool]) -> int:
    """Count objections that nobody looked at, no further than any decision needs."""
    table = form_objections.c
    rows = select(table.id).where(table.at > since, ~table.is_kept, *where).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0
