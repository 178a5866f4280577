"""The processes web and scheduler, and the migrations; the others are in workers.py."""

import contextlib
import time

import click
from granian import Granian
from granian.constants import Interfaces
from sqlalchemy.exc import SQLAlchemyError

from jobs import schedule
from trustsvc import clock, config, log, migrations
from trustsvc.cli import data_folder_lock
from trustsvc.crypto import keyring
from trustsvc.doctor import readiness
from trustsvc.errors import Misconfigured
from trustsvc.privacy import clock_watch
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db, key_guard, suppression_copy
from trustsvc.work_queue import heartbeat, job_queue, runtime, stop_request

HEARTBEAT_S = 10
PURGE_CHECK_S = 1200
# granian's own lines go where all library lines go, see log.py.
GRANIAN_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
# A slow sender occupies a thread until its body is in; a proxy in front buffers bodies.
THREADS = 64
STOP_TIMEOUT_S = 10
logger = log.get_logger("cli")


@click.command()
def migrate() -> None:
    """Bring the database up to date (the release step)."""
    keyring.make_all()
    migrations.upgrade()
    if problem := readiness.record_keys():
        raise Misconfigured(f"The keys here are not those of this database: {problem}.")
    click.echo("The database is up to date.")


@click.command()
@data_folder_lock.shared()
def web() -> None:
    """Serve the pages, the webhook endpoints and the badge."""
    settings = config.current()
    keyring.make_all()
    key_guard.require()
    db.close_connections()  # the server has no use for one
    runtime.share_heaps()
    Granian(
        "trustsvc.wsgi:application",
        address=settings.bind,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=THREADS,
        websockets=False,
        log_access=False,  # we write the server log ourselves: it masks tokens
        log_dictconfig=GRANIAN_LOGGING,
        respawn_failed_workers=True,
        # granian's worker ignores SIGTERM while it starts
        workers_kill_timeout=STOP_TIMEOUT_S,
        process_name="trustsvc web",
    ).serve()


@click.command()
@data_folder_lock.shared()
@stop_request.listening()
def scheduler() -> None:
    """Enqueue the jobs that are due, write the heartbeat, and watch the machine's clock.

    Two schedulers at once do no harm. While the machine's clock has jumped no invitation or
    reminder leaves until it is set right; if it is right as it is: trustsvc clock trust.
    """
    keyring.make_all()
    key_guard.require()
    enqueued_at: dict[str, float] = {}
    beat_at, checked_at = 0.0, time.monotonic()
    while not stop_request.wait(1.0 if beat_at else 0):
        uptime = time.monotonic()
        # First, so that a clock that jumped is known before any job uses it.
        if not beat_at or uptime - beat_at >= HEARTBEAT_S:
            beat_at = _beat(uptime, beat_at)
        for entry in schedule.SCHEDULE:
            is_due = uptime - enqueued_at.get(entry.job, -entry.every_s) >= entry.every_s
            if is_due and job_queue.enqueue_now(entry.job):  # Redis away: again in a second
                enqueued_at[entry.job] = uptime
        suppression_copy.copy_if_due()
        if uptime - checked_at >= PURGE_CHECK_S:
            checked_at = uptime
            log_late_purge()
            with contextlib.suppress(SQLAlchemyError, OSError):
                readiness.record_keys()  # of keys that were rotated since the start


def log_late_purge() -> None:
    """Log an error when server log files are older than promised (no worker, space or right)."""
    late = 0
    with contextlib.suppress(OSError):
        late = purge_log_files.late(clock.now())
    if late:
        logger.error("scheduler.log_purge_late", number=late)


def _beat(uptime: float, before: float) -> float:
    try:
        with db.transaction() as session:
            now = clock.read()
            heartbeat.beat(session, "scheduler", now.at)
            clock_watch.watch(session, now)
    except (SQLAlchemyError, OSError) as problem:
        logger.warning("scheduler.heartbeat_failed", problem=type(problem).__name__)
        return before
    return uptime
