"""`trustsvc tick`: run everything the clock would ring for, now or as if it were another moment."""

import importlib
from collections import deque
from datetime import datetime

import click

from jobs import schedule
from trustsvc import clock, queueing
from trustsvc.cli.moment import Moment

MOST_BELLS = 1000


@click.command()
@click.option("--at", "moment", type=Moment(), help="As if it were this moment.")
def tick(moment: datetime | None) -> None:
    """Run every tick, due or not, in this process, with all that it rings for.

    It writes no heartbeat, moves no clock but its own and is never a jump of it. Quiet hours hold:
    a letter leaves between 09:00 and 20:00 where the buyer lives, so a tick at night sends none.
    """
    with clock.at(moment or clock.now()):
        for name in run():
            click.echo(f"{name} done")


def run() -> list[str]:
    """Run all ticks and whatever they ring for, in turn; gives the names of the jobs that ran."""
    waiting = deque(tick.job for tick in schedule.TICKS)
    done: list[str] = []
    with queueing.heard_by(waiting.append):
        while waiting and len(done) < MOST_BELLS:
            name = waiting.popleft()
            job = importlib.import_module(f"jobs.{name}")
            getattr(job, name)()
            done.append(name)
    return done
