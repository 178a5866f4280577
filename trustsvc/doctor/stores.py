"""Checks of the database, and of what is in it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import config, migrations
from trustsvc.doctor import (
    machine_clock,
    mail,
    privacy_requests,
    queue_age,
    readiness,
    reviews,
    webhooks,
)
from trustsvc.doctor.catch_up import api_connections
from trustsvc.doctor.finding import Finding, Result, fail, ok, run_checks, warn
from trustsvc.doctor.machine_clock import duration
from trustsvc.orders import idempotency
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState
from trustsvc.reviews import star_counts
from trustsvc.shops import domain_recheck
from trustsvc.shops.models import shops
from trustsvc.storage import connections, db, partitioning
from trustsvc.storage.event_log import events
from trustsvc.work_queue import heartbeat

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
CONFLICTS_SINCE = timedelta(days=7)
HEARTBEAT_LATE = timedelta(seconds=90)
DatabaseCheck = Callable[[Session, datetime], Sequence[Finding] | Finding]


def database(now: datetime) -> list[Finding]:
    """Check the database and what is in it; one finding when it cannot be reached."""
    url = make_url(config.current().database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        remedy = "start trustsvc once; if it ran before, see TRUSTSVC_DATA"
        return [fail("database", "it does not exist", remedy)]
    try:
        with db.reading() as session:
            session.execute(select(1))
            if not migrations.is_current():
                return [_other_version()]
    except (SQLAlchemyError, OSError):
        remedy = "see TRUSTSVC_DATABASE_URL; is the server up, the file writable?"
        return [fail("database", "it cannot be reached", remedy)]
    findings = run_checks({name: partial(_read, check, now) for name, check in CHECKS.items()})
    return findings + run_checks(
        {name: partial(_tried, check, now) for name, check in READINESS.items()}
    )


def _other_version() -> Finding:
    name, here = migrations.revision() or "none", migrations.this()
    if migrations.is_newer():
        detail = f"it is at migration {name}, by a newer trustsvc; this is {here}"
        return fail("database", detail, "install the newer trustsvc")
    return fail("database", f"it is at migration {name}; this is {here}", "trustsvc migrate")


def _tried(check: Callable[[datetime], Result], now: datetime) -> Sequence[Finding]:
    return check(now).findings


def _read(check: DatabaseCheck, now: datetime) -> Sequence[Finding] | Finding:
    """Run a check in a session of its own: a failed statement ends its transaction."""
    with db.reading() as session:
        return check(session, now)


def _pragmas(session: Session) -> list[Finding]:
    wrong = _wrong_pragmas(session) if db.is_sqlite() else []
    if not wrong:
        pooled = session.connection().info.get(connections.POOLED)
        name = db.engine().dialect.name + (" through a connection pooler" if pooled else "")
        return [ok("database", f"{name}, reachable, up to date")]
    detail = f"SQLite's {', '.join(wrong)} is not set as needed"
    return [fail("database", detail, "is the file on a network disk? move it to a local one")]


def _wrong_pragmas(session: Session) -> list[str]:
    connection = session.connection()
    actual = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    return [name for name, value in PRAGMAS.items() if actual[name] != value]


def _wal_recycle(session: Session) -> list[Finding]:
    """Warn when PostgreSQL reuses old segments of its write-ahead log; off is no line."""
    if db.is_sqlite() or session.scalar(text("SHOW wal_recycle")) == "off":
        return []
    detail = "PostgreSQL's write-ahead log keeps bytes of deleted rows (wal_recycle is on)"
    remedy = "ALTER SYSTEM SET wal_recycle = off; SELECT pg_reload_conf(); (as its superuser)"
    return [warn("write-ahead log", detail, remedy)]


def _unfinished_partition(session: Session) -> list[Finding]:
    """Warn of what a killed `database partition` left: from a moment on it refuses every row."""
    tables = partitioning.leftovers(session)
    if not tables:
        return []
    detail = f"trustsvc database partition did not end for {' and '.join(tables)}"
    remedy = "if it does not run now: trustsvc purge drops what it left, or run it again"
    return [warn("partitions", detail, remedy)]


def seals(session: Session) -> Finding:
    """Check that the domains of shops still hold the line that proves them."""
    lost = domain_recheck.count_lost_proofs(session)
    if not lost:
        return ok("seals", "every domain that was proven still is")
    remedy = "trustsvc shop list names them; trustsvc shop prove SLUG says which line belongs where"
    return warn("seals", f"{lost} shops lost it: the proof is gone from their domain", remedy)


def _replies(session: Session) -> Finding:
    """Warn of shops that no answer to an invitation reaches: it goes to the sender's mailbox."""
    nobody = (shops.c.reply_to == "") & shops.c.closed_at.is_(None)
    number = session.scalar(select(func.count()).select_from(shops).where(nobody))
    if not number:
        return ok("replies", "answers of buyers reach their shop")
    detail = f"answers of buyers do not reach {number} shops"
    return warn("replies", detail, "trustsvc shop set SLUG --reply-to ADDRESS")


