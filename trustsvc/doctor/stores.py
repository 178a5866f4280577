"""The database, Redis, the clock, and whether letters leave."""

from datetime import datetime, timedelta
from pathlib import Path

import redis
from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import clock, clock_check, config, config_values, migrations
from trustsvc.doctor import domain_proofs, mail, privacy_requests
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import TrustsvcError
from trustsvc.orders import idempotency
from trustsvc.orders.models import decisions
from trustsvc.privacy import clock_watch
from trustsvc.server_log.models import security_entries
from trustsvc.storage import db
from trustsvc.storage.event_log import events
from trustsvc.work_queue import heartbeat, job_queue, redis_checks

CLOCK_LATE = timedelta(seconds=90)
SLIP = timedelta(minutes=2)
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


def database(now: datetime) -> list[Finding]:
    """Look at the database and what is in it; one line when it cannot be reached."""
    url = make_url(config.current().database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        todo = "start trustsvc once; if it ran before, see TRUSTSVC_DATA"
        return [fail("database", "it is not there", todo)]
    try:
        with db.reading() as session:
            session.execute(select(1))
            if not migrations.is_current():
                todo = "trustsvc migrate (with the newest trustsvc that ever ran here)"
                return [fail("database", "its tables are not those of this trustsvc", todo)]
            wrong = _wrong_pragmas(session) if db.is_sqlite() else []
            if wrong:
                said = f"SQLite's {', '.join(wrong)} is not as it should be"
                stores = fail("database", said, "is the file on a network disk? move it to a local")
            else:
                stores = ok("database", f"{db.engine().dialect.name}, reachable, up to date")
            return [
                stores,
                *_old_bytes(session),
                _clock(session, now),
                *mail.letters(session, now),
                privacy_requests.waiting(session, now),
                domain_proofs.seals(session),
                *privacy_requests.untold(session),
                *_overdue(session, now),
                *_conflicts(session, now),
            ]
    except (SQLAlchemyError, OSError):
        todo = "see TRUSTSVC_DATABASE_URL; is the server up, the file writable?"
        return [fail("database", "it cannot be reached", todo)]


def bell() -> Finding:
    """Look at Redis: reachable, takes what is rung, throws nothing away, on disk."""
    what = "redis"
    try:
        link = job_queue.connection()
        link.ping()
        found = redis_checks.inspect(link)
    except (redis.RedisError, TrustsvcError):
        return fail(what, "it does not answer", "is trustsvc up running? see TRUSTSVC_REDIS_URL")
    return _set_up(found)


def _set_up(found: redis_checks.RedisConfig) -> Finding:
    what = "redis"
    if found.evicts:
        return fail(what, "it may throw jobs away when full", "set maxmemory-policy noeviction")
    if found.is_replica:
        return fail(what, "it only repeats another one", "set TRUSTSVC_REDIS_URL to the primary")
    if found.evicts is None:
        todo = "check maxmemory-policy noeviction and appendonly yes by hand"
        return warn(what, "reachable; it does not say how it is set up", todo)
    if not found.is_on_disk:
        return warn(what, "bells are lost when it restarts", "set appendonly yes")
    if config_values.is_open_redis(config.current().redis_url):
        return warn(what, "it has no password", "set one: every user of this machine can ring")
    return ok(what, "reachable, throws nothing away, on disk")


def _clock(session: Session, now: datetime) -> Finding:
    doubted = _doubted(
        clock_check.problem(session, clock.read(), clock_watch.newest_row_at(session))
    )
    if doubted:
        return doubted
    beat = heartbeat.last(session, "scheduler")
    if beat and beat - now > SLIP:
        said = f"this machine's clock is {_words(beat - now)} behind what was written last"
        return fail("clock", said, "set the clock (timedatectl), by NTP")
    if beat is None:
        return fail("clock", "it never ran", "start trustsvc up, or trustsvc scheduler")
    if now - beat > CLOCK_LATE:
        said = f"no sign of life for {_words(now - beat)}"
        return fail(
            "clock", said, "start trustsvc up, or trustsvc scheduler; or did the time jump?"
        )
    newest = [session.scalar(select(func.max(table.c.at))) for table in (events, decisions)]
    ahead = max((at for at in newest if at), default=now) - now
    if ahead > SLIP:
        # Not a failure: `trustsvc tick --at` writes such rows on purpose.
        said = f"runs, and rows were written as if it were {_words(ahead)} later"
        return warn("clock", said, "was it tick --at? else set the clock (timedatectl), by NTP")
    return ok("clock", "runs, and agrees with what was written last")


def _doubted(why: str | None) -> Finding | None:
    if why in clock_check.STOPS_MAIL:
        said = f"it was set {'forward' if why == clock_check.AHEAD else 'back'}: letters and purges wait"
        return fail("clock", said, "set it right; if it is right: trustsvc clock trust")
    if why:
        said = "it was off for more than a day or restored, so a large purge waits"
        todo = "is it right? a day of running says so, or trustsvc clock trust"
        return warn("clock", said, todo)
    return None


def _overdue(session: Session, now: datetime) -> list[Finding]:
    """Look for entries that should be gone; none is no line."""
    limit = now - timedelta(days=config.current().log_days)
    oldest = session.scalar(select(func.min(security_entries.c.minute)))
    if oldest is None or oldest > limit:
        return []
    todo = "is the worker running? trustsvc purge"
    return [fail("security database", "entries are older than promised", todo)]


def _wrong_pragmas(session: Session) -> list[str]:
    connection = session.connection()
    found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    return [name for name, value in PRAGMAS.items() if found[name] != value]


def _old_bytes(session: Session) -> list[Finding]:
    """Look whether PostgreSQL uses old segments of its write-ahead log again; off is no line."""
    if db.is_sqlite() or session.scalar(text("SHOW wal_recycle")) == "off":
        return []
    said = "PostgreSQL's write-ahead log keeps bytes of deleted rows (wal_recycle is on)"
    todo = "ALTER SYSTEM SET wal_recycle = off; SELECT pg_reload_conf(); (as its superuser)"
    return [warn("write-ahead log", said, todo)]


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 600 else f"{seconds // 3600} h {seconds // 60 % 60} min"


def _conflicts(session: Session, now: datetime) -> list[Finding]:
    """Look for signed delivery ids that came back with another body; none is no line."""
    number = session.scalar(
        select(func.count(func.distinct(events.c.shop_id))).where(
            events.c.kind == idempotency.CONFLICT, events.c.at > now - timedelta(days=7)
        )
    )
    if not number:
        return []
    said = f"{number} shops sent a known delivery id with another body this week"
    todo = "ask whether that was them; if not: trustsvc shop rotate SLUG --now"
    return [warn("webhooks", said, todo)]
