"""Checks of the data folder: modes, free space, keys, server log."""

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

GIB = 1024**3
MIN_FREE, LOW_FREE = GIB // 4, 2 * GIB
MAX_KEY_AGE = timedelta(days=730)


def folder() -> list[Finding]:
    data, name = config.current().data, "data folder"
    if not data.is_dir():
        return [fail(name, "it does not exist", "start trustsvc once, or set TRUSTSVC_DATA")]
    findings = []
    if not os.access(data, os.W_OK | os.X_OK):
        findings.append(fail(name, "it is not writable", "give it to the user trustsvc runs as"))
    if stat.S_IMODE(data.stat().st_mode) & 0o007:
        findings.append(
            warn(name, "every user of this machine can read it", "chmod 750 it, or 700")
        )
    return findings or [ok(name, "exists, writable, closed to others")]


def disk() -> Finding:
    data = config.current().data
    if not data.is_dir():
        return fail("disk", "there is no data folder to measure", "see the line above")
    free = shutil.disk_usage(data).free
    detail = f"{free / GIB:.1f} GiB free"
    if free < MIN_FREE:
        return fail("disk", detail, "free space: orders are refused when nothing can be written")
    if free < LOW_FREE:
        return warn("disk", detail, "free space before it is full")
    return ok("disk", detail)


def key_ring(now: datetime) -> list[Finding]:
    """Check each kind: present, readable, closed to others; and the age of the newest keys."""
    findings, days = [], 0
    keys = config.current().data / "keys"
    for kind in keyring.KINDS:
        if stat.S_IMODE(_mode(keys / kind)) & 0o077:
            # The key ring refuses to read it as it is, so its content cannot be checked yet.
            findings.append(fail(f"key {kind}", "others can read it", f"chmod 600 keys/{kind}"))
            continue
        try:
            ring = keyring.existing_keys(kind)
        except (Misconfigured, OSError) as problem:
            detail = problem.detail if isinstance(problem, Misconfigured) else "it is not readable"
            findings.append(fail(f"key {kind}", detail, "then run trustsvc doctor again"))
            continue
        if not ring:
            remedy = "start trustsvc once; if it ran before, restore the folder keys FIRST"
            findings.append(fail(f"key {kind}", "it does not exist", remedy))
        elif ring[-1].made_at:
            days = max(days, (now - ring[-1].made_at).days)
    if stat.S_IMODE(_mode(keys)) & 0o077:
        findings.append(fail("key folder", "others can read it", "chmod 700 it"))
    if days > MAX_KEY_AGE.days:
        detail = f"the newest key of a kind is {days} days old"
        findings.append(warn("keys", detail, "trustsvc keys rotate KIND (see trustsvc keys list)"))
    return findings or [
        ok("keys", f"{len(keyring.KINDS)} kinds, closed to others, up to {days} days old")
    ]


def log_files(now: datetime) -> list[Finding]:
    settings, name = config.current(), "server log"
    kept = retention.list_files(settings.data / "log", now, settings.log_days)
    late = [file for file in kept if file.goes_at + retention.OVERDUE_AFTER <= now]
    findings = []
    if late:
        remedy = "is the scheduler running, and may the files be deleted? trustsvc log purge"
        findings.append(fail(name, f"{len(late)} files are older than promised", remedy))
    if any(file.strange for file in kept):
        detail = "there are files in the log folder whose name states no hour"
        findings.append(warn(name, detail, "trustsvc log purge --dry-run names them"))
    if (settings.data / purge_log_files.JOURNAL).exists():
        findings.append(warn(name, "a purge has no signed receipt yet", "trustsvc log purge"))
    return findings or [ok(name, f"{len(kept)} files, none older than {settings.log_days} days")]


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0
