"""`trustsvc tick`: run every scheduled job, now or as if it were another moment."""

import importlib
from collections import deque
from datetime import datetime, timedelta

import click

from jobs import schedule
from trustsvc import clock
from trustsvc.cli.moment import MomentType
from trustsvc.storage import db, key_guard, suppression_copy
from trustsvc.work_queue import heartbeat, job_queue, stop_request

MAX_JOBS = 1000
CLOCK_TOLERANCE = timedelta(minutes=5)
HEARTBEAT_LATE = timedelta(seconds=90)


@click.command()
@click.option("--at", "moment", type=MomentType(), help="As if it were this moment.")
@stop_request.listening()
def tick(moment: datetime | None) -> None:
    """Run every scheduled job, due or not, and the jobs they enqueue, in this process.

    It writes no heartbeat, and the other moment holds for this process only; it never counts as a
    clock jump. Quiet hours hold: invitations leave between 09:00 and 20:00 where the buyer lives.
    Data past its retention at that moment is really deleted: to look ahead use purge --dry-run.
    """
    key_guard.require()
    now = clock.now()
    if moment and moment > now + CLOCK_TOLERANCE and _service_runs(now):
        click.echo(
            "Warning: a service runs on this data folder, and that moment lies ahead. What is past "
            "its retention by then is deleted now, for good. To look ahead: trustsvc purge "
            "--dry-run, trustsvc log purge --dry-run, or a tick on a copy of the folder.",
            err=True,
        )
    with clock.at(moment or now):
        for name in run():
            click.echo(f"{name} done")
    suppression_copy.copy_if_due()


def _service_runs(now: datetime) -> bool:
    """Look at the heartbeat; trying the lock could make a starting service fail."""
    with db.reading() as session:
        beat = heartbeat.last(session, "scheduler")
    return bool(beat and now - beat < HEARTBEAT_LATE)


def run() -> list[str]:
    """Run all scheduled jobs and the jobs they enqueue, in turn; gives the names of those done.

    Asked to stop, it ends after the running job, which ends after the message that is being sent.
    """
    waiting = deque(entry.job for entry in schedule.SCHEDULE)
    done: list[str] = []
    with job_queue.capture(waiting.append):
        while waiting and len(done) < MAX_JOBS and not stop_request.is_made():
            name = waiting.popleft()
            job = importlib.import_module(f"jobs.{name}")
            getattr(job, name)()
            done.append(name)
    return done
