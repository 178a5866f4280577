"""Webhook deliveries of each answer by shop and day, and what is known of each shop's webhook."""

from typing import Literal

from sqlalchemy import BigInteger, Table, Text

from trustsvc.storage.columns import Moment, column, metadata

COUNTS = "webhook_counts"
_KEEP = "shop"

Alarm = Literal["silent", "platform_error"]
SILENT: Alarm = "silent"
PLATFORM_ERROR: Alarm = "platform_error"

# Without a foreign key: counts are written after their requests, when a shop may be gone.
webhook_counts = Table(
    "webhook_counts",
    metadata,
    column("shop_id", BigInteger, purpose="whose webhook", retention=COUNTS, primary_key=True),
    column(
        "day",
        Moment,
        purpose="beginning of the day, UTC",
        retention=COUNTS,
        primary_key=True,
        index=True,
    ),
    column(
        "answer",
        Text,
        purpose="how they were answered, such as ignored:draft",
        retention=COUNTS,
        primary_key=True,
    ),
    column("count", BigInteger, purpose="how many that day", retention=COUNTS),
    column("first_at", Moment, purpose="the first of them", retention=COUNTS),
    column("last_at", Moment, purpose="the last of them", retention=COUNTS),
)

webhook_health = Table(
    "webhook_health",
    metadata,
    column("shop_id", BigInteger, purpose="whose webhook", retention=_KEEP, primary_key=True),
    column(
        "delivery_at",
        Moment,
        purpose="last delivery rightly signed",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "read_at",
        Moment,
        purpose="last delivery that could be read",
        retention=_KEEP,
        nullable=True,
    ),
    column("order_at", Moment, purpose="last new order", retention=_KEEP, nullable=True),
    column(
        "error_at",
        Moment,
        purpose="last error that the platform sent instead of an order",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "alarm",
        Text,
        purpose="silent or platform_error, while it is",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "read_before_alarm_at",
        Moment,
        purpose="last delivery that could be read before the alarm",
        retention=_KEEP,
        nullable=True,
    ),
)
