"""Every place where a marker could be."""

import http.server
import subprocess
import threading
from collections import Counter
from pathlib import Path

import redis
from sqlalchemy import text

from tools.canary import search
from trustsvc import config
from trustsvc.storage import db
from trustsvc.work_queue import runtime


class Listener:
    """Records the service's outgoing HTTP requests, as a shop's web site."""

    def __init__(self):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(f"{self.requestline}\r\n{self.headers}".encode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def search_places(installation, post, listener, backup):
    """Give the markers found: {place: {(kind, encoding): count}}."""
    data = Path(installation.environ["TRUSTSVC_DATA"])
    found = {
        "data folder": search.of_tree(data, leave_out=["mail", "public"]),
        "public files": search.of_tree(data / "public"),
        "invitations in the maildir": _mail(data, transactional=False),
        "transactional mail in the maildir": _mail(data, transactional=True),
        "temporary files": search.of_tree(installation.place / "tmp"),
        "runtime folder": search.of_tree(runtime.folder()),
        "output of the processes": search.of_file(installation.place / "service.log"),
        "environment of the processes": _environments(installation),
        "Redis": _redis(),
        "database server": _postgres(),
        "backup": search.of_file(backup) + search.count_markers(_dumped(backup)),
        "mail sent": _sum(search.count_markers(message) for message in post.messages)
        if post
        else {},
        "commands to the mail server": (
            _sum(search.count_markers(line.encode()) for line in post.commands) if post else {}
        ),
        "requests to the outside": _sum(search.count_markers(one) for one in listener.requests),
    }
    return {place: hits for place, hits in found.items() if hits}


def _mail(data, *, transactional):
    found = search.of_tree(data / "mail")
    return _sum(hits for name, hits in found.items() if (".answer." in name) == transactional)


def _together(tree):
    return _sum(tree.values())


def _sum(counters):
    total = Counter()
    for one in counters:
        total += one
    return total


def _environments(installation):
    total = Counter()
    for pid in installation.left_behind():
        for name in ("environ", "cmdline"):
            total += search.of_file(Path(f"/proc/{pid}/{name}"))
    return total


def _redis():
    """Search every key and value as Redis stores them, and its files."""
    link = redis.Redis.from_url(config.current().redis_url or runtime.redis_url())
    total = Counter()
    for key in link.scan_iter(count=1000):
        total += search.count_markers(key + b" " + (link.dump(key) or b""))
    link.config_set("rdbcompression", "no")
    link.save()
    folder = Path(link.config_get("dir")["dir"])
    return total + _together(search.of_tree(folder))


def _postgres():
    """Search the server's own files, after a vacuum."""
    if db.is_sqlite():
        return Counter()
    with db.engine().connect() as connection:
        raw = connection.execution_options(isolation_level="AUTOCOMMIT")
        folder = raw.execute(text("SHOW data_directory")).scalar_one()
        # Otherwise a recycled segment of the write-ahead log keeps old bytes.
        raw.execute(text("ALTER SYSTEM SET wal_recycle = off"))
        raw.execute(text("SELECT pg_reload_conf()"))
        for _ in range(3):  # each run moves off the segment the one before wrote to
            raw.execute(text("VACUUM FULL"))
            raw.execute(text("CHECKPOINT"))
            raw.execute(text("SELECT pg_switch_wal()"))
            raw.execute(text("CHECKPOINT"))
    return search.of_tree(folder)


def _dumped(backup):
    """Give a PostgreSQL dump inside the backup as text: pg_dump compresses it."""
    if db.is_sqlite():
        return b""
    content = backup.read_bytes()
    inside = content.split(b"\n", 2)[2]
    done = subprocess.run(
        ["pg_restore", "-f", "-"], input=inside[:-32], capture_output=True, check=False
    )
    if not done.stdout:
        raise AssertionError("pg_restore could not read the backup")
    return done.stdout
