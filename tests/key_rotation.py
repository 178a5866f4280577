"""Rotate a key the way an operator does: a new line at the end of its file."""

import base64
import os
import secrets

from trustsvc.crypto import keyring


def add_key(settings, kind):
    path = settings.data / "keys" / kind
    version = keyring.newest_key(kind).version + 1
    with path.open("a", encoding="ascii") as file:
        file.write(f"{version} {base64.b64encode(secrets.token_bytes(32)).decode()}\n")
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


def drop_oldest(settings, kind):
    path = settings.data / "keys" / kind
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    path.write_text("".join(lines[1:]), encoding="ascii")
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
