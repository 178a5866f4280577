"""`trustsvc tick`: run everything the clock would ring for, now or as if it were another moment."""

import importlib
from collections import deque
from datetime import datetime, timedelta

import click

from jobs import schedule
from trustsvc import clock
from trustsvc.cli.moment import Moment
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue

MOST_BELLS = 1000
AHEAD = timedelta(minutes=5)  # as much as a clock may be off
ALIVE = timedelta(seconds=90)


@click.command()
@click.option("--at", "moment", type=Moment(), help="As if it were this moment.")
def tick(moment: datetime | None) -> None:
    """Run every tick, due or not, in this process, with all that it rings for.

    It writes no heartbeat, moves no clock but its own and is never a jump of it. Quiet hours hold:
    a letter leaves between 09:00 and 20:00 where the buyer lives, so a tick at night sends none.
    What is over at that moment is really deleted: to look ahead say purge --dry-run.
    """
    now = clock.now()
    if moment and moment > now + AHEAD and _runs(now):
        click.echo(
            "Warning: a service runs on this data folder, and that moment lies ahead. What is over "
            "by then is deleted now, for good. To look ahead: trustsvc purge --dry-run, trustsvc "
            "log purge --dry-run, or a tick on a copy of the folder.",
            err=True,
        )
    with clock.at(moment or now):
        for name in run():
            click.echo(f"{name} done")


def _runs(now: datetime) -> bool:
    """Say whether a service shows signs of life; no lock is tried, which one could stumble over."""
    with db.reading() as session:
        beat = heartbeat.last(session, "scheduler")
    return bool(beat and now - beat < ALIVE)


def run() -> list[str]:
    """Run all ticks and whatever they ring for, in turn; gives the names of the jobs that ran."""
    waiting = deque(tick.job for tick in schedule.SCHEDULE)
    done: list[str] = []
    with job_queue.capture(waiting.append):
        while waiting and len(done) < MOST_BELLS:
            name = waiting.popleft()
            job = importlib.import_module(f"jobs.{name}")
            getattr(job, name)()
            done.append(name)
    return done
