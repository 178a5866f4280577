"""Is it alive, is it ready: for whoever runs it."""

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

views = Blueprint("health", __name__)

CLOCK_LATE = timedelta(seconds=90)
LOOK_AGAIN = timedelta(seconds=60)
_looked: tuple[Path, datetime, bool] | None = None


@views.get("/livez")
@access.requires("public")
def livez() -> Response:
    """Say that the process answers."""
    return _uncached(jsonify(status="ok"))


@views.get("/readyz")
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
        late = beat is None or clock.now() - beat > CLOCK_LATE
        checks["scheduler"] = "late: is `trustsvc scheduler` running?" if late else "ok"
    except SQLAlchemyError:
        pass
    checks["redis"] = _redis()
    checks["purge"] = _purge(clock.now())
    ready = all(answer == "ok" for answer in checks.values())
    return _uncached(jsonify(status="ok" if ready else "not ready", checks=checks)), (
        200 if ready else 503
    )


@views.get("/.well-known/security.txt")
@access.requires("public")
def security_txt() -> Response:
    """RFC 9116: whom to tell about a hole."""
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
    """Look at the log's folder at most once a minute: anybody may ask, and it has 2160 files."""
    global _looked  # noqa: PLW0603 - one log a process
    data = config.current().data
    if _looked is None or _looked[0] != data or abs(now - _looked[1]) >= LOOK_AGAIN:
        try:
            late = bool(purge_log_files.late(now))
        except OSError:
            late = True
        _looked = data, now, late
    return "late: see trustsvc doctor" if _looked[2] else "ok"


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
