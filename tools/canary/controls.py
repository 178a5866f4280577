"""A mark in every place that is searched: one in which none is found then was not searched."""

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

MARK = "zqxmore999f99q"


@contextlib.contextmanager
def planted(house, post, listener, backup):
    """Plant them while the service runs; gives the names of the places that must now have hits."""
    data = Path(house.environ["TRUSTSVC_DATA"])
    places = ["data folder", "public files", "temporary files", "runtime folder", "Redis", "backup"]
    (data / "log" / "planted").write_text(MARK)
    (data / "public" / "planted.br").write_bytes(brotli.compress(MARK.encode()))
    (house.place / "tmp" / "planted").write_text(MARK)
    (runtime.folder() / "planted").write_text(MARK)
    redis.Redis.from_url(config.current().redis_url or runtime.redis_url()).set(MARK, "1")
    with db.engine().begin() as connection:
        connection.execute(text("CREATE TABLE canary_control (said text)"))
        connection.execute(text("INSERT INTO canary_control VALUES (:said)"), {"said": MARK})
    backup.unlink()
    house.own("backup", str(backup))
    with (house.place / "house.log").open("a") as output:
        output.write(MARK)
    requests.get(f"http://127.0.0.1:{listener.port}/{MARK}", timeout=15)
    places += ["output of the processes", "requests to the outside"]
    if post:
        post.letters.append(MARK.encode())
        post.heard.append(MARK)
        places += ["letters sent", "commands to the mail server", "database server"]
    else:
        for kind in ("", "answer."):
            (data / "mail" / "new" / f"1.{MARK}.{kind}trustsvc").write_text(MARK)
        places += ["invitations in the maildir", "answers in the maildir"]
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, **house.environ, "PLANTED": MARK},
    )
    try:
        yield [*places, "environment of the processes"]
    finally:
        sleeper.kill()
        sleeper.wait()
