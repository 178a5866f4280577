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
from trustsvc import config, config_values, log, migrations
from trustsvc.cli import data_folder_lock
from trustsvc.crypto import keyring
from trustsvc.privacy import clock_watch
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue
from trustsvc.work_queue.worker import make_worker

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
logger = log.get_logger("cli")


@click.command()
def migrate() -> None:
    """Bring the database up to date (the release step)."""
    keyring.make_all()
    migrations.upgrade()
    click.echo("The database is up to date.")


@click.command()
@data_folder_lock.working()
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
@data_folder_lock.working()
def worker() -> None:
    """Do the jobs that are rung for, all but letters; waits for a Redis that is away."""
    _work(job_queue.QUEUE)


@click.command()
@data_folder_lock.working()
def mailer() -> None:
    """Send letters: a mail server that takes ten minutes for an answer holds up nothing else."""
    _work(job_queue.MAIL_QUEUE)


def _work(queue: str) -> None:
    if config_values.is_open_redis(config.current().redis_url):
        logger.warning("this Redis has no password: every user of this machine can ring the bell")
    said = ""
    with contextlib.suppress(StopRequested):
        while (problem := _works_until_its_end(queue)) is not None:
            if problem != said:  # once, not every second for as long as it lasts
                logger.warning("no Redis to work for; asking again", problem=problem)
            said = problem
            time.sleep(1)


def _works_until_its_end(queue: str) -> str | None:
    """Work; None when it was told to stop, else what kept it from working, which may pass.

    RQ gives up, quietly, on a Redis that is silent, full, read-only or still loading.
    """
    try:
        doer = make_worker(queue)
    except redis.RedisError as problem:
        return type(problem).__name__
    said = "its worker gave up"
    try:
        doer.work(logging_level="WARNING")
    except redis.RedisError as problem:
        said = type(problem).__name__
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # RQ's belong to this worker, and it works no more
    return None if doer.stop_requested else said


@click.command()
@click.option("--trust", is_flag=True, help="This machine's clock is right: doubt it no more.")
def clock(trust: bool) -> None:
    """Ring for what is due, give a sign of life, and watch the machine's clock.

    Doubled clocks do no harm. Where the machine's clock jumped no letter leaves until it is set
    right; if it is right as it is, say --trust: then letters and purges go on, and this ends.
    """
    if trust:
        with db.transaction() as session:
            clock_watch.trust(session, time_of_day.read())
        click.echo("The clock is taken to be right as it is. Letters and purges go on.")
        return
    with data_folder_lock.working():
        _ring_and_beat()


def _ring_and_beat() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    rung: dict[str, float] = {}
    beaten, watched = 0.0, time.monotonic()
    while not ended.wait(1.0 if beaten else 0):
        moment = time.monotonic()
        # First, so that a clock that jumped is known before anything goes by it.
        if not beaten or moment - beaten >= HEARTBEAT_S:
            beaten = _beat(moment, beaten)
        for tick in schedule.SCHEDULE:
            is_due = moment - rung.get(tick.job, -tick.every_s) >= tick.every_s
            if is_due and job_queue.enqueue_now(tick.job):  # not heard: again in a second
                rung[tick.job] = moment
        if moment - watched >= WATCH_S:
            watched = moment
            watch_the_purge()


def watch_the_purge() -> None:
    """Say in our own log that the server log's purge was missed: no worker, no room, no right."""
    late = 0
    with contextlib.suppress(OSError):
        late = purge_log_files.late(time_of_day.now())
    if late:
        logger.error("server log files are older than promised: trustsvc doctor", number=late)


def _beat(moment: float, before: float) -> float:
    try:
        with db.transaction() as session:
            now = time_of_day.read()
            heartbeat.beat(session, "clock", now.at)
            clock_watch.watch(session, now)
    except (SQLAlchemyError, OSError) as problem:
        logger.warning("no heartbeat", problem=type(problem).__name__)
        return before
    return moment
