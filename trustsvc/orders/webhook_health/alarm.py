"""Raise an alarm, once, when a shop falls silent or its platform sends errors instead of orders."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.address import NotAnAddress
from trustsvc.orders.webhook_health.answers import UNREAD
from trustsvc.orders.webhook_health.models import (
    PLATFORM_ERROR,
    SILENT,
    Alarm,
    webhook_counts,
    webhook_health,
)
from trustsvc.orders.webhook_health.rhythm import DAY, ActiveDay, is_silent
from trustsvc.shops.models import shops
from trustsvc.storage import db, event_log
from trustsvc.transactional_mail import enqueue

MAX_MAILS_A_DAY = 20
MAX_NAMED = 20

logger = log.get_logger("webhook_health")


@dataclass(frozen=True, slots=True)
class WatchedShop:
    """What the verdict needs to know of a shop; `alarm` is the one it has."""

    id: int
    name: str
    language: str
    closed_at: datetime | None
    read_at: datetime | None
    error_at: datetime | None
    alarm: Alarm | None
    read_before_alarm_at: datetime | None

    def is_closed(self, now: datetime) -> bool:
        return self.closed_at is not None and self.closed_at <= now

    def has_errors(self, now: datetime) -> bool:
        """Whether errors are what came last, or one of its webhooks sent one within a day."""
        if self.error_at is None or self.error_at > now:
            return False
        return self.read_at is None or self.error_at > self.read_at or now - self.error_at < DAY

    def is_still_silent(self) -> bool:
        is_back = (
            self.read_at and self.read_before_alarm_at and self.read_at > self.read_before_alarm_at
        )
        return self.alarm == SILENT and not is_back

    def may_be_silent(self, now: datetime) -> bool:
        return self.read_at is not None and now - self.read_at >= DAY


def watch(session: Session, now: datetime, *, may_raise: bool = True) -> None:
    """Raise what is new and end what is over; called twice, it changes nothing more.

    Each alarm is one event, and the operator gets one e-mail for all shops that have it newly.
    `may_raise` is False while the clock is distrusted: then it only ends alarms.
    """
    watched = _watched(session, now)
    verdicts = {shop.id: _verdict(shop, now) for shop in watched}
    unsure = [shop.id for shop in watched if verdicts[shop.id] == "measure"]
    rhythms = _active_days(session, unsure, now) if may_raise else {}
    raised: dict[Alarm, list[WatchedShop]] = defaultdict(list)
    for shop in watched:
        found = verdicts[shop.id]
        if found == "measure":
            found = SILENT if is_silent(rhythms.get(shop.id, ()), now) else None
        if found is None and shop.alarm:
            _end(session, shop, now)
        elif found and found != shop.alarm and may_raise and _raise(session, shop, found, now):
            raised[found].append(shop)
    for alarm, some in raised.items():
        _mail_operator(session, alarm, some, now)


def _verdict(shop: WatchedShop, now: datetime) -> Alarm | Literal["measure"] | None:
    if shop.is_closed(now):
        return None
    if shop.has_errors(now):
        return PLATFORM_ERROR
    if shop.is_still_silent():
        return SILENT
    return "measure" if shop.may_be_silent(now) else None


def _watched(session: Session, now: datetime) -> list[WatchedShop]:
    health = webhook_health.c
    rows = session.execute(
        select(
            shops.c.id,
            shops.c.name,
            shops.c.language,
            shops.c.closed_at,
            health.read_at,
            health.error_at,
            health.alarm,
            health.read_before_alarm_at,
        )
        .join_from(webhook_health, shops, shops.c.id == health.shop_id)
        .where(
            or_(
                health.alarm.is_not(None), health.error_at.is_not(None), health.read_at <= now - DAY
            )
        )
        .order_by(shops.c.slug)
    )
    return [WatchedShop(*row) for row in rows]


def _active_days(
    session: Session, shop_ids: Collection[int], now: datetime
) -> Mapping[int, Sequence[ActiveDay]]:
    """Read the days on which webhook deliveries of these shops could be read, in order."""
    table = webhook_counts.c
    rows = session.execute(
        select(
            table.shop_id,
            table.day,
            func.sum(table.count),
            func.min(table.first_at),
            func.max(table.last_at),
        )
        .where(table.shop_id.in_(shop_ids), table.answer.not_in(UNREAD), table.day <= now)
        .group_by(table.shop_id, table.day)
        .order_by(table.shop_id, table.day)
    )
    found: dict[int, list[ActiveDay]] = defaultdict(list)
    for shop_id, day, number, first_at, last_at in rows:
        found[shop_id].append(ActiveDay(day, int(number), first_at, last_at))
    return found


def _raise(session: Session, shop: WatchedShop, alarm: Alarm, now: datetime) -> bool:
    """Record the alarm; False when another process was first."""
    table = webhook_health.c
    raised = session.execute(
        update(webhook_health)
        .where(table.shop_id == shop.id, or_(table.alarm.is_(None), table.alarm != alarm))
        .values(alarm=alarm, read_before_alarm_at=shop.read_at)
    )
    if not db.row_count(raised):
        return False
    event_log.record(session, f"shop.{alarm}", shop.id, shop.id, now)
    logger.warning("webhook_health.alarm", shop=shop.id, why=alarm)
    return True


def _end(session: Session, shop: WatchedShop, now: datetime) -> None:
    table = webhook_health.c
    ended = session.execute(
        update(webhook_health)
        .where(table.shop_id == shop.id, table.alarm.is_not(None))
        .values(alarm=None, read_before_alarm_at=None)
    )
    if db.row_count(ended):
        event_log.record(session, "shop.alarm_ended", shop.id, shop.id, now)
        logger.info("webhook_health.alarm_ended", shop=shop.id)


def _mail_operator(
    session: Session, alarm: Alarm, some: Sequence[WatchedShop], now: datetime
) -> None:
    settings = config.current()
    first, more = some[0].name, len(some) - 1
    named = ", ".join(shop.name for shop in some[:MAX_NAMED])
    facts = {
        "first": f"{first} +{more}" if more else first,
        "shops": f"{named} +{len(some) - MAX_NAMED}" if len(some) > MAX_NAMED else named,
        "link": f"{settings.base_url}/desk/shops",
    }
    note = enqueue.TransactionalMessage(
        f"shop_{alarm}", some[0].language, settings.alarm_to, facts=facts
    )
    try:
        mailed = enqueue.write(session, note, now, most=MAX_MAILS_A_DAY)
    except NotAnAddress:  # nobody is reached at a loopback host; the alarm is raised all the same
        mailed = False
    if not mailed:
        logger.warning("webhook_health.not_mailed", why=alarm, shops=len(some))