def _scheduler(session: Session, now: datetime) -> Finding:
    beat = heartbeat.last(session, "scheduler")
    if beat is None:
        return fail("scheduler", "it never ran", "start trustsvc up, or trustsvc scheduler")
    if now - beat > HEARTBEAT_LATE:
        detail = f"no heartbeat for {duration(now - beat)}, by this machine's clock"
        remedy = "start trustsvc up, or trustsvc scheduler; if it runs: see the line on the clock"
        return fail("scheduler", detail, remedy)
    return ok("scheduler", "runs")


def _webhook_delivery_conflicts(session: Session, now: datetime) -> list[Finding]:
    """Warn of signed webhook delivery ids that came with another body too; none is no line."""
    number = session.scalar(
        select(func.count(func.distinct(events.c.shop_id))).where(
            events.c.kind == idempotency.CONFLICT, events.c.at > now - CONFLICTS_SINCE
        )
    )
    if not number:
        return []
    detail = f"{number} shops sent a known delivery id with another body this week"
    remedy = "ask whether that was them; if not: trustsvc shop rotate SLUG --now"
    return [warn("webhooks", detail, remedy)]


def unreadable_dates(session: Session) -> list[Finding]:
    """Give a finding for each shop that sends dates in a shape nobody reads."""
    rows = session.execute(
        select(shops.c.slug, func.count())
        .join(orders, orders.c.shop_id == shops.c.id)
        .where(orders.c.state == OrderState.WAITING, orders.c.date_unreadable)
        .group_by(shops.c.slug)
        .order_by(shops.c.slug)
    )
    findings = [
        warn(
            "dates of orders",
            f"{number} orders of {slug} wait: a date of theirs cannot be read",
            "send dates as 2026-11-28T10:00:00Z, then send the orders again",
        )
        for slug, number in rows
    ]
    return findings or [ok("dates of orders", "all can be read")]


def scores(session: Session) -> Finding:
    """Check that the stored scores are those of the publications; counts all of them."""
    differing = star_counts.differing(session)
    if not differing:
        return ok("scores", "those of the published reviews")
    detail = f"of {len(differing)} shops they are not those of the published reviews"
    return fail("scores", detail, "trustsvc reviews recount")


# What /readyz asks too.
READINESS: Mapping[str, Callable[[datetime], Result]] = {
    readiness.WRITE: readiness.write,
    readiness.KEYS: readiness.keys,
    queue_age.ORDERS: queue_age.undecided_orders,
    queue_age.MESSAGES: queue_age.due_messages,
    queue_age.REQUESTS: queue_age.due_requests,
}
CHECKS: Mapping[str, DatabaseCheck] = {
    "database": lambda session, _: _pragmas(session),
    "write-ahead log": lambda session, _: _wal_recycle(session),
    "partitions": lambda session, _: _unfinished_partition(session),
    "clock": machine_clock.machine_clock,
    "scheduler": _scheduler,
    **mail.CHECKS,
    "requests of people": privacy_requests.waiting,
    "failing requests": privacy_requests.failing,
    "limited requests": privacy_requests.limited,
    "objections": privacy_requests.objections,
    "pending reviews": reviews.pending,
    "seals": lambda session, _: seals(session),
    "scores": lambda session, _: scores(session),
    "replies": lambda session, _: _replies(session),
    "notice": lambda session, _: privacy_requests.unannounced(session),
    "security database": privacy_requests.overdue_security_entries,
    "webhooks": _webhook_delivery_conflicts,
    "catch-up": api_connections,
    "deliveries": webhooks.webhook_deliveries,
    "dates of orders": lambda session, _: unreadable_dates(session),
}
