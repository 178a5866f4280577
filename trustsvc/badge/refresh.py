"""Render badges to files when the score changes, not when a visitor comes."""

import os
import secrets
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.badge import face, render
from trustsvc.shops import find


def folder() -> Path:
    return config.current().data / "public" / "badge" / "v1"


def refresh_changed(session: Session, now: datetime) -> int:
    """Refresh whatever changed; gives how many files were written.

    All shops are counted in one grouped query and only differing bytes are written. That is cheaper
    than it looks, and heals a file that was lost or written by a slower process with old numbers.
    """
    return _write_all(session, find.everyone(session), now)


def refresh(session: Session, shop_ids: Collection[int], now: datetime) -> int:
    """Refresh the badges of these shops; gives how many files were written. Twice writes none."""
    return _write_all(session, find.by_ids(session, shop_ids).values(), now)


def _write_all(session: Session, shops: Collection[find.Shop], now: datetime) -> int:
    written = 0
    faces = face.read(session, shops, now)
    for shop in shops:
        for kind, write in KINDS.items():
            written += _write(folder() / f"{shop.slug}.{kind}", write(faces[shop.id]))
    return written


KINDS = {"json": render.as_json, "svg": render.as_svg}


def _write(path: Path, body: bytes) -> bool:
    """Put a file in place at once and for good, or leave the one that says the same."""
    if path.is_file() and path.read_bytes() == body:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two processes may refresh at once, and each must move a whole file.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with beside.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
    return True
