"""Plant a marker in every searched place: where none is found then, nothing was searched."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import brotli
import redis
import requests
from sqlalchemy import text

from trustsvc import config
from trustsvc.storage import db
from trustsvc.work_queue import runtime

MARKER = "zqxqmore999f99q"


@contextlib.contextmanager
def planted(installation, post, listener, backup):
    """Plant them while the service runs; gives the places that must now have hits."""
    data = Path(installation.environ["TRUSTSVC_DATA"])
    places = ["data folder", "public files", "temporary files", "runtime folder", "Redis", "backup"]
    (data / "log" / "planted").write_text(MARKER)
    (data / "public" / "planted.br").write_bytes(brotli.compress(MARKER.encode()))
    (installation.place / "tmp" / "planted").write_text(MARKER)
    (runtime.folder() / "planted").write_text(MARKER)
    redis.Redis.from_url(config.current().redis_url or runtime.redis_url()).set(MARKER, "1")
    with db.engine().begin() as connection:
        connection.execute(text("CREATE TABLE canary_control (marker text)"))
        connection.execute(text("INSERT INTO canary_control VALUES (:marker)"), {"marker": MARKER})
    backup.unlink()
    installation.own("backup", str(backup))
    with (installation.place / "service.log").open("a") as output:
        output.write(MARKER)
    requests.get(f"http://127.0.0.1:{listener.port}/{MARKER}", timeout=15)
    places += ["output of the processes", "requests to the outside"]
    if post:
        post.messages.append(MARKER.encode())
        post.commands.append(MARKER)
        places += ["mail sent", "commands to the mail server", "database server"]
    else:
        for kind in ("", "answer."):
            (data / "mail" / "new" / f"1.{MARKER}.{kind}trustsvc").write_text(MARKER)
        places += ["invitations in the maildir", "transactional mail in the maildir"]
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, **installation.environ, "PLANTED": MARKER},
    )
    try:
        yield [*places, "environment of the processes"]
    finally:
        sleeper.kill()
        sleeper.wait()
