"""The processes of the Procfile: web, worker, clock, and the migrations before them."""

import contextlib
import signal
import threading
import time

import click
import redis
from granian import Granian
from granian.constants import Interfaces
from rq.exceptions import StopRequested
from sqlalchemy.exc import SQLAlchemyError

from jobs import schedule
from trustsvc import clock as time_of_day
from trustsvc import config, config_values, db, heartbeat, keys, log, migrations, queueing
from trustsvc.privacy import purge_log

HEARTBEAT_S = 10
WATCH_S = 1200
# granian's own lines go where all library lines go, see log.py.
LIKE_OURS = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
# A slow sender holds one until its body is in; a proxy in front takes bodies in first.
THREADS = 64
STOPS_WITHIN_S = 10
logger = log.named("cli")


@click.command()
def migrate() -> None:
    """Bring the database up to date (the release step)."""
    keys.make_all()
    migrations.upgrade()
    click.echo("The database is up to date.")


@click.command()
def web() -> None:
    """Serve the pages, the webhook doors and the badge."""
    settings = config.current()
    Granian(
        "trustsvc.wsgi:application",
        address=settings.bind,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_access=False,  # the server log is ours: it masks tokens
        log_dictconfig=LIKE_OURS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOPS_WITHIN_S,  # told to stop while it starts, it does not hear it
    ).serve()


@click.command()
def worker() -> None:
    """Do the jobs that are rung for; waits for a Redis that is away."""
    if config_values.is_open_redis(config.current().redis_url):
        logger.warning("this Redis has no password: every user of this machine can ring the bell")
    with contextlib.suppress(StopRequested):
        while not _works_until_its_end():
            time.sleep(1)


def _works_until_its_end() -> bool:
    """Work; False when Redis went away. Told to stop it ends, with a Redis or without."""
    doer = queueing.make_worker()
    try:
        doer.work(logging_level="WARNING")
    except redis.RedisError as problem:
        logger.warning("redis is away", problem=type(problem).__name__)
        return doer.was_told_to_stop
    return True


@click.command()
def clock() -> None:
    """Ring for what is due, and give a sign of life; doubled clocks do no harm."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    rung: dict[str, float] = {}
    beaten, watched = 0.0, time.monotonic()
    while not ended.wait(1.0 if rung else 0):
        moment = time.monotonic()
        for tick in schedule.TICKS:
            if moment - rung.get(tick.job, -tick.every_s) >= tick.every_s:
                queueing.send(tick.job)
                rung[tick.job] = moment
        if not beaten or moment - beaten >= HEARTBEAT_S:
            beaten = _beat(moment, beaten)
        if moment - watched >= WATCH_S:
            watched = moment
            watch_the_purge()


def watch_the_purge() -> None:
    """Say in our own log that the server log's purge was missed: no worker, no room, no right."""
    late = 0
    with contextlib.suppress(OSError):
        late = purge_log.late(time_of_day.now())
    if late:
        logger.error("server log files are older than promised: trustsvc doctor", number=late)


def _beat(moment: float, before: float) -> float:
    try:
        with db.transaction() as session:
            heartbeat.beat(session, "clock", time_of_day.now())
    except (SQLAlchemyError, OSError) as problem:
        logger.warning("no heartbeat", problem=type(problem).__name__)
        return before
    return moment
