"""`trustsvc tick`: run everything the clock would ring for, now or as if it were another moment."""

import importlib
from collections import deque
from datetime import UTC, datetime

import click

from jobs import schedule
from trustsvc import clock, queueing

MOST_BELLS = 1000
EARLIEST, LATEST = 2000, 2200


@click.command()
@click.option("--at", "moment", metavar="ISO-TIME", help="As if it were this moment.")
def tick(moment: str | None) -> None:
    """Run every tick, due or not, in this process, with all that it rings for.

    It writes no heartbeat, moves no clock but its own and is never a jump of it. Quiet hours hold:
    a letter leaves between 09:00 and 20:00 where the buyer lives, so a tick at night sends none.
    """
    with clock.at(_read(moment) if moment else clock.now()):
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


def _read(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write it like 2027-03-01T10:00Z.", param_hint="--at") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise click.BadParameter(f"the year must be {EARLIEST} to {LATEST}.", param_hint="--at")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
