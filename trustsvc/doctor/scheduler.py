"""The check of the scheduler's heartbeat."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, fail, ok
from trustsvc.doctor.machine_clock import duration
from trustsvc.work_queue import heartbeat

HEARTBEAT_LATE = timedelta(seconds=90)


def scheduler(session: Session, now: datetime) -> Finding:
    beat = heartbeat.last(session, "scheduler")
    if beat is None:
        return fail("scheduler", "it never ran", "start trustsvc up, or trustsvc scheduler")
    if now - beat > HEARTBEAT_LATE:
        detail = f"no heartbeat for {duration(now - beat)}, by this machine's clock"
        remedy = "start trustsvc up, or trustsvc scheduler; if it runs: see the line on the clock"
        return fail("scheduler", detail, remedy)
    return ok("scheduler", "runs")
