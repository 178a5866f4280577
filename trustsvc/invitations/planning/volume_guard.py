"""Volume guard: pause a shop that suddenly invites many times its usual number of buyers."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Select, bindparam, func, select, type_coerce, update
from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.invitations.models import invitations, volume_guards
from trustsvc.mail.outbox import rate_policy
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BASELINE_PERIOD = 14 * DAY
HOUR_MS = 3_600_000

logger = log.get_logger("invitations")
_table = volume_guards.c


@dataclass(frozen=True, slots=True)
class PausedShop:
    """A paused shop: `counted` invitations in one hour, `usual` is its average."""

    shop_id: int
    slug: str
    name: str
    zone: str
    counted: int
    usual: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Guard:
    shop_id: int
    usual: int
    usual_at: datetime
    counted: int
    paused_at: datetime | None
    raised_until: datetime | None


def pause_sudden_volume(session: Session, shop_ids: Collection[int], now: datetime) -> None:
    """Pause those of these shops that planned too many invitations within an hour.

    Their messages wait, none is lost; a shop stays paused until `resume`.
    """
    minimum = config.current().hourly_most
    if not minimum or not shop_ids:
        return
    counted = _counted(session, shop_ids, now, minimum)
    if not counted:
        return
    guards = _guards(session, counted, now)
    sudden = {
        shop_id: number
        for shop_id, number in counted.items()
        if _is_sudden(guards[shop_id], number, minimum, now)
    }
    if sudden:
        session.connection().execute(
            update(volume_guards)
            .where(_table.shop_id == bindparam("guard_id"))
            .values(paused_at=now, counted=bindparam("number"), raised_until=None),
            [{"guard_id": shop_id, "number": number} for shop_id, number in sudden.items()],
        )
    for shop_id, number in sudden.items():
        logger.warning(
            "planning.shop_paused", shop=shop_id, invitations=number, usual=guards[shop_id].usual
        )


def _is_sudden(row: _Guard, number: int, minimum: int, now: datetime) -> bool:
    is_raised = row.raised_until is not None and now < row.raised_until <= now + DAY
    most = rate_policy.max_per_hour(minimum, row.usual, row.counted if is_raised else 0)
    return row.paused_at is None and number > most


def paused_shop_ids() -> Select[tuple[int]]:
    """Subquery of the paused shops."""
    return select(_table.shop_id).where(_table.paused_at.is_not(None))


def paused_shops(session: Session) -> list[PausedShop]:
    """List the paused shops, longest pause first."""
    rows = session.execute(
        select(
            shops.c.id,
            shops.c.slug,
            shops.c.name,
            shops.c.zone,
            _table.counted,
            _table.usual,
            _table.paused_at,
        )
        .join_from(volume_guards, shops, shops.c.id == _table.shop_id)
        .where(_table.paused_at.is_not(None))
        .order_by(_table.paused_at)
    )
    return [PausedShop(*row) for row in rows]


def resume(session: Session, slug: str, now: datetime) -> bool:
    """Resume a shop whose orders staff found genuine. False when it was not paused.

    For a day, five times the volume it was paused for counts as usual too, so that the same wave
    does not pause it again. All other checks before sending still apply.
    """
    done = session.execute(
        update(volume_guards)
        .where(
            _table.paused_at.is_not(None),
            _table.shop_id.in_(select(shops.c.id).where(shops.c.slug == slug)),
        )
        .values(paused_at=None, raised_until=now + DAY)
    )
    if db.row_count(done):
        job_queue.enqueue(session, "send_messages")
        return True
    return False


def _counted(
    session: Session, shop_ids: Collection[int], now: datetime, minimum: int
) -> dict[int, int]:
    """Count the last hour's invitations of the shops above the minimum limit."""
    number = func.count()
    rows = session.execute(
        select(invitations.c.shop_id, number.label("number"))
        .where(
            invitations.c.shop_id.in_(shop_ids),
            invitations.c.created_at > now - HOUR,
            invitations.c.created_at <= now,
        )
        .group_by(invitations.c.shop_id)
        .having(number > minimum)
    )
    return {row.shop_id: row.number for row in rows}


def _guards(session: Session, shop_ids: Collection[int], now: datetime) -> dict[int, _Guard]:
    """Read the guards of shops; the usual volume is recomputed when it is an hour old."""
    query = select(*(_table[field.name] for field in fields(_Guard))).where(
        _table.shop_id.in_(shop_ids)
    )
    guards = {row.shop_id: _Guard(*row) for row in session.execute(query)}
    outdated = [
        shop_id
        for shop_id in shop_ids
        if shop_id not in guards or guards[shop_id].usual_at <= now - HOUR
    ]
    if not outdated:
        return guards
    hours = func.count(func.distinct(type_coerce(invitations.c.created_at, BigInteger) // HOUR_MS))
    usual = session.execute(
        select(invitations.c.shop_id, func.count().label("number"), hours.label("hours"))
        .where(
            invitations.c.shop_id.in_(outdated),
            invitations.c.created_at > now - BASELINE_PERIOD,
            invitations.c.created_at <= now - HOUR,
        )
        .group_by(invitations.c.shop_id)
    )
    usual_of = {row.shop_id: row.number // row.hours for row in usual}
    statement = db.insert(volume_guards)
    fresh = {name: statement.excluded[name] for name in ("usual", "usual_at")}
    session.execute(
        statement.on_conflict_do_update(index_elements=["shop_id"], set_=fresh),
        [
            {"shop_id": shop_id, "usual": usual_of.get(shop_id, 0), "usual_at": now, "counted": 0}
            for shop_id in outdated
        ],
    )
    return {row.shop_id: _Guard(*row) for row in session.execute(query)}
