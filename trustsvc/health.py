"""Health checks for load balancers and alarms, and security.txt."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

from flask import Blueprint, Response, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from trustsvc import clock, config, migrations
from trustsvc.doctor import readiness
from trustsvc.http import access
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat

health_checks = Blueprint("health", __name__)

HEARTBEAT_LATE = timedelta(seconds=90)
PURGE_CHECK_INTERVAL = timedelta(seconds=60)
CACHED = timedelta(seconds=1)
STUCK_S = 5.0  # each check has a limit of its own; a frozen server or disk obeys none
_last_purge_check: tuple[Path, datetime, bool] | None = None


@health_checks.get("/livez")
@access.requires("public")
def livez() -> Response:
    """Answer that the process is alive."""
    return _uncached(jsonify(status="ok"))


@health_checks.get("/readyz")
@access.requires("public")
def readyz() -> tuple[Response, int]:
    """Say whether work gets done; each check is tried once a second at most, whoever asks.

    Orders are accepted without Redis or the scheduler too: a load balancer should watch /livez,
    an alarm this.
    """
    checks = known_checks.current()
    ready = all(result == "ok" for result in checks.values())
    return _uncached(jsonify(status="ok" if ready else "not ready", checks=checks)), (
        200 if ready else 503
    )


class _Checks:
    """The newest results, made by one thread at a time; the others wait for them, not for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[config.Settings, datetime] | None = None
        self._results: dict[str, str] = {}

    def current(self) -> dict[str, str]:
        if not self._lock.acquire(timeout=STUCK_S):
            return self._results | {"database": "does not answer"}
        try:
            settings, now = config.current(), clock.now()
            known = self._made and self._made[0] == settings and abs(now - self._made[1]) < CACHED
            if not known:
                self._results = _check_all(now)
                self._made = settings, now
            return self._results
        finally:
            self._lock.release()

    def forget(self) -> None:
        self._made = None


known_checks = _Checks()


def _check_all(now: datetime) -> dict[str, str]:
    checks = {"database": "failed", "migrations": "failed", "scheduler": "failed"}
    try:
        with db.reading() as session:
            session.execute(select(1))
            checks["database"] = "ok"
            checks["migrations"] = _migrations()
            beat = heartbeat.last(session, "scheduler")
        late = beat is None or now - beat > HEARTBEAT_LATE
        checks["scheduler"] = "late: is `trustsvc scheduler` running?" if late else "ok"
    except SQLAlchemyError:
        pass
    checks |= {name: check(now).status for name, check in readiness.READINESS_CHECKS.items()}
    checks["purge"] = _purge(now)
    return checks


@health_checks.get("/.well-known/security.txt")
@access.requires("public")
def security_txt() -> Response:
    """Give the security contact (RFC 9116)."""
    end = (clock.now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    text = f"Contact: mailto:{config.current().contact}\nExpires: {end}\n"
    return Response(text, mimetype="text/plain")


def _migrations() -> str:
    if migrations.is_current():
        return "ok"
    return "newer than this trustsvc" if migrations.is_newer() else "behind: trustsvc migrate"


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
