"""Health checks for load balancers and alarms, and security.txt."""

from datetime import datetime, timedelta
from pathlib import Path

import redis
from flask import Blueprint, Response, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from trustsvc import clock, config, migrations
from trustsvc.http import access
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue

health_checks = Blueprint("health", __name__)

HEARTBEAT_LATE = timedelta(seconds=90)
PURGE_CHECK_INTERVAL = timedelta(seconds=60)
_last_purge_check: tuple[Path, datetime, bool] | None = None


@health_checks.get("/livez")
@access.requires("public")
def livez() -> Response:
    """Answer that the process is alive."""
    return _uncached(jsonify(status="ok"))


@health_checks.get("/readyz")
@access.requires("public")
def readyz() -> tuple[Response, int]:
    """Say whether work gets done: database, migrations, Redis, scheduler, purge.

    Orders are accepted without Redis or the scheduler too: a load balancer should watch /livez,
    an alarm this.
    """
    checks = {"database": "failed", "migrations": "failed", "scheduler": "failed"}
    try:
        with db.reading() as session:
            session.execute(select(1))
            checks["database"] = "ok"
            checks["migrations"] = "ok" if migrations.is_current() else "behind: trustsvc migrate"
            beat = heartbeat.last(session, "scheduler")
        late = beat is None or clock.now() - beat > HEARTBEAT_LATE
        checks["scheduler"] = "late: is `trustsvc scheduler` running?" if late else "ok"
    except SQLAlchemyError:
        pass
    checks["redis"] = _redis()
    checks["purge"] = _purge(clock.now())
    ready = all(result == "ok" for result in checks.values())
    return _uncached(jsonify(status="ok" if ready else "not ready", checks=checks)), (
        200 if ready else 503
    )


@health_checks.get("/.well-known/security.txt")
@access.requires("public")
def security_txt() -> Response:
    """Give the security contact (RFC 9116)."""
    end = (clock.now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    text = f"Contact: mailto:{config.current().contact}\nExpires: {end}\n"
    return Response(text, mimetype="text/plain")


def _redis() -> str:
    try:
        job_queue.connection().ping()
    except redis.RedisError:
        return "away: work goes on, up to a minute late"
    return "ok"


def _purge(now: datetime) -> str:
    """Check the log folder once a minute at most: the route is public, the folder is large."""
    global _last_purge_check  # noqa: PLW0603 - one log a process
    data = config.current().data
    if (
        _last_purge_check is None
        or _last_purge_check[0] != data
        or abs(now - _last_purge_check[1]) >= PURGE_CHECK_INTERVAL
    ):
        try:
            late = bool(purge_log_files.late(now))
        except OSError:
            late = True
        _last_purge_check = data, now, late
    return "late: see trustsvc doctor" if _last_purge_check[2] else "ok"


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
