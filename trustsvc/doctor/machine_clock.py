"""The check of the machine's clock: by how much it is off, and which way, as far as that shows.

A record later than now has two explanations: the clock that wrote it was ahead, or this one is
behind. What decides is a third clock: NTP's, that of the database server, that of Redis.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock, clock_check, config, redis_url
from trustsvc.config_values import is_loopback
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.orders.models import decisions
from trustsvc.privacy import clock_watch
from trustsvc.storage import db
from trustsvc.storage.event_log import events
from trustsvc.work_queue import heartbeat, job_queue

CHECK = "clock"
TOLERANCE = timedelta(minutes=2)
SET = "set the wrong one, by NTP (timedatectl)"


@dataclass(frozen=True, slots=True)
class OtherClock:
    """A clock of another machine, and how far this machine's is ahead of it."""

    name: str
    ahead: timedelta

    @property
    def agrees(self) -> bool:
        return abs(self.ahead) <= TOLERANCE


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """What is known of the clock; `shift`: by how much it was set since it was trusted."""

    problem: str | None
    shift: timedelta | None
    beat_ahead: timedelta
    rows_ahead: timedelta
    others: Sequence[OtherClock] = ()


def machine_clock(session: Session, now: datetime) -> list[Finding]:
    """Compare the clock with others, with what was written, and with what the scheduler saw."""
    reading, newest_row = clock.read(), clock_watch.newest_row_at(session)
    beat = heartbeat.last(session, "scheduler")
    newest = [session.scalar(select(func.max(table.c.at))) for table in (events, decisions)]
    evidence = ClockEvidence(
        problem=clock_check.problem(session, reading, newest_row),
        shift=clock_check.shift(session, reading),
        beat_ahead=(beat or now) - now,
        rows_ahead=max((at for at in newest if at), default=now) - now,
        others=_other_clocks(session, now),
    )
    return judge(evidence)


def judge(evidence: ClockEvidence) -> list[Finding]:
    """Say what is wrong with the clock, which way, and what to do. Pure."""
    findings = [
        fail(CHECK, f"it is {_way(one.ahead)} the clock of {one.name}", f"compare both; {SET}")
        for one in evidence.others
        if not one.agrees
    ]
    if evidence.problem in clock_check.STOPS_MAIL:
        # What was written before the jump shows the same fault: compared no further.
        return [*findings, _jumped(evidence)]
    if evidence.problem:
        detail = "it was off for more than a day or restored, so a large purge waits"
        remedy = "is it right? a day of running confirms it, or trustsvc clock trust"
        findings.append(warn(CHECK, detail, remedy))
    if evidence.beat_ahead > TOLERANCE:
        findings.append(_late_beat(evidence))
    elif evidence.rows_ahead > TOLERANCE:
        # Not a failure: `trustsvc tick --at` writes such rows on purpose.
        detail = f"rows were written as if it were {duration(evidence.rows_ahead)} later"
        remedy = (
            "by tick --at, or while the clock was ahead: no harm; else it is behind now: " + SET
        )
        findings.append(warn(CHECK, detail, remedy))
    return findings or [ok(CHECK, "agrees with what was written last")]


def _jumped(evidence: ClockEvidence) -> Finding:
    direction = "forward" if evidence.problem == clock_check.AHEAD else "back"
    by = f" by {duration(evidence.shift)}" if evidence.shift is not None else ""
    detail = f"it was set {direction}{by}: invitations and purges wait"
    right = _proof(evidence)
    if right:
        return fail(CHECK, f"{detail}; {right}", "trustsvc clock trust")
    return fail(CHECK, detail, "set it right; if it is right as it is: trustsvc clock trust")


def _late_beat(evidence: ClockEvidence) -> Finding:
    by = duration(evidence.beat_ahead)
    right = _proof(evidence)
    if right:
        detail = f"the last heartbeat came from a clock {by} ahead; {right}"
        return fail(CHECK, detail, "set the clock where trustsvc scheduler runs, if it still is")
    detail = f"the last heartbeat is {by} later: that clock was ahead, or this one is behind"
    return fail(CHECK, detail, f"compare with a clock that is right; {SET}")


def _proof(evidence: ClockEvidence) -> str | None:
    """Name the other clocks that show this one to be right; None without any, or against one."""
    if not evidence.others or not all(one.agrees for one in evidence.others):
        return None
    return f"this one agrees with {' and '.join(one.name for one in evidence.others)}"


def _other_clocks(session: Session, now: datetime) -> list[OtherClock]:
    """Read the clocks of servers on other machines: one on this machine agrees with anything."""
    clocks = [OtherClock("NTP", timedelta(0))] if clock.is_synchronised() else []
    if not db.is_sqlite() and _is_elsewhere(db.engine().url.host):
        at: datetime | None = session.scalar(select(func.clock_timestamp()))
        clocks += [OtherClock("the database server", now - at)] if at else []
    servers = redis_url.hosts(config.current().redis_url)
    if servers and all(map(_is_elsewhere, servers)):
        with contextlib.suppress(redis.RedisError):
            seconds, _ = job_queue.connection().time()
            clocks.append(OtherClock("Redis", now - datetime.fromtimestamp(seconds, UTC)))
    return clocks


def _is_elsewhere(host: str | None) -> bool:
    return bool(host) and not str(host).startswith("/") and not is_loopback(str(host))


def _way(ahead: timedelta) -> str:
    return f"{duration(ahead)} {'ahead of' if ahead > timedelta(0) else 'behind'}"


def duration(span: timedelta) -> str:
    """Give the length of a span in words, whatever its sign."""
    seconds = int(abs(span).total_seconds())
    return f"{seconds} s" if seconds < 600 else f"{seconds // 3600} h {seconds // 60 % 60} min"
