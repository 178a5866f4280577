"""What is known of each shop's webhook: last webhook delivery, last order, answers, alarm."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.orders.webhook_health import answers
from trustsvc.orders.webhook_health.models import PLATFORM_ERROR, webhook_counts, webhook_health
from trustsvc.orders.webhook_health.rhythm import DAY
from trustsvc.shops import directory

DAYS = 7  # today and the six days before, in UTC

Trouble = Literal["platform_error", "bad_signature", "refused", "silent"]


@dataclass(frozen=True, slots=True)
class ShopHealth:
    """A shop's webhook; a moment is None where nothing was counted yet."""

    shop: directory.Shop
    delivery_at: datetime | None = None
    read_at: datetime | None = None
    order_at: datetime | None = None
    alarm: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()  # of UNREAD, what came after the last that was read

    @property
    def trouble(self) -> Trouble | None:
        """Say why its alarm is raised, as far as what came since tells; it decides the cure."""
        if self.alarm is None:
            return None
        if self.alarm == PLATFORM_ERROR:
            return "platform_error"
        if answers.BAD_SIGNATURE in self.unread:
            return "bad_signature"
        return "refused" if answers.REFUSED in self.unread else "silent"


def of_all_shops(session: Session, now: datetime) -> list[ShopHealth]:
    """Give every shop by its slug, also one that nothing was counted of."""
    table, health = webhook_counts.c, webhook_health.c
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts: dict[int, dict[str, tuple[int, datetime]]] = defaultdict(dict)
    for shop_id, answer, number, last_at in session.execute(
        select(table.shop_id, table.answer, func.sum(table.count), func.max(table.last_at))
        .where(table.day > today - DAYS * DAY, table.day <= today)
        .group_by(table.shop_id, table.answer)
    ):
        counts[shop_id][answer] = (int(number), last_at)
    moments = (health.delivery_at, health.read_at, health.order_at, health.alarm)
    known = {row[0]: row[1:] for row in session.execute(select(health.shop_id, *moments))}
    return [
        _health(shop, known.get(shop.id, (None,) * len(moments)), counts.get(shop.id, {}))
        for shop in directory.all_shops(session)
    ]


def with_alarm(session: Session, now: datetime) -> list[ShopHealth]:
    """Give the shops whose alarm is raised."""
    raised = select(webhook_health.c.shop_id).where(webhook_health.c.alarm.is_not(None)).limit(1)
    if session.execute(raised).first() is None:
        return []
    return [one for one in of_all_shops(session, now) if one.trouble]


def _health(
    shop: directory.Shop,
    known: Sequence[Any],
    counts: Mapping[str, tuple[int, datetime]],
) -> ShopHealth:
    delivery_at, read_at, order_at, alarm = known
    return ShopHealth(
        shop,
        delivery_at,
        read_at,
        order_at,
        alarm,
        {answer: counts[answer][0] for answer in answers.ANSWERS if answer in counts},
        frozenset(
            answer
            for answer, (_, last_at) in counts.items()
            if answer in answers.UNREAD and (read_at is None or last_at > read_at)
        ),
    )
