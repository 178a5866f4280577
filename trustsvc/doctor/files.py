"""What lies in the data folder: modes, space, keys, the server log, the file of suppressions."""

import os
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.errors import Misconfigured
from trustsvc.privacy.retention import purge_log_files
from trustsvc.server_log import retention
from trustsvc.storage import suppression_journal

GIB = 1024**3
LEAST_FREE, LITTLE_FREE = GIB // 4, 2 * GIB
OLD_KEY = timedelta(days=730)


def folder() -> Finding:
    place, what = config.current().data, "data folder"
    if not place.is_dir():
        return fail(what, "it is not there", "start trustsvc once, or set TRUSTSVC_DATA")
    if not os.access(place, os.W_OK | os.X_OK):
        return fail(what, "it cannot be written", "give it to the user trustsvc runs as")
    others = stat.S_IMODE(place.stat().st_mode) & 0o007
    if others:
        return warn(what, "every user of this machine can look in", "chmod 750 it, or 700")
    return ok(what, "there, writable, closed to others")


def disk() -> Finding:
    place = config.current().data
    if not place.is_dir():
        return fail("disk", "there is no data folder to look at", "see the line above")
    free = shutil.disk_usage(place).free
    said = f"{free / GIB:.1f} GiB free"
    if free < LEAST_FREE:
        return fail("disk", said, "make room: orders are refused when nothing can be written")
    if free < LITTLE_FREE:
        return warn("disk", said, "make room before it is full")
    return ok("disk", said)


def key_ring(now: datetime) -> list[Finding]:
    """Look at each kind: is it there, closed to others, readable; the oldest age is only said."""
    found = []
    ages = []
    place = config.current().data / "keys"
    for kind in keyring.KINDS:
        if stat.S_IMODE(_mode(place / kind)) & 0o077:
            found.append(fail(f"key {kind}", "others can read it", f"chmod 600 keys/{kind}"))
            continue
        try:
            ring = keyring.existing_keys(kind)
        except (Misconfigured, OSError) as problem:
            said = problem.detail if isinstance(problem, Misconfigured) else "it cannot be read"
            found.append(fail(f"key {kind}", said, "then run trustsvc doctor again"))
            continue
        if not ring:
            todo = "start trustsvc once; if it ran before, restore the folder keys FIRST"
            found.append(fail(f"key {kind}", "it is not there", todo))
        else:
            ages += [now - ring[-1].made_at] if ring[-1].made_at else []
    if stat.S_IMODE(_mode(place)) & 0o077:
        found.append(fail("key folder", "others can look into it", "chmod 700 it"))
    if found:
        return found
    days = max((age.days for age in ages), default=0)
    said = f"{len(keyring.KINDS)} kinds, for the owner alone, the newest of a kind {days} days old"
    if any(age > OLD_KEY for age in ages):
        todo = "trustsvc keys rotate KIND (see trustsvc keys list)"
        return [warn("keys", said, todo)]
    return [ok("keys", said)]


def log_files(now: datetime) -> Finding:
    settings, what = config.current(), "server log"
    kept = retention.everything(settings.data / "log", now, settings.log_days)
    late = [file for file in kept if file.goes_at + retention.LATE <= now]
    if late:
        todo = "is the clock running, and may the files be deleted? trustsvc log purge"
        return fail(what, f"{len(late)} files are older than promised", todo)
    if any(file.strange for file in kept):
        todo = "trustsvc log purge --dry-run names them"
        return warn(what, "files whose name says no hour lie among the log", todo)
    if (settings.data / purge_log_files.JOURNAL).exists():
        return warn(what, "a purge is not signed for yet", "trustsvc log purge")
    return ok(what, f"{len(kept)} files, none older than {settings.log_days} days")


def who_said_stop() -> Finding:
    what = "suppressions"
    book = suppression_journal.read()
    if book is None:
        if suppression_journal.path().exists():
            todo = "put its newest copy back: a restore needs it"
            return fail(what, "suppressions/marks is something else", todo)
        return ok(what, "nobody said stop yet, and no backup was made")
    if book.damaged:
        todo = "make a new backup now: a restore of an older one would leave letters stopped"
        return warn(what, f"{book.damaged} lines cannot be read", todo)
    return ok(what, f"{len(book.lines)} wishes, kept apart from the database")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0
