"""The database, Redis, the clock, and whether letters leave."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import redis
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import config, config_values, db, heartbeat, migrations, queueing
from trustsvc.doctor import people
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import TrustsvcError
from trustsvc.invitations import sending
from trustsvc.orders.models import ledger
from trustsvc.outbox import outbox

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
            return [stores, _clock(session, now), _sending(session), people.waiting(session, now)]
    except (SQLAlchemyError, OSError):
        todo = "see TRUSTSVC_DATABASE_URL; is the server up, the file writable?"
        return [fail("database", "it cannot be reached", todo)]


def bell() -> Finding:
    """Look at Redis: reachable, keeps everything, on disk."""
    what = "redis"
    try:
        link = queueing.connection()
        link.ping()
    except (redis.RedisError, TrustsvcError):
        return fail(what, "it does not answer", "is trustsvc up running? see TRUSTSVC_REDIS_URL")
    try:
        policy = _setting(link, "maxmemory-policy")
        limit = _setting(link, "maxmemory")
        kept = _setting(link, "appendonly")
    except redis.RedisError:
        todo = "check maxmemory-policy noeviction and appendonly yes by hand"
        return warn(what, "reachable; it does not say how it is set up", todo)
    return _set_up(policy, limit, kept)


def _set_up(policy: str, limit: str, kept: str) -> Finding:
    what = "redis"
    if policy != "noeviction":
        todo = "set maxmemory-policy noeviction"
        if limit != "0":
            return fail(what, "it throws jobs away when full", todo)
        return warn(what, "it would throw jobs away if it had a limit", todo)
    if kept != "yes":
        return warn(what, "bells are lost when it restarts", "set appendonly yes")
    if config_values.is_open_redis(config.current().redis_url):
        return warn(what, "it has no password", "set one: every user of this machine can ring")
    return ok(what, "reachable, throws nothing away, on disk")


def _setting(link: redis.Redis, name: str) -> str:
    found = cast("dict[str, str]", link.config_get(name))
    return str(found.get(name, ""))


def _clock(session: Session, now: datetime) -> Finding:
    beat = heartbeat.last(session, "clock")
    if beat and beat - now > SLIP:
        said = f"this machine's clock is {_words(beat - now)} behind what was written last"
        return fail("clock", said, "set the clock (timedatectl), by NTP")
    if beat is None:
        return fail("clock", "it never ran", "start trustsvc up, or trustsvc clock")
    if now - beat > CLOCK_LATE:
        said = f"no sign of life for {_words(now - beat)}"
        return fail("clock", said, "start trustsvc up, or trustsvc clock; or did the time jump?")
    newest = [session.scalar(select(func.max(table.c.at))) for table in (outbox, ledger)]
    ahead = max((at for at in newest if at), default=now) - now
    if ahead > SLIP:
        # Not a failure: `trustsvc tick --at` writes such rows on purpose.
        said = f"runs, and rows were written as if it were {_words(ahead)} later"
        return warn("clock", said, "was it tick --at? else set the clock (timedatectl), by NTP")
    return ok("clock", "runs, and agrees with what was written last")


def _sending(session: Session) -> Finding:
    stops = sending.stops(session)
    if not stops:
        return ok("sending", "letters leave")
    reason = ", ".join(sorted(set(stops.values())))
    todo = "see Backup and keys in the README; when sure: trustsvc restore --sending-on"
    if stops.get(sending.RESTORE) == "not_finished":
        todo = "a restore runs or broke off: if so, empty the database and restore again"
    return fail("sending", f"no letter leaves ({reason})", todo)


def _wrong_pragmas(session: Session) -> list[str]:
    connection = session.connection()
    found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    return [name for name, value in PRAGMAS.items() if found[name] != value]


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 600 else f"{seconds // 3600} h {seconds // 60 % 60} min"
