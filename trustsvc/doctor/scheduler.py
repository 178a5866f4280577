"""Checks of the machine's clock and of the scheduler's heartbeat."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock, clock_check
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.orders.models import decisions
from trustsvc.privacy import clock_watch
from trustsvc.storage.event_log import events
from trustsvc.work_queue import heartbeat

HEARTBEAT_LATE = timedelta(seconds=90)
TOLERANCE = timedelta(minutes=2)


def machine_clock(session: Session, now: datetime) -> list[Finding]:
    """Compare the clock with what was written last, and with what the scheduler saw of it."""
    name = "clock"
    problem = clock_check.problem(session, clock.read(), clock_watch.newest_row_at(session))
    if problem in clock_check.STOPS_MAIL:
        direction = "forward" if problem == clock_check.AHEAD else "back"
        detail = f"it was set {direction}: invitations and purges wait"
        # What was written before the jump shows the same fault: compared no further.
        return [fail(name, detail, "set it right; if it is right: trustsvc clock trust")]
    findings = []
    if problem:
        detail = "it was off for more than a day or restored, so a large purge waits"
        remedy = "is it right? a day of running confirms it, or trustsvc clock trust"
        findings.append(warn(name, detail, remedy))
    beat = heartbeat.last(session, "scheduler")
    newest = [session.scalar(select(func.max(table.c.at))) for table in (events, decisions)]
    ahead = max((at for at in newest if at), default=now) - now
    if beat and beat - now > TOLERANCE:
        detail = f"this machine's clock is {_duration(beat - now)} behind the last heartbeat"
        findings.append(fail(name, detail, "set the clock (timedatectl), by NTP"))
    elif ahead > TOLERANCE:
        # Not a failure: `trustsvc tick --at` writes such rows on purpose.
        detail = f"rows were written as if it were {_duration(ahead)} later"
        remedy = "was it tick --at? else set the clock (timedatectl), by NTP"
        findings.append(warn(name, detail, remedy))
    return findings or [ok(name, "agrees with what was written last")]


def scheduler(session: Session, now: datetime) -> Finding:
    beat = heartbeat.last(session, "scheduler")
    if beat is None:
        return fail("scheduler", "it never ran", "start trustsvc up, or trustsvc scheduler")
    if now - beat > HEARTBEAT_LATE:
        detail = f"no heartbeat for {_duration(now - beat)}"
        remedy = "start trustsvc up, or trustsvc scheduler; or did the time jump?"
        return fail("scheduler", detail, remedy)
    return ok("scheduler", "runs")


def _duration(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 600 else f"{seconds // 3600} h {seconds // 60 % 60} min"
